"""Calls that take their time on the real server: what arrives when, and what is left of them."""

import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database

from accounts.models import Organization
from activity.models import ActivityEvent
from oauth_ext.models import PersonalAccessToken
from tests.live.application import Application
from tests.live.conftest import WITH_TOOLS, Caller, Resident, make_caller, make_resident
from tests.live.server import LiveServer, serve
from tests.live.streams import ERAS, Line, Reply, ToolCall, wait_for
from tests.mcp_client import BOTH_TYPES

# What watching costs a call that is to be stopped: the web thread looks four times a second.
NOTICED_SECONDS = 1.0
LARGE_FILE = "/static/admin/js/vendor/xregexp/xregexp.js"


def new_key() -> str:
    return f"trace-{uuid4().hex[:12]}"


def rows_of_key(key: str) -> list[ActivityEvent]:
    """The rows of calls with this key, oldest first."""
    return list(ActivityEvent.objects.filter(details__arguments__key=key).order_by("id"))


def ends_of_key(key: str) -> list[tuple[str, str]]:
    return [(row.outcome, row.reason) for row in rows_of_key(key)]


def is_founded(key: str) -> bool:
    return Organization.objects.filter(slug=key).exists()


@pytest.mark.parametrize("token", ["steps", 7])
@pytest.mark.parametrize("era", ERAS)
def test_progress_arrives_while_the_tool_is_at_work(
    tool_server: LiveServer, caller: Caller, era: str, token: Any
) -> None:
    key = new_key()
    call = ToolCall(
        caller.token,
        "walk",
        {"key": key, "steps": 3, "pause": 0.5},
        era=era,
        message_id="the call",
        progress_token=token,
    )
    with Line(tool_server) as line:
        reply = line.open(call)
        assert (reply.status, reply.is_stream) == (200, True)
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-accel-buffering"] == "no"
        messages = reply.read_messages()
        first = next(messages)
        # The tool has a second to go, and its row is written at its end.
        assert rows_of_key(key) == []
        assert first["method"] == "notifications/progress"
        assert first["params"] == {
            "progressToken": token,
            "progress": 1,
            "total": 3,
            "message": "Step 1",
        }
        *rest, response = messages
        assert [message["params"]["progress"] for message in rest] == [2, 3]
        assert response["id"] == "the call"
        assert response["result"]["structuredContent"]["key"] == key
        assert ("resultType" in response["result"]) == (era == "modern")
        (row,) = rows_of_key(key)
        assert (row.outcome, row.reference) == ("succeeded", reply.reference)
        # The connection is as good as new.
        assert line.ask(ToolCall(caller.token, "whoami", {}))["result"]["isError"] is False


def test_silence_is_broken_by_a_comment(tool_server: LiveServer, caller: Caller) -> None:
    arguments = {"steps": 2, "pause": 2.5}
    with Line(tool_server) as line:
        reply = line.open(ToolCall(caller.token, "walk", arguments, progress_token=None))
        (response,) = reply.read_messages()
        assert response["result"]["isError"] is False
        assert reply.keep_alives == 2


def test_a_client_that_takes_no_stream_gets_json_in_the_end(
    tool_server: LiveServer, caller: Caller
) -> None:
    arguments = {"steps": 2, "pause": 1.5}
    call = ToolCall(caller.token, "walk", arguments, accept="application/json")
    with Line(tool_server) as line:
        reply = line.open(call)
        assert reply.document["result"]["isError"] is False


@pytest.mark.parametrize(
    ("era", "end", "kept"),
    [("modern", ("cancelled", "client_gone"), False), ("legacy", ("succeeded", ""), True)],
)
@pytest.mark.parametrize("tool", ["note_slowly", "note"])
def test_hanging_up_cancels_in_the_modern_era_only(
    tool_server: LiveServer,
    caller: Caller,
    era: str,
    tool: str,
    end: tuple[str, str],
    kept: bool,
) -> None:
    key = new_key()
    arguments = {"key": key, "steps": 5, "pause": 0.3}
    line = Line(tool_server)
    line.send(ToolCall(caller.token, tool, arguments, era=era))
    if tool == "note_slowly":
        reply = line.connection.getresponse()
        assert reply.readline() == b"event: message\n"
        reply.close()
    else:
        time.sleep(0.1)
    line.hang_up()
    wait_for(lambda: ends_of_key(key))
    assert ends_of_key(key) == [end]
    assert rows_of_key(key)[0].details["client_gone"] is True
    assert is_founded(key) == kept


@pytest.mark.parametrize("tool", ["note_slowly", "note"])
def test_a_caller_who_stays_is_not_said_to_be_gone(
    tool_server: LiveServer, caller: Caller, tool: str
) -> None:
    key = new_key()
    with Line(tool_server) as line:
        answer = line.ask(ToolCall(caller.token, tool, {"key": key, "steps": 2, "pause": 0.3}))
    assert answer["result"]["isError"] is False
    (row,) = rows_of_key(key)
    assert (row.outcome, "client_gone" in row.details) == ("succeeded", False)
    assert is_founded(key)


@pytest.mark.parametrize(("steps", "end"), [(0, "succeeded"), (9, "cancelled")])
def test_what_acts_outside_goes_on_without_its_caller_unless_it_looks(
    tool_server: LiveServer, caller: Caller, tmp_path: Path, steps: int, end: str
) -> None:
    key = new_key()
    arguments = {"key": key, "directory": str(tmp_path), "steps": steps, "pause": 0.6}
    with Line(tool_server) as line:
        line.send(ToolCall(caller.token, "send", arguments))
        wait_for((tmp_path / key).exists)
        assert ends_of_key(key) == [("started", "")]
    wait_for(lambda: len(rows_of_key(key)) == 2)
    assert [row.outcome for row in rows_of_key(key)] == ["started", end]
    assert rows_of_key(key)[1].details["client_gone"] is True
    assert is_founded(key) == (end == "succeeded")


@pytest.mark.parametrize(("accept", "status"), [(None, 200), ("application/json", 401)])
def test_a_call_ends_soon_after_the_permission_it_came_with(
    tool_server: LiveServer, caller: Caller, accept: str | None, status: int
) -> None:
    key = new_key()
    arguments = {"key": key, "steps": 40, "pause": 0.5}
    call = ToolCall(caller.token, "note_slowly", arguments, accept=accept or BOTH_TYPES)
    with Line(tool_server) as line:
        line.send(call)
        time.sleep(0.5)
        PersonalAccessToken.objects.filter(user=caller.user).update(revoked_at="2020-01-01T00:00Z")
        revoked_at = time.monotonic()
        reply = line.connection.getresponse()
        body = reply.read()
        assert time.monotonic() - revoked_at < 5
        assert reply.status == status
        assert b'"code":-32010' in body and b'"error":"invalid_token"' in body
        assert (reply.getheader("WWW-Authenticate") is None) == (status == 200)
    rows = ActivityEvent.objects.filter(
        reference=reply.getheader("Reference-Id"), event__startswith="mcp."
    ).order_by("id")
    assert [(row.event, row.outcome, row.reason) for row in rows] == [
        ("mcp.tool.called", "refused", "personal_token_revoked"),
        ("mcp.token.refused", "refused", "personal_token_revoked"),
    ]
    assert not is_founded(key)


def test_a_stream_ends_when_its_application_is_disconnected(
    tool_server: LiveServer, tool_application: tuple[Application, Resident]
) -> None:
    application, resident = tool_application
    tokens = application.connect(resident.browser, resident.acme, "read actions")
    key = new_key()
    arguments = {"key": key, "steps": 40, "pause": 0.5}
    with Line(tool_server) as line:
        messages = line.open(
            ToolCall(tokens.access_token, "note_slowly", arguments)
        ).read_messages()
        assert next(messages)["method"] == "notifications/progress"
        resident.browser.disconnect(application.name)
        cut_at = time.monotonic()
        *_, response = messages
        assert time.monotonic() - cut_at < 5
    assert response["error"]["data"]["error"] == "invalid_token"
    assert ends_of_key(key) == [("refused", "connection_revoked")]
    assert not is_founded(key)


@pytest.fixture
def tool_application(tool_server: LiveServer) -> Any:
    """A client of the server with tools, and a person of its own to connect it."""
    resident = make_resident(tool_server)
    with resident.browser:
        yield Application.register(tool_server, f"Walker {uuid4().hex[:8]}"), resident


@pytest.mark.parametrize("token", ["steps", None])
def test_a_call_is_answered_at_its_limit_and_nothing_follows(
    tool_server: LiveServer, caller: Caller, token: str | None
) -> None:
    key = new_key()
    started = time.monotonic()
    with Line(tool_server) as line:
        call = ToolCall(
            caller.token, "note_too_slowly", {"key": key, "pause": 3}, progress_token=token
        )
        answer = line.ask(call)
    assert 1 <= time.monotonic() - started < 1 + NOTICED_SECONDS
    assert answer["result"]["isError"] is True
    text = answer["result"]["content"][0]["text"]
    assert "its limit is 1 s" in text and "Nothing was changed" in text
    # The tool wakes up, tries to leave another trace and to end well.
    time.sleep(2.5)
    assert ends_of_key(key) == [("failed", "time_limit")]
    assert not is_founded(key) and not is_founded(f"{key}-late")


def test_what_acts_outside_may_have_taken_effect_at_its_limit(
    tool_server: LiveServer, caller: Caller, tmp_path: Path
) -> None:
    key = new_key()
    arguments = {"key": key, "directory": str(tmp_path), "pause": 4}
    with Line(tool_server) as line:
        answer = line.ask(ToolCall(caller.token, "send", arguments))
    assert "It may have taken effect" in answer["result"]["content"][0]["text"]
    assert ends_of_key(key) == [("started", ""), ("failed", "time_limit")]
    assert (tmp_path / key).exists() and not is_founded(key)


@pytest.fixture
def small_server(committed: None, tmp_path: Path) -> Iterator[LiveServer]:
    """A server with tools that has two threads, and ends when its test does."""
    name, log = str(database.settings_dict["NAME"]), tmp_path / "gunicorn.log"
    with serve(name, log, **WITH_TOOLS, WEB_CONCURRENCY="1", WEB_THREADS="2") as server:
        yield server
    assert "Traceback" not in server.read_log(), server.read_log()


@pytest.mark.case(302)
@pytest.mark.parametrize("accept", [BOTH_TYPES, "application/json"])
def test_clients_that_do_not_read_hold_no_thread_for_long(
    small_server: LiveServer, caller: Caller, accept: str
) -> None:
    arguments = {"steps": 2, "pause": 0.1, "size": 6_000_000}
    call = ToolCall(caller.token, "walk", arguments, accept=accept)
    lines = [Line(small_server, is_narrow=True) for _ in range(4)]
    for line in lines:
        # One caller alone would not get both threads.
        line.send(ToolCall(make_caller().token, "walk", arguments, accept=accept))
    with Line(small_server) as other:
        assert other.ask(ToolCall(caller.token, "whoami", {}))["result"]["isError"] is False
        # Whoever reads gets everything.
        filler = other.ask(call)["result"]["structuredContent"]["filler"]
    assert len(filler) == 6_000_000
    for line in lines:
        line.hang_up()


@pytest.mark.case(302)
def test_files_that_nobody_reads_hold_no_thread_for_long(small_server: LiveServer) -> None:
    host, port = small_server.address
    question = f"GET {LARGE_FILE} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    # No token, and far more answers on each line than the kernel keeps for whoever does not read.
    lines = [Line(small_server, is_narrow=True) for _ in range(2)]
    for line in lines:
        line.connection.sock.sendall(question * 200)
    # What the kernel keeps takes three limits of 2 s; then both threads are free for good.
    time.sleep(8)
    with Line(small_server) as other:
        other.connection.request("GET", LARGE_FILE)
        answer = other.connection.getresponse()
        # Whoever reads gets everything.
        assert len(answer.read()) == int(answer.headers["Content-Length"]) > 300_000
    for line in lines:
        line.hang_up()


def test_a_server_that_is_asked_to_stop_finishes_what_it_has_begun(
    small_server: LiveServer, caller: Caller
) -> None:
    keys = {"note_slowly": new_key(), "note": new_key()}
    lines = {tool: Line(small_server) for tool in keys}
    # One caller alone would not get both threads.
    tokens = {"note_slowly": caller.token, "note": make_caller().token}
    for tool, key in keys.items():
        lines[tool].send(ToolCall(tokens[tool], tool, {"key": key, "steps": 4, "pause": 0.8}))
    messages = Reply(lines["note_slowly"].connection.getresponse()).read_messages()
    assert next(messages)["params"]["progress"] == 1
    small_server.process.process.send_signal(SIGTERM)
    *steps, response = messages
    assert [step["params"]["progress"] for step in steps] == [2, 3, 4]
    assert response["result"]["isError"] is False
    document = Reply(lines["note"].connection.getresponse()).document
    assert document["result"]["isError"] is False
    for key in keys.values():
        assert ends_of_key(key) == [("succeeded", "")]
        assert is_founded(key)
    for line in lines.values():
        line.hang_up()
    wait_for(lambda: not small_server.process.is_running())
