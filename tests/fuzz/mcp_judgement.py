"""What must be true of every answer of ``/mcp``, whatever was asked.

No fault; the id of the question and no other; nothing runs but the tool that a strict reader of
the very same bytes finds called, under headers that say the same; every refusal leads to its row.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from activity.events import Event, Outcome
from activity.models import ActivityEvent
from tests.fuzz.judgement import REFERENCE, Outcomes, check_log
from tests.fuzz.messages import JSON, Message
from tests.mcp_client import MODERN, NAME_MEMBERS

PATHS = frozenset({"/mcp", "/mcp/"})
VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
LEGACY = frozenset({None, "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"})
ORIGINS = frozenset({None, "https://claude.ai", "http://127.0.0.1:8000"})
# Their row says that a call was let in; what it changed is then the tool's own doing.
CHANGING = {
    "disconnect_application": {
        "oauth_ext_connection",
        "oauth_ext_tokenfamily",
        "oauth_ext_refreshtoken",
    },
    "rename_application": {"oauth_ext_connection"},
}


class AmbiguousError(ValueError):
    """Two readers could find two things in it."""


def judge_call(outcomes: Outcomes, secrets: frozenset[str]) -> str:
    """Raise AssertionError if the answer breaks a rule; tell how it ended otherwise."""
    answer, message = outcomes.answer, outcomes.message
    assert answer.status_code < 500, (answer.status_code, answer.content[:500])
    check_log(outcomes.rows, secrets)
    ran = [row for row in outcomes.rows if row.event == Event.TOOL_CALLED]
    assert len(ran) <= 1
    done = [row.tool for row in ran if row.outcome == Outcome.SUCCEEDED]
    allowed = {"oauth_ext_connection"} if answer.status_code < 400 else set()
    for tool in done:
        allowed |= CHANGING.get(tool, set())
    assert outcomes.changed <= allowed, (outcomes.changed, outcomes.rows)
    # A server decodes the path before it looks for a view.
    if unquote(message.path) not in PATHS or message.method in ("OPTIONS", "HEAD"):
        assert not done
        return "elsewhere"
    if ran:
        assert ran[0].tool == read_called_tool(message), "another tool than the one called"
    if answer.status_code == 202:
        assert answer.content == b""
        assert not ran
        return "accepted"
    reply = read_reply(outcomes)
    check_id(reply, message)
    if "error" in reply:
        check_error(reply, outcomes, ran)
        return str(reply["error"]["code"])
    assert answer.status_code == 200
    read_call(message)
    return "failed" if reply["result"].get("isError") else "succeeded"


def read_reply(outcomes: Outcomes) -> Mapping[str, Any]:
    """The one JSON-RPC message of an answer, from JSON or from the only event of a stream."""
    answer = outcomes.answer
    text = answer.content.decode()
    if answer["Content-Type"] == "text/event-stream":
        events = [line for line in text.splitlines() if line.startswith("data: ")]
        text = events[-1].removeprefix("data: ")
    else:
        assert answer["Content-Type"] == JSON
    assert answer["Cache-Control"] == "no-store"
    reply: Mapping[str, Any] = json.loads(text)
    assert reply["jsonrpc"] == "2.0"
    assert ("result" in reply) != ("error" in reply)
    return reply


def check_id(reply: Mapping[str, Any], message: Message) -> None:
    """The answer carries the id of the question, type and all, or none."""
    try:
        document = json.loads(message.render_body())
    except (ValueError, RecursionError):
        document = None
    asked = document.get("id") if isinstance(document, dict) else None
    answered = reply["id"]
    if "result" in reply:
        assert answered is not None
    if answered is not None:
        assert type(answered) is type(asked) and answered == asked, (answered, asked)


def check_error(reply: Mapping[str, Any], outcomes: Outcomes, ran: list[ActivityEvent]) -> None:
    """An error ran nothing and shows a reference that leads to its row."""
    assert not ran
    reference = reply["error"]["data"]["reference"]
    assert REFERENCE.fullmatch(reference)
    assert outcomes.answer["Reference-Id"] == reference
    assert reference in reply["error"]["message"]
    rows = [row for row in outcomes.rows if row.reference == reference]
    assert rows, "the reference leads nowhere"
    assert {row.outcome for row in rows} == {Outcome.REFUSED}, rows


def read_called_tool(message: Message) -> str:
    """The tool that a strict reader finds called."""
    document = read_call(message)
    assert document["method"] == "tools/call"
    return str(document["params"]["name"])


def read_call(message: Message) -> dict[str, Any]:
    """The request as the strictest reader reads it; it must be in order all over."""
    header = message.headers.get
    assert message.method == "POST"
    assert header("CONTENT_TYPE", JSON).split(";")[0].strip().lower() == JSON
    scheme, _, token = header("AUTHORIZATION", "").partition(" ")
    assert scheme.lower() == "bearer" and token
    assert header("ORIGIN") in ORIGINS
    body = message.render_body()
    if "CONTENT_LENGTH" in message.headers:
        body = body[: int(message.headers["CONTENT_LENGTH"])]
    document = json.loads(
        body.decode("utf-8"), object_pairs_hook=refuse_repeats, parse_constant=refuse_constant
    )
    assert document["jsonrpc"] == "2.0"
    assert type(document["id"]) in (str, int)
    meta = document.get("params") and document["params"].get("_meta")
    version = header("MCP_PROTOCOL_VERSION")
    version = version.strip(" \t") if version is not None else None
    if isinstance(meta, dict) and VERSION in meta:
        assert meta[VERSION] == version == MODERN
        assert isinstance(meta[CAPABILITIES], dict)
        assert header("MCP_METHOD", "").strip(" \t") == document["method"]
        if member := NAME_MEMBERS.get(document["method"]):
            assert decode(header("MCP_NAME", "").strip(" \t")) == document["params"][member]
    elif document["method"] != "initialize":
        assert version in LEGACY, version
    return dict(document)


def refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose members comes twice."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise AmbiguousError
    return dict(pairs)


def refuse_constant(name: str) -> float:
    """NaN and its like are no JSON."""
    raise AmbiguousError(name)


def decode(value: str) -> str:
    """A header's value without its wrapping."""
    if value.startswith("=?base64?") and value.endswith("?="):
        return base64.b64decode(value[9:-2], validate=True).decode()
    return value
