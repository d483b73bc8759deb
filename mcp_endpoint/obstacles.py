"""What is answered when something stands in the way of a resource, a prompt or a suggestion.

The question itself is ``visibility.find_obstacle``; lists ask it as well, so what is hidden is
what is refused.
"""

from mcp_endpoint.errors import InvalidParamsError, RefusedError
from mcp_endpoint.exchange import Exchange
from mcp_endpoint.prompts import Prompt
from mcp_endpoint.resource_definitions import Resource
from mcp_endpoint.step_up import explain_missing_scope, find_reason_for_words
from mcp_endpoint.tool_methods import build_scope_refusal
from mcp_endpoint.visibility import Hindrance, Obstacle, find_obstacle
from oauth_ext.verification import Principal


def find_reading_obstacle(principal: Principal, wanted: Resource | Prompt) -> Obstacle | None:
    """What keeps the caller from a resource or a prompt, or None.

    A token that was made for some tools reads nothing else, so each is asked about by a name; no
    tool's name has a slash, so none is taken for another. What an organization hides as a tool is
    not to be had as a reading either.
    """
    if wanted.tool in principal.hidden_tools:
        return Obstacle(Hindrance.ORGANIZATION, wanted.scope)
    if isinstance(wanted, Prompt):
        return find_obstacle(principal, scope=wanted.scope, tool=f"prompts/{wanted.name}")
    return find_obstacle(principal, scope=wanted.scope, tool=f"resources/{wanted.template.text}")


def build_refusal(exchange: Exchange, obstacle: Obstacle, absence: RefusedError) -> RefusedError:
    """The refusal that belongs to an obstacle.

    Args:
        absence: how this is refused if it does not exist; where that must not be told apart, its
            words are used, and only the log has the reason.
    """
    if obstacle.is_absence:
        absence.reason = obstacle.reason
        return absence
    if obstacle.hindrance is Hindrance.ROLE:
        principal = exchange.principal
        return InvalidParamsError(
            f"The person is {principal.role} in {principal.organization_name}, and that role does "
            "not allow this. Connecting again does not help; an owner or admin of the "
            "organization can change the role.",
            reason=obstacle.reason,
            event=absence.event,
            details=absence.details,
        )
    reason = find_reason_for_words(exchange.principal, obstacle.scope)
    if reason is not None:
        return InvalidParamsError(
            explain_missing_scope(exchange.principal, obstacle.scope),
            reason=reason,
            event=absence.event,
            details=absence.details,
        )
    return build_scope_refusal(exchange.principal, exchange.message.era, obstacle.scope)
