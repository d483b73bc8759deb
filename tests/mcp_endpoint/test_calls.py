"""One tool call, one row: what is kept, what is rolled back, what the model reads."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from accounts.models import Organization
from activity.recorder import record_event
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from tests.mcp_client import MODERN, McpClient
from tests.mcp_endpoint.conftest import AddTool, Join, ProbeArguments, ProbeResult, rows_of

pytestmark = pytest.mark.django_db(transaction=True)

WRITES = {"read_only": False, "scope": "actions"}


def echo(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
    return ProbeResult(text=arguments.text)


def rename(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
    """An effect in the database that a test can look for."""
    Organization.objects.filter(id=context.principal.organization_id).update(name=arguments.text)
    return ProbeResult(text=arguments.text)


def rename_and_fail(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
    rename(context, arguments)
    raise RuntimeError(f"secret detail: {arguments.text}")


def rename_and_decline(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
    rename(context, arguments)
    raise ToolError("Not on a Sunday. Try tomorrow.", reason="sunday")


def test_a_call_is_recorded_with_everything_but_what_it_must_not_keep(
    world: Any, alice_acme: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    name = add_tool(echo, redact=("hidden",))
    answer = mcp.call(name, {"text": "hello", "hidden": "canary"})
    assert answer.json()["result"]["structuredContent"] == {"text": "hello"}
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert (row.event, row.outcome, row.reason) == ("mcp.tool.called", "succeeded", "")
    assert (row.user_id, row.organization_id) == (world.alice.id, world.acme.id)
    assert row.connection_id == alice_acme.connection.id
    assert row.client_id == alice_acme.client.client_id
    assert (row.tool, row.protocol_version, row.http_status) == (name, MODERN, 200)
    assert row.latency_ms is not None and row.latency_ms > 0
    assert row.details == {"arguments": {"text": "hello", "hidden": "[redacted]"}}


def test_the_text_block_says_the_same_as_the_structured_content(
    mcp: McpClient, add_tool: AddTool
) -> None:
    result = mcp.call(add_tool(echo), {"text": "Grüße\n☕"}).json()["result"]
    assert result["content"] == [{"type": "text", "text": '{"text":"Grüße\\n☕"}'}]
    assert result["structuredContent"] == {"text": "Grüße\n☕"}


def test_an_effect_and_its_row_are_kept_together(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    answer = mcp.call(add_tool(rename, **WRITES), {"text": "Renamed"})
    world.acme.refresh_from_db()
    assert world.acme.name == "Renamed"
    assert [row.outcome for row in rows_of(answer.headers["Reference-Id"])] == ["succeeded"]


@pytest.mark.case(298)
def test_a_failing_tool_leaves_no_effect_and_a_row_with_the_exception_name_only(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    answer = mcp.call(add_tool(rename_and_fail, redact=("text",), **WRITES), {"text": "canary"})
    assert answer.status_code == 200
    reference = answer.headers["Reference-Id"]
    result = answer.json()["result"]
    assert result["isError"] is True
    assert result["content"][0]["text"] == (
        f"Something went wrong on our side. Nothing was changed. Reference: {reference}"
    )
    (row,) = rows_of(reference)
    assert (row.outcome, row.reason) == ("failed", "RuntimeError")
    assert "canary" not in repr((row.details, answer.content))
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


def test_what_fails_after_the_commit_does_not_make_a_kept_call_a_failure(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    def fail() -> None:
        raise RuntimeError("canary")

    def rename_and_leave_work(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        transaction.on_commit(fail)
        return rename(context, arguments)

    answer = mcp.call(add_tool(rename_and_leave_work, **WRITES), {"text": "Renamed"})
    assert answer.json()["result"]["structuredContent"] == {"text": "Renamed"}
    assert [row.outcome for row in rows_of(answer.headers["Reference-Id"])] == ["succeeded"]
    world.acme.refresh_from_db()
    assert world.acme.name == "Renamed"


def test_a_declining_tool_leaves_no_effect_and_its_text_reaches_the_model(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    answer = mcp.call(add_tool(rename_and_decline, **WRITES), {"text": "Renamed"})
    assert answer.json()["result"]["content"][0]["text"] == (
        f"Not on a Sunday. Try tomorrow. Reference: {answer.headers['Reference-Id']}"
    )
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert (row.outcome, row.reason) == ("refused", "sunday")
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


def test_without_its_row_an_effect_does_not_happen(
    world: Any, mcp: McpClient, add_tool: AddTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = add_tool(rename, **WRITES)
    break_recorder(monkeypatch, "mcp_endpoint.calls")
    answer = mcp.call(name, {"text": "Renamed"})
    assert_unavailable(answer)
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"
    monkeypatch.undo()
    assert mcp.use(name, {"text": "Renamed"}) == {"text": "Renamed"}


@pytest.mark.parametrize("options", [{}, WRITES])
def test_a_row_that_failed_once_is_not_replaced_by_a_row_of_failure(
    mcp: McpClient, add_tool: AddTool, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    name = add_tool(echo, **options)
    break_recorder(monkeypatch, "mcp_endpoint.calls", times=1)
    answer = mcp.call(name)
    assert_unavailable(answer)
    assert rows_of(answer.headers["Reference-Id"]) == []


def test_a_reading_tool_without_its_row_is_not_answered(
    mcp: McpClient, add_tool: AddTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = add_tool(echo)
    break_recorder(monkeypatch, "mcp_endpoint.calls")
    assert_unavailable(mcp.call(name, {"text": "canary"}))


def test_a_writing_tool_runs_in_a_transaction_and_a_reading_one_does_not(
    mcp: McpClient, add_tool: AddTool
) -> None:
    def look(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        return ProbeResult(text=str(connection.in_atomic_block))

    assert mcp.use(add_tool(look)) == {"text": "False"}
    assert mcp.use(add_tool(look, **WRITES)) == {"text": "True"}


def test_a_tool_that_acts_outside_leaves_a_row_before_it_starts(
    mcp: McpClient, add_tool: AddTool
) -> None:
    def act(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        (started,) = rows_of(context.reference)
        assert started.outcome == "started"
        if arguments.text == "fail":
            raise RuntimeError
        return ProbeResult(text="done")

    name = add_tool(act, open_world=True, **WRITES)
    answer = mcp.call(name)
    outcomes = [row.outcome for row in rows_of(answer.headers["Reference-Id"])]
    assert outcomes == ["started", "succeeded"]
    failed = mcp.call(name, {"text": "fail"})
    assert "may have taken effect" in failed.json()["result"]["content"][0]["text"]
    outcomes = [row.outcome for row in rows_of(failed.headers["Reference-Id"])]
    assert outcomes == ["started", "failed"]


def test_a_tool_that_acts_outside_does_not_start_without_its_row(
    mcp: McpClient, add_tool: AddTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    acted: list[str] = []

    def act(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        acted.append("yes")
        return ProbeResult(text="done")

    name = add_tool(act, open_world=True, **WRITES)
    break_recorder(monkeypatch, "mcp_endpoint.calls")
    assert_unavailable(mcp.call(name))
    assert not acted


def test_a_database_outage_inside_a_tool_is_503_and_recorded_if_possible(
    mcp: McpClient, add_tool: AddTool
) -> None:
    def stall(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        raise OperationalError("canary")

    answer = mcp.call(add_tool(stall))
    assert_unavailable(answer)
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert (row.outcome, row.reason) == ("failed", "database_unavailable")


@pytest.mark.parametrize("options", [{}, WRITES])
def test_a_broken_statement_in_a_tool_is_its_bug_and_not_an_outage(
    mcp: McpClient, add_tool: AddTool, options: dict[str, Any]
) -> None:
    def misspell(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column")
        return ProbeResult(text="")

    answer = mcp.call(add_tool(misspell, **options))
    assert answer.json()["result"]["isError"] is True
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert (row.outcome, row.reason) == ("failed", "ProgrammingError")


@pytest.mark.parametrize("returned", [None, {"text": "x"}, ProbeArguments()])
def test_a_tool_that_returns_something_else_has_failed(
    mcp: McpClient, add_tool: AddTool, returned: Any
) -> None:
    name = add_tool(lambda context, arguments: returned)
    assert "Something went wrong on our side" in mcp.fail(name)


def test_a_reference_that_a_tool_tells_itself_is_not_told_twice(
    mcp: McpClient, add_tool: AddTool
) -> None:
    def decline(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        raise ToolError(f"Ask about {context.reference}.")

    answer = mcp.call(add_tool(decline))
    reference = answer.headers["Reference-Id"]
    assert answer.json()["result"]["content"][0]["text"] == f"Ask about {reference}."


@pytest.mark.case(296)
def test_wrong_arguments_are_explained_recorded_and_not_run(
    mcp: McpClient, add_tool: AddTool
) -> None:
    ran: list[str] = []

    def act(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        ran.append("yes")
        return ProbeResult(text="")

    name = add_tool(act)
    answer = mcp.call(name, {"count": "many", "pasword": "canary"})
    text = answer.json()["result"]["content"][0]["text"]
    assert f"The arguments of {name} are not valid" in text
    assert "- count: Input should be a valid integer" in text
    assert f"- pasword: there is no such argument\nReference: {answer['Reference-Id']}" in text
    assert not ran
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert (row.outcome, row.reason) == ("refused", "invalid_arguments")
    # A misspelt name may hold what the right name would have kept from the log.
    assert "canary" not in repr(row.details) + text


def test_a_hundred_wrong_arguments_do_not_make_a_hundred_lines(
    mcp: McpClient, add_tool: AddTool
) -> None:
    text = mcp.fail(add_tool(echo), {f"{'x' * 500}{number}": 1 for number in range(100)})
    assert len(text) < 2000
    assert text.endswith("- and 90 more")


def test_a_fault_of_our_own_is_500_with_a_reference_and_no_detail(
    mcp: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr("mcp_endpoint.views.dispatch", fail)
    answer = mcp.legacy("ping", message_id=7)
    assert answer.status_code == 500
    assert (answer.json()["id"], answer.json()["error"]["code"]) == (7, -32603)
    assert b"canary" not in answer.content
    (row,) = rows_of(answer.json()["error"]["data"]["reference"])
    assert (row.event, row.outcome, row.reason) == ("http.request.failed", "failed", "RuntimeError")


@pytest.mark.case(293)
def test_simultaneous_calls_with_one_id_are_each_answered_with_their_own_data(
    world: Any, join: Join
) -> None:
    callers = {
        user.email: McpClient(join(user, organization).access_token)
        for user, organization in (
            (world.alice, world.acme),
            (world.ben, world.acme),
            (world.cleo, world.borealis),
        )
    }

    def ask(email: str) -> list[str]:
        try:
            return [callers[email].use("whoami")["email"] for _ in range(20)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(callers)) as pool:
        for email, answers in zip(callers, pool.map(ask, callers), strict=True):
            assert set(answers) == {email}


def break_recorder(monkeypatch: pytest.MonkeyPatch, module: str, times: int = 100) -> None:
    """Let the INSERT of a row fail as it does when the disk is full, a number of times."""
    failures = iter(range(times))

    def fail(*args: Any, **kwargs: Any) -> None:
        if next(failures, None) is None:
            record_event(*args, **kwargs)
        else:
            raise OperationalError("could not extend file")

    monkeypatch.setattr(f"{module}.record_event", fail)


def assert_unavailable(answer: Any) -> None:
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "WWW-Authenticate" not in answer.headers
    error = answer.json()["error"]
    assert error["code"] == -32603
    assert error["data"]["reference"] == answer.headers["Reference-Id"]
    assert b"canary" not in answer.content
