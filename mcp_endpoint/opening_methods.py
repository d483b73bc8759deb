"""How a client of each era opens: the handshake, the discovery, and the question for life.

MCP 2025-11-25 basic/lifecycle and basic/utilities/ping; MCP 2026-07-28 server/discover.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from activity.events import Event
from activity.recorder import record_event
from mcp_endpoint.exchange import Exchange
from mcp_endpoint.results import (
    build_discover_result,
    build_initialize_result,
    build_instructions,
    build_server_info,
)
from mcp_endpoint.tool_methods import find_visible_tools
from oauth_ext.verification import Principal


def initialize(exchange: Exchange) -> Mapping[str, Any]:
    """The legacy handshake; nothing is kept, so it opens no session on our side."""
    record_opening(exchange)
    return build_initialize_result(
        exchange.message.protocol_version,
        build_server_info(settings.PRODUCT_NAME),
        instruct(exchange.principal),
    )


def discover(exchange: Exchange) -> Mapping[str, Any]:
    """What a modern client asks first."""
    record_opening(exchange)
    return build_discover_result(instruct(exchange.principal))


def instruct(principal: Principal) -> str:
    """The instructions for this caller."""
    return build_instructions({tool.name for tool in find_visible_tools(principal)})


def ping(exchange: Exchange) -> Mapping[str, Any]:
    """Alive; legacy only."""
    return {}


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
