"""A call of a tool over the wire, and its answer piece by piece as it comes."""

import http.client
import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.live.server import LiveServer
from tests.mcp_client import BOTH_TYPES, LATEST_LEGACY, MODERN, MODERN_META

SECONDS = 30
ERAS = ("modern", "legacy")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One ``tools/call``; ``token`` is the bearer's, ``progress_token`` None asks for none."""

    token: str
    tool: str
    arguments: Mapping[str, Any]
    era: str = "modern"
    message_id: str | int = 1
    progress_token: str | int | None = "steps"
    accept: str = BOTH_TYPES

    @property
    def body(self) -> bytes:
        """The JSON-RPC request."""
        meta: dict[str, Any] = dict(MODERN_META) if self.era == "modern" else {}
        if self.progress_token is not None:
            meta["progressToken"] = self.progress_token
        params = {"name": self.tool, "arguments": dict(self.arguments), "_meta": meta}
        request = {
            "jsonrpc": "2.0",
            "id": self.message_id,
            "method": "tools/call",
            "params": params,
        }
        return json.dumps(request).encode()

    @property
    def headers(self) -> dict[str, str]:
        """What this era's clients send."""
        modern = {"Mcp-Method": "tools/call", "Mcp-Name": self.tool}
        return {
            "Authorization": f"Bearer {self.token}",
            "Accept": self.accept,
            "Content-Type": "application/json",
            "MCP-Protocol-Version": MODERN if self.era == "modern" else LATEST_LEGACY,
            **(modern if self.era == "modern" else {}),
        }


class Line:
    """One connection to a server, on which calls are made one after the other."""

    def __init__(self, server: LiveServer, *, is_narrow: bool = False) -> None:
        self.connection = http.client.HTTPConnection(*server.address, timeout=SECONDS)
        self.connection.sock = socket.socket()
        if is_narrow:
            # Otherwise the kernel takes many megabytes for a program that never reads.
            self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.connection.sock.settimeout(SECONDS)
        self.connection.sock.connect(server.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """Close it, whether or not an answer is due."""
        self.connection.close()

    def send(self, call: ToolCall) -> None:
        """Send the call, without waiting for anything."""
        self.connection.request("POST", "/mcp", call.body, call.headers)

    def open(self, call: ToolCall) -> "Reply":
        """Send the call and read until the status and the headers are there."""
        self.send(call)
        return Reply(self.connection.getresponse())

    def ask(self, call: ToolCall) -> Any:
        """Send the call and read all of its answer; the response itself.

        Raises:
            http.client.HTTPException: the stream broke off before it.
        """
        reply = self.open(call)
        if not reply.is_stream:
            return reply.document
        *_, last = [None, *reply.read_messages()]
        if last is None or "method" in last:
            raise http.client.IncompleteRead(b"")
        return last


class Reply:
    """One answer while it comes."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.keep_alives = 0

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of events."""
        return self.headers["content-type"] == "text/event-stream"

    @property
    def reference(self) -> str:
        """The reference of the request."""
        return self.headers["reference-id"]

    @property
    def document(self) -> Any:
        """The JSON of an answer that is no stream."""
        assert self.headers["content-type"] == "application/json", self.headers
        return json.loads(self._response.read())

    def read_messages(self) -> Iterator[Any]:
        """Each message as soon as its event is complete; ends with the stream."""
        event: dict[bytes, bytes] = {}
        while line := self._response.readline():
            name, _, value = line.rstrip(b"\n").partition(b": ")
            if line.startswith(b":"):
                self.keep_alives += 1
            elif line != b"\n":
                event[name] = value
            elif event:
                assert event.keys() == {b"event", b"data"} and event[b"event"] == b"message", event
                yield json.loads(event[b"data"])
                event = {}


def wait_for(condition: Any, seconds: float = 8.0) -> None:
    """Return once the condition holds; fail if it does not within this time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
