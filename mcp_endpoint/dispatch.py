"""From a settled message to its result: the methods of each era.

MCP 2026-07-28 server/discover, server/tools; 2025-11-25 lifecycle, ping. Only tools are served,
so only tools are declared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from mcp_endpoint.calls import Call, call_tool, refuse_by_role
from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import Tool
from mcp_endpoint.errors import InsufficientScopeError, InvalidParamsError, MethodNotFoundError
from mcp_endpoint.protocol import Era, Message
from mcp_endpoint.registry import registry
from mcp_endpoint.results import (
    build_discover_result,
    build_initialize_result,
    build_server_info,
    stamp_result,
)
from oauth_ext.challenges import build_insufficient_scope_challenge
from oauth_ext.policies import find_grantable_scopes
from oauth_ext.scopes import SUPPORTED
from oauth_ext.verification import Principal

CONNECT_AGAIN = "Connect the application again and tick it on the consent page."
NEW_TOKEN = "Make a new personal access token that has it, on the settings page."


@dataclass(frozen=True, slots=True)
class Exchange:
    """A verified caller's message and everything that is known about it."""

    message: Message
    principal: Principal
    origin: Origin
    started: float


Handler = Callable[[Exchange], Mapping[str, Any]]


def dispatch(exchange: Exchange) -> Mapping[str, Any]:
    """The result of a request.

    Raises:
        MethodNotFoundError: 404 in the modern era; 200 before, where 404 meant a lost session.
        RefusedError: the parameters or the scopes don't suffice.
    """
    message = exchange.message
    handler = HANDLERS[message.era].get(message.method)
    if handler is None:
        raise MethodNotFoundError(
            "This method does not exist here.", status=404 if message.era is Era.MODERN else 200
        )
    return stamp_result(
        handler(exchange),
        era=message.era,
        server_info=build_server_info(settings.PRODUCT_NAME),
        cacheable=message.method in CACHEABLE,
    )


def initialize(exchange: Exchange) -> Mapping[str, Any]:
    """The legacy handshake; nothing is kept, so it opens no session on our side."""
    record_opening(exchange)
    return build_initialize_result(
        exchange.message.protocol_version, build_server_info(settings.PRODUCT_NAME)
    )


def discover(exchange: Exchange) -> Mapping[str, Any]:
    """What a modern client asks first."""
    record_opening(exchange)
    return build_discover_result()


def ping(exchange: Exchange) -> Mapping[str, Any]:
    """Alive; legacy only."""
    return {}


def list_tools(exchange: Exchange) -> Mapping[str, Any]:
    """All tools on one page; those that a personal access token was not made for don't exist.

    Tools beyond the caller's scopes are listed too: calling one is how a client learns which
    permission to ask the person for.
    """
    if exchange.message.params.get("cursor") is not None:
        raise InvalidParamsError("There is no such page: all tools are on the first one.")
    allowed = exchange.principal.allowed_tools
    definitions = registry.list_definitions()
    if allowed is None:
        return {"tools": definitions}
    return {"tools": [known for known in definitions if known["name"] in allowed]}


def call(exchange: Exchange) -> Mapping[str, Any]:
    """Run one tool, if it exists and the caller's scopes include its own."""
    tool, arguments = read_call(exchange.message.params, exchange.principal.allowed_tools)
    principal = exchange.principal
    context = CallContext(principal, exchange.origin, exchange.message.protocol_version)
    made = Call(tool, arguments, context, exchange.started)
    if tool.scope in principal.scopes:
        return call_tool(made)
    if tool.scope not in find_grantable_scopes(principal.role):
        return refuse_by_role(made)
    raise build_scope_refusal(exchange, tool)


def read_call(
    params: Mapping[str, Any], allowed: frozenset[str] | None
) -> tuple[Tool, Mapping[str, Any]]:
    """The tool and the arguments that ``tools/call`` names.

    A tool that the token is not for is refused in the words of one that does not exist; only the
    log knows the difference.
    """
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str):
        raise InvalidParamsError('tools/call needs "name", a string.')
    if arguments is not None and not isinstance(arguments, dict):
        raise InvalidParamsError('"arguments" must be an object.')
    tool = registry.find(name)
    is_hidden = tool is not None and allowed is not None and tool.name not in allowed
    if tool is None or is_hidden:
        raise InvalidParamsError(
            "There is no tool of this name. Call tools/list to see those that exist.",
            reason="tool_not_allowed" if is_hidden else "unknown_tool",
            tool=tool.name if tool else "",
        )
    return tool, arguments or {}


def build_scope_refusal(exchange: Exchange, tool: Tool) -> InsufficientScopeError:
    """403 that names every scope this call needs (MCP 2026-07-28 authorization §Step-Up).

    Since 2026-07-28 a client MUST add what it holds itself. Older ones ask for exactly what the
    challenge says, so theirs repeats what they hold; without it they would lose it in exchange.
    """
    held = exchange.principal.scopes if exchange.message.era is Era.LEGACY else frozenset[str]()
    scopes = tuple(scope for scope in SUPPORTED if scope in held or scope == tool.scope)
    is_personal = exchange.principal.personal_token_id is not None
    return InsufficientScopeError(
        scopes,
        missing=tool.scope,
        remedy=NEW_TOKEN if is_personal else CONNECT_AGAIN,
        challenge=build_insufficient_scope_challenge(scopes),
        tool=tool.name,
    )


def record_opening(exchange: Exchange) -> None:
    """Record that a client connected, with what it calls itself."""
    principal = exchange.principal
    record_event(
        Event.SESSION_OPENED,
        origin=exchange.origin,
        user_id=principal.user_id,
        organization_id=principal.organization_id,
        client_id=principal.client_id,
        connection_id=principal.connection_id,
        protocol_version=exchange.message.protocol_version,
        details={"claimed_client": exchange.message.client_info},
    )


CACHEABLE = frozenset({"server/discover", "tools/list"})
HANDLERS: Mapping[Era, Mapping[str, Handler]] = {
    Era.LEGACY: {
        "initialize": initialize,
        "ping": ping,
        "tools/list": list_tools,
        "tools/call": call,
    },
    Era.MODERN: {
        "server/discover": discover,
        "tools/list": list_tools,
        "tools/call": call,
    },
}
