"""Whether this caller may have this operation, and how often.

Each operation is a tool's twin: what hides or forbids the tool does so here, in the same order.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mcp_endpoint import call_limits
from mcp_endpoint.errors import InsufficientScopeError
from mcp_endpoint.tool_methods import CONNECT_AGAIN, NEW_TOKEN
from mcp_endpoint.visibility import Hindrance, find_obstacle
from oauth_ext.challenges import build_insufficient_scope_challenge
from oauth_ext.scopes import SUPPORTED
from oauth_ext.verification import Principal
from rest_api.problems import NotFoundError, RoleRefusedError


@contextmanager
def charge(principal: Principal, *, tool: str) -> Iterator[call_limits.Slot]:
    """Take one call from what the caller and their organization have left, for both surfaces.

    The one place where an operation is metered; it costs what a call of its tool costs.

    Raises:
        RateLimitedError: nothing is left, or too many are running; the operation must not.
    """
    with call_limits.hold_slot(principal) as slot:
        call_limits.charge(principal, call_limits.find_tool_cost(principal, tool))
        yield slot


def admit(principal: Principal, *, tool: str, scope: str) -> None:
    """Let the caller pass, or say why not.

    Raises:
        NotFoundError: the token or the organization leaves this tool out.
        RoleRefusedError, InsufficientScopeError: the scope is missing.
    """
    obstacle = find_obstacle(principal, scope=scope, tool=tool)
    if obstacle is None:
        return
    if obstacle.is_absence:
        raise NotFoundError(reason=obstacle.reason)
    if obstacle.hindrance is Hindrance.ROLE:
        raise RoleRefusedError(
            f"The person is {principal.role} in {principal.organization_name}, and that role does "
            "not allow this. Connecting again does not help; an owner or admin of the "
            "organization can change the role."
        )
    raise build_scope_refusal(principal, tool=tool, scope=scope)


def build_scope_refusal(principal: Principal, *, tool: str, scope: str) -> InsufficientScopeError:
    """403 with a challenge (RFC 6750 §3.1).

    It repeats what is held: a client that asks for exactly what a challenge names would lose the
    rest in exchange.
    """
    scopes = tuple(name for name in SUPPORTED if name in principal.scopes or name == scope)
    return InsufficientScopeError(
        scopes,
        missing=scope,
        remedy=CONNECT_AGAIN if principal.personal_token_id is None else NEW_TOKEN,
        challenge=build_insufficient_scope_challenge(scopes),
        tool=tool,
    )
