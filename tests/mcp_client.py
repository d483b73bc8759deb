"""An MCP client for tests: modern and legacy requests through Django's own test client.

It sends exactly what it is told, so that a test can change one thing; the official SDK is used
where the question is whether real clients get along.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.test import Client

MODERN = "2026-07-28"
LATEST_LEGACY = "2025-11-25"
BOTH_TYPES = "application/json, text/event-stream"
MODERN_META: Mapping[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
NAME_MEMBERS = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


class McpClient:
    """One caller; ``token`` None sends no credential."""

    def __init__(self, token: str | None = None, path: str = "/mcp") -> None:
        self.token = token
        self.path = path
        self.http = Client(raise_request_exception=True)

    def send(
        self,
        body: Any,
        *,
        headers: Mapping[str, str | None] | None = None,
        content_type: str = "application/json",
        method: str = "POST",
    ) -> HttpResponse:
        """One HTTP request; ``body`` is sent as it is if bytes, else as JSON.

        A header of None is left out, also one that would be sent by default.
        """
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent: dict[str, str | None] = {"Accept": BOTH_TYPES}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        sent |= headers or {}
        return self.http.generic(
            method,
            self.path,
            content,
            content_type=content_type,
            headers={name: value for name, value in sent.items() if value is not None},
            # Django's client leaves it out of a request without a body.
            CONTENT_TYPE=content_type,
        )

    def modern(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        meta: Mapping[str, Any] | None = MODERN_META,
        message_id: Any = 1,
        headers: Mapping[str, str | None] | None = None,
    ) -> HttpResponse:
        """A 2026-07-28 request with all that belongs to it; ``headers`` override."""
        body_params = dict(params or {})
        if meta is not None:
            body_params["_meta"] = dict(meta)
        sent: dict[str, str | None] = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if method in NAME_MEMBERS and isinstance(body_params.get(NAME_MEMBERS[method]), str):
            sent["Mcp-Name"] = body_params[NAME_MEMBERS[method]]
        return self.send(
            {"jsonrpc": "2.0", "id": message_id, "method": method, "params": body_params},
            headers=sent | dict(headers or {}),
        )

    def legacy(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        version: str | None = LATEST_LEGACY,
        message_id: Any = 1,
        headers: Mapping[str, str | None] | None = None,
    ) -> HttpResponse:
        """A request as revisions up to 2025-11-25 send it after the handshake."""
        sent: dict[str, str | None] = {"MCP-Protocol-Version": version}
        return self.send(
            {"jsonrpc": "2.0", "id": message_id, "method": method, "params": dict(params or {})},
            headers=sent | dict(headers or {}),
        )

    def initialize(self, version: str = LATEST_LEGACY) -> HttpResponse:
        """The legacy handshake, which carries no version header."""
        return self.legacy(
            "initialize",
            {
                "protocolVersion": version,
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
            version=None,
        )

    def call(self, tool: str, arguments: Mapping[str, Any] | None = None) -> HttpResponse:
        """A modern ``tools/call``."""
        return self.modern("tools/call", {"name": tool, "arguments": dict(arguments or {})})

    def use(self, tool: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The structured content of a call that succeeds."""
        answer = self.call(tool, arguments)
        assert answer.status_code == 200, answer.content
        result = answer.json()["result"]
        assert result["isError"] is False, result
        structured: dict[str, Any] = result["structuredContent"]
        return structured

    def fail(self, tool: str, arguments: Mapping[str, Any] | None = None) -> str:
        """The text of a call that the tool refuses, without the reference that it ends with."""
        answer = self.call(tool, arguments)
        assert answer.status_code == 200, answer.content
        result = answer.json()["result"]
        assert result["isError"] is True, result
        assert "structuredContent" not in result
        text: str = result["content"][0]["text"]
        told, end, rest = text.partition(f"Reference: {answer['Reference-Id']}")
        assert (bool(end), rest) == (True, ""), text
        return told.rstrip()
