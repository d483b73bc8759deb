"""``tools/list`` and ``tools/call`` (MCP 2026-07-28 server/tools), up to the call itself."""

from collections.abc import Mapping
from typing import Any

from activity.events import Outcome
from mcp_endpoint.calls import Call, call_tool, refuse_by_role
from mcp_endpoint.context import CallContext
from mcp_endpoint.cursors import cut_page, read_position, seal_cursor
from mcp_endpoint.definitions import Tool
from mcp_endpoint.errors import InsufficientScopeError, InvalidParamsError
from mcp_endpoint.exchange import Exchange, Result, Steps
from mcp_endpoint.gate import Gate
from mcp_endpoint.input_rounds import open_round
from mcp_endpoint.near_names import find_near
from mcp_endpoint.parameter_headers import check_parameter_headers
from mcp_endpoint.progress import ProgressFeed, find_progress_token, ignore_progress
from mcp_endpoint.protocol import Era
from mcp_endpoint.registry import registry
from mcp_endpoint.results import build_tool_failure
from mcp_endpoint.running import run_apart
from mcp_endpoint.step_up import explain_missing_scope, find_reason_for_words
from mcp_endpoint.visibility import Hindrance, Obstacle, find_obstacle
from oauth_ext.challenges import build_insufficient_scope_challenge
from oauth_ext.scopes import SUPPORTED
from oauth_ext.verification import Principal

# Many clients never ask for a second page.
TOOLS_ON_A_PAGE = 250
MAX_NEAR = 3
NEW_TOKEN = "Make a new personal access token that has it, on the settings page."
CONNECT_AGAIN = "Connect the application again and tick it on the consent page."


def list_tools(exchange: Exchange) -> Mapping[str, Any]:
    """A page of the tools that the caller may call now.

    A client that knows the name of another calls it and learns from the refusal which permission
    to ask the person for; once they gave it, the tool is listed.
    """
    principal, method = exchange.principal, exchange.message.method
    position = read_position(principal, method, exchange.message.params)
    visible = [tool.definition for tool in find_visible_tools(principal)]
    page, following = cut_page(
        visible, lambda known: known["name"], after=position, size=TOOLS_ON_A_PAGE
    )
    if following is None:
        return {"tools": page}
    return {"tools": page, "nextCursor": seal_cursor(principal, method, following)}


def find_visible_tools(principal: Principal) -> list[Tool]:
    """The tools that the caller may call now, in alphabetical order."""
    return [
        tool
        for tool in registry.list_tools()
        if find_obstacle(principal, scope=tool.scope, tool=tool.name) is None
    ]


def call(exchange: Exchange) -> Result | Steps:
    """Run one tool, if nothing keeps the caller from it."""
    feed = ProgressFeed()
    made = admit(exchange, feed)
    if not isinstance(made, Call):
        return made
    return start(made, feed, exchange) if made.tool.runs_apart else call_tool(made)


def admit(exchange: Exchange, feed: ProgressFeed) -> Call | Result:
    """The call, ready to run; or the answer, if the person's role does not allow it.

    Raises:
        RefusedError: something else keeps the caller from it.
    """
    principal, era = exchange.principal, exchange.message.era
    tool, arguments = read_call(principal, exchange.message.params)
    obstacle = find_obstacle(principal, scope=tool.scope, tool=tool.name)
    if obstacle is not None:
        # Nothing else of the request is looked at: what is hidden answers as what is absent.
        context = CallContext(principal, exchange.origin, exchange.message.protocol_version)
        return refuse(Call(tool, arguments, context, exchange.started), era, obstacle)
    check_parameter_headers(tool.mirrored, arguments, exchange.message, tool.name)
    return prepare_call(exchange, tool, arguments, feed)


def refuse(made: Call, era: Era, obstacle: Obstacle) -> Mapping[str, Any]:
    """The answer to a call that something keeps from running.

    Raises:
        InvalidParamsError, InsufficientScopeError: where a result would tell too much or too
            little.
    """
    if obstacle.is_absence:
        raise build_absence(made.context.principal, made.tool.name, obstacle.reason, made.tool.name)
    if obstacle.hindrance is Hindrance.ROLE:
        return refuse_by_role(made)
    reason = find_reason_for_words(made.context.principal, obstacle.scope)
    if reason is not None:
        made.record(Outcome.REFUSED, reason)
        words = explain_missing_scope(made.context.principal, obstacle.scope)
        return build_tool_failure(words, made.context.reference)
    raise build_scope_refusal(made.context.principal, era, made.tool.scope, made.tool.name)


def prepare_call(
    exchange: Exchange, tool: Tool, arguments: Mapping[str, Any], feed: ProgressFeed
) -> Call:
    """The call with everything that it may ask and has to pass."""
    gate = Gate(
        seconds=tool.time_limit,
        presence=exchange.caller.presence,
        disconnect_cancels=exchange.message.era is Era.MODERN,
        acts_outside=tool.open_world,
    )
    context = CallContext(
        exchange.principal,
        exchange.origin,
        exchange.message.protocol_version,
        reporter=feed.report if tool.runs_apart else ignore_progress,
        inputs=open_round(exchange, tool.name, arguments),
        checker=gate.check,
    )
    return Call(tool, arguments, context, exchange.started, gate)


def start(made: Call, feed: ProgressFeed, exchange: Exchange) -> Steps:
    """Run the call in a thread of its own, and tell its client of it."""
    token = find_progress_token(exchange.message.params)
    return run_apart(made, feed, exchange.caller, tells_progress=token is not None)


def read_call(principal: Principal, params: Mapping[str, Any]) -> tuple[Tool, Mapping[str, Any]]:
    """The tool and the arguments that ``tools/call`` names."""
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str):
        raise InvalidParamsError('tools/call needs "name", a string.')
    if arguments is not None and not isinstance(arguments, dict):
        raise InvalidParamsError('"arguments" must be an object.')
    tool = registry.find(name)
    if tool is None:
        raise build_absence(principal, name, "unknown_tool")
    return tool, arguments or {}


def build_absence(
    principal: Principal, name: str, reason: str, tool: str = ""
) -> InvalidParamsError:
    """The refusal of a tool that does not exist, or is not there for this caller.

    The same words for both, and near names of what the caller has; only the log knows the
    difference.
    """
    near = find_near(name, [visible.name for visible in find_visible_tools(principal)], MAX_NEAR)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return InvalidParamsError(
        f"There is no tool of this name.{meant} Call tools/list to see those that exist.",
        reason=reason,
        tool=tool,
    )


def build_scope_refusal(
    principal: Principal, era: Era, scope: str, tool: str = ""
) -> InsufficientScopeError:
    """403 that names every scope this call needs (MCP 2026-07-28 authorization §Step-Up).

    Since 2026-07-28 a client MUST add what it holds itself. Older ones ask for exactly what the
    challenge says, so theirs repeats what they hold; without it they would lose it in exchange.
    """
    held = principal.scopes if era is Era.LEGACY else frozenset[str]()
    scopes = tuple(known for known in SUPPORTED if known in held or known == scope)
    return InsufficientScopeError(
        scopes,
        missing=scope,
        remedy=CONNECT_AGAIN,
        challenge=build_insufficient_scope_challenge(scopes),
        tool=tool,
    )
