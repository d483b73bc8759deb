"""From a call that is right to one that is wrong somewhere: in any node of its JSON, in its bytes,
in the headers that repeat it.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.fuzz import poison
from tests.fuzz.messages import Edit, Message

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]
Path = tuple[str | int, ...]

METHODS = (
    *("tools/call", "tools/list", "server/discover", "initialize", "ping", "prompts/get", "x"),
    *("resources/read", "completion/complete", "notifications/initialized", "rpc.discover", ""),
    *("subscriptions/listen", "logging/setLevel", "tools/Call", "tools/call ", "TOOLS/CALL"),
)
TOOLS = ("whoami", "disconnect_application", "search_activity", "Whoami", "whoami ", "who", "é")
VERSIONS = ("2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2099-01-01", "1")
KNOWN = (
    *METHODS,
    *TOOLS,
    *VERSIONS,
    *("2.0", "1.0", 2.0, "io.modelcontextprotocol/protocolVersion", {"name": "x"}),
    *(
        "docjacket://connection/%2e%2e",
        "docjacket://activity/1",
        "docjacket://connections/..",
        "x:",
    ),
    *({"type": "ref/prompt", "name": "review_connected_applications"}, {"type": "ref/tool"}),
    *({"protocolVersion": "2025-11-25"}, [1, 2], -(2**63), 2**63 - 1, 2**53 + 1, 1.0, 1e3),
)
# Members that mean something here, or that somebody hopes mean something.
MEMBERS = (
    *("jsonrpc", "id", "method", "params", "result", "error", "Method", "ID", "_meta", "name"),
    *("arguments", "cursor", "progressToken", "connection_id", "limit", "organization_id"),
    *("io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"),
    *("io.modelcontextprotocol/clientInfo", "user_id", "scope", "__proto__", "$ref", "uri"),
    *("whole_organization", "inputResponses", "requestState"),
)
HEADERS: Mapping[str, tuple[str, ...]] = {
    "MCP_PROTOCOL_VERSION": (*VERSIONS, "2026-07-28,2026-07-28", "", " 2026-07-28 ", "\xff"),
    "MCP_METHOD": (*METHODS, "tools/call,tools/list", " tools/call\t"),
    "MCP_NAME": (
        *TOOLS,
        *("=?base64?d2hvYW1p?=", "=?base64?d2hvYW1p", "=?base64?d2hvYW1p=?=", "=?base64?!?="),
        *("=?base64?" + base64.b64encode(b"disconnect_application").decode() + "?=", "whoami,x"),
    ),
    "AUTHORIZATION": (
        *("", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer mcp_at_x", "\xff"),
        *("Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer " + "a" * 9000, "Bearer a,b"),
    ),
    "ACCEPT": (*poison.HEADERS["ACCEPT"], "text/event-stream", "text/event-stream;q=0"),
    "CONTENT_TYPE": (*poison.HEADERS["CONTENT_TYPE"], "application/json; charset=utf-16"),
    "CONTENT_LENGTH": poison.HEADERS["CONTENT_LENGTH"],
    "HOST": poison.HEADERS["HOST"],
    "ORIGIN": (*poison.HEADERS["ORIGIN"], "https://claude.ai", "https://claude.ai.evil.example"),
    "MCP_SESSION_ID": ("1", "x" * 5000, "\xff"),
    "LAST_EVENT_ID": ("1", "\xff"),
    "MCP_PARAM_REGION": ("eu", "\xff"),
    "X_FORWARDED_HOST": ("evil.example",),
    "USER_AGENT": poison.HEADERS["USER_AGENT"],
    "COOKIE": poison.HEADERS["COOKIE"],
    "CONTENT_ENCODING": poison.HEADERS["CONTENT_ENCODING"],
}
SCRAPS = (
    *(b'"id":2,', b'"method":"tools/list",', b'"Method":"tools/list",', b"\\u006d", b"\\ud800"),
    *(b'"params":{"name":"whoami"},', b"[", b"]", b"\x00", b"\xef\xbb\xbf", b"1e400", b"0x1"),
)


@st.composite
def bent(draw: Draw[Any], messages: Sequence[Message]) -> Message:
    """One of the messages, changed in one to three places."""
    message = draw(st.sampled_from(messages))
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        message = draw(st.sampled_from(OPERATIONS))(draw, message)
    return message


def list_paths(document: Any, path: Path = ()) -> list[Path]:
    """The way to every node, the root first."""
    if isinstance(document, dict):
        steps: list[tuple[str | int, Any]] = list(document.items())
    elif isinstance(document, list):
        steps = list(enumerate(document[:20]))
    else:
        steps = []
    return [path, *(found for step, child in steps for found in list_paths(child, (*path, step)))]


def change_node(document: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """A copy of the document with one node changed; the others are shared."""
    if not path:
        return change(document)
    copy = document.copy()
    copy[path[0]] = change_node(document[path[0]], path[1:], change)
    return copy


def change_value(draw: Draw[Any], message: Message) -> Message:
    """One node of the JSON replaced by something else."""
    paths = list_paths(message.document)
    deep = [path for path in paths if len(path) > 1]
    # Behind the envelope there is more to reach than in it.
    path = draw(st.sampled_from([*(paths[1:] or paths), *deep * 3]))
    value = draw(st.one_of(st.sampled_from(KNOWN), poison.documents))
    changed = change_node(message.document, path, lambda former: value)
    return replace(message, document=[] if changed is None else changed)


def change_members(draw: Draw[Any], message: Message) -> Message:
    """A member left out, renamed or added."""
    objects = [
        path
        for path in list_paths(message.document)
        if isinstance(find_node(message.document, path), dict)
    ]
    if not objects:
        return change_value(draw, message)
    path = draw(st.sampled_from(objects))
    members = find_node(message.document, path)
    name = draw(st.sampled_from(sorted(members) or ["id"]))
    action = draw(st.sampled_from(("drop", "rename", "add")))
    other = draw(st.one_of(st.sampled_from(MEMBERS), st.just(name.upper()), st.just(f"{name} ")))
    changed = dict(members)
    if action == "add":
        changed[other] = draw(st.one_of(st.sampled_from(KNOWN), poison.documents))
    else:
        value = changed.pop(name, None)
        if action == "rename":
            changed[other] = value
    return replace(message, document=change_node(message.document, path, lambda former: changed))


def find_node(document: Any, path: Path) -> Any:
    """The node at the end of a path."""
    for step in path:
        document = document[step]
    return document


def change_header(draw: Draw[Any], message: Message) -> Message:
    """One header, left out or other."""
    name = draw(st.sampled_from(sorted(HEADERS)))
    known = st.sampled_from(HEADERS[name])
    if name in message.headers and not draw(st.integers(0, 3)):
        kept = {other: text for other, text in message.headers.items() if other != name}
        return replace(message, headers=kept)
    text = draw(known if name == "CONTENT_LENGTH" else st.one_of(known, poison.header_texts))
    return replace(message, headers={**message.headers, name: text})


def edit_bytes(draw: Draw[Any], message: Message) -> Message:
    """A few bytes of the body."""
    size = len(json.dumps(message.document))
    scrap = draw(st.one_of(st.sampled_from(SCRAPS), poison.scraps))
    edit = Edit("body", draw(st.integers(0, size)), draw(st.integers(0, 8)), scrap)
    return replace(message, edits=(*message.edits, edit))


def change_method(draw: Draw[Any], message: Message) -> Message:
    """Another HTTP method."""
    return replace(message, method=draw(st.sampled_from(poison.METHODS)))


def change_path(draw: Draw[Any], message: Message) -> Message:
    """Another spelling of the address, or a query."""
    if draw(st.booleans()):
        return replace(message, query=((draw(st.sampled_from(("access_token", "x"))), "y"),))
    return replace(message, path=draw(st.sampled_from(("/mcp/", "/mcp//", "/MCP", "/mcp%2F"))))


OPERATIONS: tuple[Callable[[Draw[Any], Message], Message], ...] = (
    *(change_value,) * 6,
    *(change_members,) * 5,
    *(change_header,) * 5,
    *(edit_bytes,) * 4,
    change_method,
    change_path,
)
