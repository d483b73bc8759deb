"""Calls of ``/mcp`` that are all in order, in each era: what its mutations start from."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

from tests.fuzz.messages import Message
from tests.mcp_client import BOTH_TYPES, LATEST_LEGACY, MODERN, MODERN_META, NAME_MEMBERS

ERAS = ("legacy", "modern")


def build_calls(era: str, *, token: str, victim: str) -> tuple[Message, ...]:
    """One of each kind.

    Args:
        token: with every scope, of an administrator.
        victim: a connection that the token's person may disconnect.
    """
    calls: list[tuple[str, Mapping[str, Any]]] = [
        ("tools/call", {"name": "whoami", "arguments": {}}),
        ("tools/call", {"name": "whoami"}),
        ("tools/call", {"name": "search_activity", "arguments": {"limit": 2}}),
        (
            "tools/call",
            {"name": "disconnect_application", "arguments": {"connection_id": victim}},
        ),
        (
            "tools/call",
            {
                "name": "disconnect_application",
                "arguments": {"connection_id": victim},
                "_meta": {"progressToken": 7},
            },
        ),
        (
            "tools/call",
            {"name": "rename_application", "arguments": {"connection_id": victim, "label": "x"}},
        ),
        ("tools/call", {"name": "activity_summary", "arguments": {}}),
        ("tools/list", {}),
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/read", {"uri": f"docjacket://connection/{victim}"}),
        ("prompts/list", {}),
        (
            "prompts/get",
            {"name": "review_connected_applications", "arguments": {"unused_days": "30"}},
        ),
        (
            "completion/complete",
            {
                "ref": {"type": "ref/resource", "uri": "docjacket://connection/{connection_id}"},
                "argument": {"name": "connection_id", "value": victim[:3]},
            },
        ),
        *OPENINGS[era],
    ]
    messages = [
        build_message(era, method, params, token, message_id)
        for message_id, (method, params) in zip(
            cycle((1, "a", 0, -7, "é" * 20)), calls, strict=False
        )
    ]
    return (*messages, build_notification(era, token))


OPENINGS: Mapping[str, list[tuple[str, Mapping[str, Any]]]] = {
    "legacy": [
        (
            "initialize",
            {
                "protocolVersion": LATEST_LEGACY,
                "capabilities": {},
                "clientInfo": {"name": "fuzz", "version": "1"},
            },
        ),
        ("ping", {}),
    ],
    "modern": [("server/discover", {})],
}


def build_message(
    era: str, method: str, params: Mapping[str, Any], token: str, message_id: Any
) -> Message:
    """A request with everything that its era wants."""
    headers = {"AUTHORIZATION": f"Bearer {token}", "ACCEPT": BOTH_TYPES}
    sent = dict(params)
    if era == "modern":
        sent["_meta"] = {**MODERN_META, **params.get("_meta", {})}
        headers |= {"MCP_PROTOCOL_VERSION": MODERN, "MCP_METHOD": method}
        if method in NAME_MEMBERS:
            headers["MCP_NAME"] = params[NAME_MEMBERS[method]]
    elif method != "initialize":
        headers["MCP_PROTOCOL_VERSION"] = LATEST_LEGACY
    document = {"jsonrpc": "2.0", "id": message_id, "method": method, "params": sent}
    return Message(method, "POST", "/mcp", document=document, headers=headers)


def build_notification(era: str, token: str) -> Message:
    """What a client tells without asking anything."""
    version = MODERN if era == "modern" else LATEST_LEGACY
    document = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    headers = {"AUTHORIZATION": f"Bearer {token}", "MCP_PROTOCOL_VERSION": version}
    return Message("notification", "POST", "/mcp", document=document, headers=headers)
