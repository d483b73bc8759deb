"""Calls in a thread of their own, as far as they can be seen without a real server."""

import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Organization
from mcp_endpoint import running
from mcp_endpoint.calls import Call
from mcp_endpoint.client_presence import ClientPresence
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError, UnauthorizedError
from mcp_endpoint.event_stream import EventStream, wait_for_news
from mcp_endpoint.progress import Progress
from tests.mcp_client import MODERN_META, McpClient
from tests.mcp_endpoint.conftest import AddTool, Join, ProbeArguments, ProbeResult, rows_of
from tests.mcp_endpoint.test_calls import WRITES, assert_unavailable, break_recorder

pytestmark = pytest.mark.django_db(transaction=True)

APART = {**WRITES, "reports_progress": True}


def rename(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
    Organization.objects.filter(id=context.principal.organization_id).update(name=arguments.text)
    return ProbeResult(text=threading.current_thread().name)


def read_events(answer: Any) -> list[Any]:
    """The messages of a stream."""
    assert answer["Content-Type"] == "text/event-stream"
    events = b"".join(answer.streaming_content).split(b"\n\n")
    return [json.loads(event.partition(b"data: ")[2]) for event in events if b"data: " in event]


def call_with_token(mcp: McpClient, name: str, token: Any = 1, **options: Any) -> Any:
    """A call that wants to hear of progress."""
    meta = {**MODERN_META, "progressToken": token}
    return mcp.modern("tools/call", {"name": name, "arguments": {}}, meta=meta, **options)


def outcomes(answer: Any) -> list[tuple[str, str]]:
    return [(row.outcome, row.reason) for row in rows_of(answer.headers["Reference-Id"])]


@pytest.fixture(autouse=True)
def _all_threads_end() -> Iterator[None]:
    """No test leaves a thread behind, or a connection that keeps its tables locked."""
    yield
    for thread in threading.enumerate():
        if isinstance(thread, running.ToolThread):
            thread.join(10)
            assert not thread.is_alive()
    assert not running.late


@pytest.mark.parametrize(
    ("options", "apart"),
    [
        ({}, False),
        ({"reports_progress": True}, True),
        ({"open_world": True}, True),
    ],
)
def test_only_what_takes_its_time_leaves_the_web_thread(
    mcp: McpClient, add_tool: AddTool, options: dict[str, Any], apart: bool
) -> None:
    name = add_tool(rename, **WRITES, **options)
    thread = mcp.use(name, {"text": "Renamed"})["text"]
    assert (thread == f"tool {name}") is apart


def test_an_effect_and_its_row_are_kept_together_in_another_thread(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    answer = mcp.call(add_tool(rename, **APART), {"text": "Renamed"})
    assert outcomes(answer) == [("succeeded", "")]
    world.acme.refresh_from_db()
    assert world.acme.name == "Renamed"


@pytest.mark.parametrize(
    ("error", "end", "text"),
    [
        (ToolError("Not today.", reason="sunday"), ("refused", "sunday"), "Not today."),
        (RuntimeError("canary"), ("failed", "RuntimeError"), "Nothing was changed."),
    ],
)
@pytest.mark.case(298)
def test_a_failure_in_another_thread_is_told_as_everywhere(
    world: Any,
    mcp: McpClient,
    add_tool: AddTool,
    error: Exception,
    end: tuple[str, str],
    text: str,
) -> None:
    def fail(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        rename(context, arguments)
        raise error

    answer = mcp.call(add_tool(fail, **APART), {"text": "Renamed"})
    told = answer.json()["result"]
    assert told["isError"] is True and text in told["content"][0]["text"]
    assert b"canary" not in answer.content
    assert outcomes(answer) == [end]
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


def test_progress_that_does_not_grow_is_dropped(mcp: McpClient, add_tool: AddTool) -> None:
    def step(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        for progress in (1, 1, 0.5, float("nan"), float("inf"), 2.5):
            context.report_progress(progress, float("inf"))
        context.report_progress(3, 4, "Nearly")
        return ProbeResult(text="done")

    events = read_events(call_with_token(mcp, add_tool(step, **APART), token=9))
    *steps, response = [event.get("params", event) for event in events]
    assert steps == [
        {"progressToken": 9, "progress": 1},
        {"progressToken": 9, "progress": 2.5},
        {"progressToken": 9, "progress": 3, "total": 4, "message": "Nearly"},
    ]
    assert response["result"]["structuredContent"] == {"text": "done"}


@pytest.mark.parametrize("send", ["modern", "legacy"])
@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ((1, 3, "a file named \udcff"), "UnicodeEncodeError"),
        (("much",), "ValueError"),
        ((1, "much"), "ValueError"),
        ((10**400,), "OverflowError"),
        ((Decimal("1.5"), Decimal(3), "a file named \u00ff"), ""),
    ],
)
def test_progress_that_cannot_be_sent_is_the_failure_of_its_tool(
    world: Any, mcp: McpClient, add_tool: AddTool, step: Any, reason: str, send: str
) -> None:
    def report(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        renamed = rename(context, arguments)
        context.report_progress(*step)
        return renamed

    params: dict[str, Any] = {"name": add_tool(report, **APART), "arguments": {"text": "Renamed"}}
    meta = {**(MODERN_META if send == "modern" else {}), "progressToken": 1}
    options = {"meta": meta} if send == "modern" else {}
    answer = getattr(mcp, send)("tools/call", {**params, "_meta": meta}, **options)
    if answer.streaming:
        first, response = read_events(answer)
        assert first["params"]["progress"] == 1.5 and first["params"]["total"] == 3
    else:
        response = answer.json()
    assert response["result"].get("isError", False) is bool(reason)
    assert outcomes(answer) == [("failed", reason) if reason else ("succeeded", "")]
    world.acme.refresh_from_db()
    assert world.acme.name == ("Acme" if reason else "Renamed")


def watch_out(number: int, noted: list[str]) -> Generator[Progress | None, None, Any]:
    """Steps which fail if they are closed before their end."""
    try:
        for _ in range(number):
            yield Progress(1, message="\udcff")
    except GeneratorExit:
        noted.append("closed")
        raise RuntimeError("unrecorded") from None
    return {}


@pytest.mark.parametrize("taken", [1, 2])
def test_what_goes_wrong_when_a_stream_is_closed_is_explained(taken: int) -> None:
    noted: list[str] = []
    steps = wait_for_news(watch_out(3, noted))
    events = EventStream(
        ClientPresence(),
        None,
        conclude=lambda result: b"",
        explain=lambda error: noted.append(str(error)) or b"",
    )
    assert isinstance(steps, Generator)
    pieces = events.send(steps)
    for _ in range(taken):
        next(pieces)
    pieces.close()
    assert noted == ["closed", "unrecorded"]


def test_steps_have_their_end_before_another_one_is_told() -> None:
    noted: list[str] = []
    events = EventStream(
        ClientPresence(),
        "token",
        conclude=lambda result: b"",
        explain=lambda error: noted.append(type(error).__name__) or b"",
    )
    assert list(events.send(watch_out(3, noted)))
    assert noted == ["closed", "RuntimeError", "UnicodeEncodeError"]


@pytest.mark.parametrize(
    ("token", "accept"),
    [
        (None, "application/json, text/event-stream"),
        (True, "application/json, text/event-stream"),
        (1.5, "application/json, text/event-stream"),
        ("x" * 300, "application/json, text/event-stream"),
        ("steps", "application/json"),
        ("steps", "*/*"),
        ("steps", "text/event-stream;q=0, application/json"),
    ],
)
def test_without_a_token_or_a_stream_progress_is_not_told(
    mcp: McpClient, add_tool: AddTool, token: Any, accept: str
) -> None:
    def step(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        context.report_progress(1)
        return ProbeResult(text="done")

    answer = call_with_token(mcp, add_tool(step, **APART), token, headers={"Accept": accept})
    assert answer.json()["result"]["structuredContent"] == {"text": "done"}


def test_a_client_that_takes_only_a_stream_gets_one(mcp: McpClient, add_tool: AddTool) -> None:
    answer = mcp.modern(
        "tools/call",
        {"name": add_tool(rename, **APART), "arguments": {}},
        headers={"Accept": "text/event-stream"},
    )
    assert answer["Content-Type"] == "text/event-stream"
    assert answer.content.startswith(b"event: message\ndata: {")


def test_a_tool_that_said_nothing_of_progress_is_not_heard(
    mcp: McpClient, add_tool: AddTool
) -> None:
    def step(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        context.report_progress(1)
        return ProbeResult(text="done")

    answer = call_with_token(mcp, add_tool(step))
    assert answer.json()["result"]["structuredContent"] == {"text": "done"}


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_stream_that_cannot_be_written_is_wound_up_as_its_era_wants(
    world: Any, mcp: McpClient, add_tool: AddTool, era: str
) -> None:
    def step(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        for progress in range(1, 5):
            context.report_progress(progress)
            time.sleep(0.1)
        return rename(context, arguments)

    params = {"name": add_tool(step, **APART), "arguments": {"text": "Renamed"}}
    if era == "modern":
        meta = {**MODERN_META, "progressToken": 1}
        answer = mcp.modern("tools/call", params, meta=meta)
    else:
        answer = mcp.legacy("tools/call", {**params, "_meta": {"progressToken": 1}})
    assert b"notifications/progress" in next(iter(answer.streaming_content))
    # What the server does when a write has failed.
    answer.close()
    kept = era == "legacy"
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert (row.outcome, row.reason) == (
        ("succeeded", "") if kept else ("cancelled", "client_gone")
    )
    assert row.details["client_gone"] is True
    world.acme.refresh_from_db()
    assert world.acme.name == ("Renamed" if kept else "Acme")


@pytest.mark.case(306)
@pytest.mark.parametrize("token", ["steps", None])
def test_a_database_that_goes_away_in_the_middle_is_a_fault_of_ours(
    world: Any, mcp: McpClient, add_tool: AddTool, token: str | None
) -> None:
    def lose(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        rename(context, arguments)
        context.report_progress(1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return ProbeResult(text="")

    answer = call_with_token(mcp, add_tool(lose, **APART), token)
    if token is None:
        assert_unavailable(answer)
    else:
        *_, response = read_events(answer)
        assert response["error"]["code"] == -32603
        assert response["error"]["data"] == {"reference": answer.headers["Reference-Id"]}
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


@pytest.mark.parametrize("token", ["steps", None])
def test_without_its_row_an_effect_of_another_thread_does_not_happen(
    world: Any,
    mcp: McpClient,
    add_tool: AddTool,
    monkeypatch: pytest.MonkeyPatch,
    token: str | None,
) -> None:
    def step(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        context.report_progress(1)
        return rename(context, arguments)

    name = add_tool(step, **APART)
    break_recorder(monkeypatch, "mcp_endpoint.calls")
    answer = call_with_token(mcp, name, token)
    if token is None:
        assert_unavailable(answer)
    else:
        assert read_events(answer)[-1]["error"]["code"] == -32603
    assert outcomes(answer) == []
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


def test_what_acted_outside_and_cannot_be_recorded_is_not_acknowledged(
    mcp: McpClient, add_tool: AddTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        break_recorder(monkeypatch, "mcp_endpoint.calls")
        return ProbeResult(text="done")

    answer = mcp.call(add_tool(act, **WRITES, open_world=True))
    assert_unavailable(answer)
    assert outcomes(answer) == [("started", "")]


@pytest.mark.parametrize("late", [True, False])
def test_a_call_that_waits_in_the_database_is_freed_at_its_limit(
    world: Any, mcp: McpClient, add_tool: AddTool, late: bool
) -> None:
    def wait(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        rename(context, arguments)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [4 if late else 0])
        return ProbeResult(text="done")

    began = time.monotonic()
    answer = mcp.call(add_tool(wait, **APART, time_limit=0.5), {"text": "Renamed"})
    assert answer.json()["result"]["isError"] is late
    for thread in threading.enumerate():
        if isinstance(thread, running.ToolThread):
            thread.join(10)
    # Its statement was cancelled: it has not slept its four seconds.
    assert time.monotonic() - began < 2
    assert outcomes(answer) == [("failed", "time_limit") if late else ("succeeded", "")]
    world.acme.refresh_from_db()
    assert world.acme.name == ("Acme" if late else "Renamed")


@pytest.mark.parametrize("options", [WRITES, APART])
def test_a_tool_that_looks_is_ended_at_its_limit_even_if_it_catches_everything(
    world: Any, mcp: McpClient, add_tool: AddTool, options: dict[str, Any]
) -> None:
    reached: list[str] = []

    def go_on(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        rename(context, arguments)
        while True:
            try:
                time.sleep(0.05)
                context.check_cancelled()
            except Exception:
                reached.append("caught")
                raise

    answer = mcp.call(add_tool(go_on, **options, time_limit=0.3), {"text": "Renamed"})
    assert answer.json()["result"]["isError"] is True
    assert outcomes(answer) == [("failed", "time_limit")]
    assert not reached
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


def test_the_idle_limit_of_the_database_does_not_end_a_tool_that_may_wait_longer(
    mcp: McpClient, add_tool: AddTool
) -> None:
    def look(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            return ProbeResult(text=cursor.fetchone()[0])

    assert mcp.use(add_tool(look, **APART, time_limit=40.0)) == {"text": "45s"}
    assert mcp.use(add_tool(look, **WRITES)) == {"text": "10s"}


@pytest.mark.parametrize("stuck", ["own", "all"])
def test_threads_that_never_end_do_not_become_ever_more(
    world: Any, mcp: McpClient, join: Join, add_tool: AddTool, settings: Any, stuck: str
) -> None:
    settings.WEB_THREADS = 1
    released = threading.Event()

    def hang(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        released.wait(10)
        return ProbeResult(text="")

    name = add_tool(hang, **APART, time_limit=0.2)
    ben = McpClient(join(world.ben, world.acme).access_token)
    assert outcomes(mcp.call(name)) == [("failed", "time_limit")]
    # One person's are no reason to begin none for another; two people's are, for a third.
    if stuck == "all":
        assert outcomes(ben.call(name)) == [("failed", "time_limit")]
    other = McpClient(join(world.cleo, world.borealis).access_token) if stuck == "all" else mcp
    answer = other.call(name)
    assert "Try again later" in answer.json()["result"]["content"][0]["text"]
    assert outcomes(answer) == [("failed", "tools_stuck")]
    released.set()
    for thread in list(running.late):
        thread.join(10)
    assert outcomes(other.call(name)) == [("succeeded", "")]


@pytest.mark.parametrize("end", ["limit", "permission"])
def test_what_is_committed_is_told_whatever_its_tool_left_for_later(
    world: Any, mcp: McpClient, add_tool: AddTool, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    released = threading.Event()
    asked: list[str] = []

    def find_end(principal: Any) -> Any:
        asked.append("")
        return UnauthorizedError("Gone.", reason="connection_revoked")

    def leave(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        transaction.on_commit(lambda: bool(released.wait(10)))
        return rename(context, arguments)

    monkeypatch.setattr(running, "AFTERWARDS_SECONDS", 0.4)
    if end == "permission":
        monkeypatch.setattr(running, "RECHECK_SECONDS", 0.2)
        monkeypatch.setattr("mcp_endpoint.views.find_end", find_end)
    name = add_tool(leave, **APART, time_limit=0.2 if end == "limit" else 30.0)
    answer = mcp.call(name, {"text": "Renamed"})
    assert answer.json()["result"]["isError"] is False
    assert outcomes(answer) == [("succeeded", "")]
    assert not asked
    world.acme.refresh_from_db()
    assert world.acme.name == "Renamed"
    # Nobody waits for it, but it counts as a thread that goes on.
    assert [thread.name for thread in running.late] == [f"tool {name}"]
    released.set()


@pytest.mark.parametrize("is_slow", [False, True])
def test_a_call_that_is_being_committed_is_never_said_to_have_failed(
    world: Any, mcp: McpClient, add_tool: AddTool, monkeypatch: pytest.MonkeyPatch, is_slow: bool
) -> None:
    settled = threading.Event()
    record = Call.record

    def record_slowly(call: Call, *arguments: Any) -> None:
        record(call, *arguments)
        time.sleep(1.5)
        settled.set()

    monkeypatch.setattr(Call, "record", record_slowly)
    monkeypatch.setattr(running, "SETTLING_SECONDS", 0.3 if is_slow else 30.0)
    answer = mcp.call(add_tool(rename, **APART, time_limit=0.5), {"text": "Renamed"})
    assert answer.status_code == 200
    text = answer.json()["result"]["content"][0]["text"]
    if is_slow:
        assert "It may have taken effect" in text and "Try again" not in text
    else:
        assert answer.json()["result"]["isError"] is False and settled.is_set()
    for thread in list(running.late):
        thread.join(10)
    assert outcomes(answer) == [("succeeded", "")]
    world.acme.refresh_from_db()
    assert world.acme.name == "Renamed"


# --- in the web thread ------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "kept"), [(0.2, False), (30.0, True)])
@pytest.mark.parametrize("options", [{}, WRITES])
def test_what_comes_back_too_late_is_not_kept(
    world: Any,
    mcp: McpClient,
    add_tool: AddTool,
    options: dict[str, Any],
    seconds: float,
    kept: bool,
) -> None:
    def dawdle(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        if options:
            rename(context, arguments)
        time.sleep(0.3)
        return ProbeResult(text="done")

    name = add_tool(dawdle, **options, time_limit=seconds)
    answer = mcp.call(name, {"text": "Renamed"})
    assert answer.json()["result"]["isError"] is not kept
    assert outcomes(answer) == [("succeeded", "") if kept else ("failed", "time_limit")]
    world.acme.refresh_from_db()
    assert world.acme.name == ("Renamed" if kept and options else "Acme")


@pytest.mark.parametrize("options", [WRITES, APART])
def test_a_statement_that_takes_too_long_is_the_tool_s_and_no_outage(
    world: Any, mcp: McpClient, add_tool: AddTool, options: dict[str, Any]
) -> None:
    def wait(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        rename(context, arguments)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '50ms'")
            cursor.execute("SELECT pg_sleep(5)")
        return ProbeResult(text="")

    answer = mcp.call(add_tool(wait, **options), {"text": "Renamed"})
    assert answer.status_code == 200
    text = answer.json()["result"]["content"][0]["text"]
    assert "took longer than it may" in text and "Nothing was changed." in text
    assert outcomes(answer) == [("failed", "time_limit")]
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


@pytest.mark.parametrize("ask", ["modern", "legacy"])
def test_who_hangs_up_before_the_end_cancels_in_the_modern_era(
    world: Any, mcp: McpClient, add_tool: AddTool, ask: str
) -> None:
    ours, theirs = socket.socketpair()

    def hang_up(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        theirs.close()
        return rename(context, arguments)

    params = {"name": add_tool(hang_up, **WRITES), "arguments": {"text": "Renamed"}}
    mcp.http.defaults["gunicorn.socket"] = ours
    with ours:
        answer = getattr(mcp, ask)("tools/call", params)
    (row,) = rows_of(answer.headers["Reference-Id"])
    kept = ask == "legacy"
    assert (row.outcome, row.reason) == (
        ("succeeded", "") if kept else ("cancelled", "client_gone")
    )
    assert row.details["client_gone"] is True
    world.acme.refresh_from_db()
    assert world.acme.name == ("Renamed" if kept else "Acme")


def insert(cursor: Any) -> None:
    cursor.execute("INSERT INTO accounts_organization (name) VALUES ('x')")


def update(cursor: Any) -> None:
    Organization.objects.update(name="Changed")


def delete(cursor: Any) -> None:
    Organization.objects.all().delete()


def write_inside_with(cursor: Any) -> None:
    cursor.execute(
        "WITH gone AS (UPDATE accounts_organization SET name = 'x' RETURNING 1) SELECT * FROM gone"
    )


def truncate(cursor: Any) -> None:
    cursor.execute("/* harmless */ TRUNCATE accounts_organization CASCADE")


def read(cursor: Any) -> None:
    assert Organization.objects.filter(name="Acme").count() == 1
    cursor.execute("WITH all_of_them AS (SELECT 1) SELECT * FROM all_of_them")


@pytest.mark.parametrize("write", [insert, update, delete, write_inside_with, truncate, read])
def test_a_tool_that_says_it_reads_cannot_write(
    world: Any, mcp: McpClient, add_tool: AddTool, write: Callable[[Any], None]
) -> None:
    def act(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        with connection.cursor() as cursor:
            write(cursor)
        return ProbeResult(text="")

    answer = mcp.call(add_tool(act))
    allowed = write is read
    assert outcomes(answer) == [("succeeded", "") if allowed else ("failed", "ReadOnlyToolError")]
    world.acme.refresh_from_db()
    assert (world.acme.name, Organization.objects.count()) == ("Acme", 2)


def test_a_database_that_fails_while_permission_is_asked_about_ends_no_call(
    mcp: McpClient, add_tool: AddTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail(principal: Any) -> None:
        asked.append("asked")
        raise OperationalError("the connection is lost")

    def dawdle(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        time.sleep(0.6)
        return ProbeResult(text="done")

    monkeypatch.setattr(running, "RECHECK_SECONDS", 0.2)
    monkeypatch.setattr("mcp_endpoint.authentication.find_end_of_permission", fail)
    assert mcp.use(add_tool(dawdle, **APART)) == {"text": "done"}
    assert asked


@pytest.mark.parametrize("send", ["modern", "legacy"])
def test_a_notice_of_cancellation_is_accepted(mcp: McpClient, send: str) -> None:
    meta = {"_meta": dict(MODERN_META)} if send == "modern" else {}
    body = {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 1, "reason": "changed my mind", **meta},
    }
    headers = {"MCP-Protocol-Version": "2026-07-28"} if send == "modern" else {}
    answer = mcp.send(body, headers=headers)
    assert (answer.status_code, answer.content) == (202, b"")
