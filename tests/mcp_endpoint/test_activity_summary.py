"""The numbers of a period: right, bounded, and of nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity import summary
from activity.models import ActivityEvent
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import AddTool, Join, ProbeResult, rows_of

pytestmark = pytest.mark.django_db

TOOL = "activity_summary"


def caller(join: Join, user: Any, organization: Any) -> tuple[McpClient, Any]:
    """Somebody connected with every scope, and the connection."""
    connected = join(user, organization)
    return McpClient(connected.access_token), connected


def by(entries: list[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    return {entry[name]: entry for entry in entries}


def test_calls_are_counted_by_tool_client_outcome_day_and_reason(
    world: Any, join: Join, add_tool: AddTool
) -> None:
    def fail(context: Any, arguments: Any) -> Any:
        raise RuntimeError

    mcp, own = caller(join, world.ben, world.acme)
    other, _ = caller(join, world.ben, world.acme)
    broken = add_tool(fail)
    for _ in range(3):
        mcp.use("whoami")
    other.use("whoami")
    mcp.fail("disconnect_application", {"connection_id": "x"})
    mcp.call(broken)
    told = mcp.use(TOOL)
    assert (told["organization"], told["is_partial"]) == ("Acme", False)
    assert told["calls"] == 6
    assert told["error_rate"] == round(2 / 6, 4)
    assert (told["outcomes"]["refused"], told["outcomes"]["failed"]) == (1, 1)
    tools = by(told["tools"], "tool")
    assert set(tools) == {"whoami", "disconnect_application", broken}
    assert (tools["whoami"]["count"], tools["whoami"]["refused_or_failed"]) == (4, 0)
    assert tools[broken]["refused_or_failed"] == 1
    assert 0 < tools["whoami"]["average_ms"] <= tools["whoami"]["slowest_ms"]
    assert told["tools"][0]["tool"] == "whoami"
    clients = by(told["clients"], "client_id")
    assert clients[own.client.client_id]["client"] == own.client.name
    assert clients[own.client.client_id]["first_at"] <= clients[own.client.client_id]["last_at"]
    assert [each["user_email"] for each in told["people"]] == [world.ben.email]
    assert sum(day["count"] for day in told["days"]) == told["events"]
    assert {each["reason"]: each["count"] for each in told["reasons"]} == {
        "invalid_arguments": 1,
        "RuntimeError": 1,
    }
    assert len(told["slowest"]) == 5
    latencies = [each["latency_ms"] for each in told["slowest"]]
    assert latencies == sorted(latencies, reverse=True)


def test_a_call_that_acts_outside_counts_once(world: Any, join: Join, add_tool: AddTool) -> None:
    mcp, _ = caller(join, world.ben, world.acme)
    name = add_tool(
        lambda context, arguments: ProbeResult(text="ran"),
        scope="actions",
        read_only=False,
        open_world=True,
    )
    answer = mcp.call(name)
    assert [row.outcome for row in rows_of(answer["Reference-Id"])] == ["started", "succeeded"]
    told = mcp.use(TOOL)
    assert (told["calls"], by(told["tools"], "tool")[name]["count"]) == (1, 1)


@pytest.mark.case(315)
def test_only_the_own_events_count_unless_an_administrator_asks_for_all(
    world: Any, join: Join
) -> None:
    alice, _ = caller(join, world.alice, world.acme)
    ben, _ = caller(join, world.ben, world.acme)
    elsewhere, _ = caller(join, world.alice, world.borealis)
    cleo, _ = caller(join, world.cleo, world.borealis)
    for mcp in (alice, ben, ben, elsewhere, elsewhere, cleo):
        mcp.use("whoami")
    assert by(alice.use(TOOL)["tools"], "tool")["whoami"]["count"] == 1
    assert by(ben.use(TOOL)["tools"], "tool")["whoami"]["count"] == 2
    whole = alice.use(TOOL, {"whole_organization": True})
    assert by(whole["tools"], "tool")["whoami"]["count"] == 3
    assert {each["user_email"] for each in whole["people"]} == {
        world.alice.email,
        world.ben.email,
    }
    answer = ben.call(TOOL, {"whole_organization": True})
    assert "Only owners and admins" in answer.json()["result"]["content"][0]["text"]
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.outcome, row.reason) == ("refused", "not_an_administrator")


def test_the_period_is_from_since_to_before_until(world: Any, join: Join) -> None:
    mcp, _ = caller(join, world.ben, world.acme)
    for _ in range(3):
        mcp.use("whoami")
    rows = ActivityEvent.objects.of_user(world.ben.id).filter(tool="whoami").order_by("id")
    first, second, _ = rows

    def count(**period: datetime) -> int:
        told = mcp.use(TOOL, {name: moment.isoformat() for name, moment in period.items()})
        tools = by(told["tools"], "tool")
        return int(tools["whoami"]["count"]) if "whoami" in tools else 0

    assert count(since=first.at) == 3
    assert count(since=second.at) == 2
    assert count(since=first.at, until=second.at) == 1
    assert count(until=first.at) == 0
    empty = mcp.use(TOOL, {"until": datetime(2020, 1, 1, tzinfo=UTC).isoformat()})
    assert (empty["events"], empty["error_rate"], empty["days"]) == (0, None, [])


def test_a_period_that_makes_no_sense_or_is_too_long_is_told(world: Any, join: Join) -> None:
    mcp, _ = caller(join, world.ben, world.acme)
    now = timezone.now()
    longest = {"since": (now - timedelta(days=92)).isoformat(), "until": now.isoformat()}
    assert mcp.call(TOOL, longest).json()["result"]["isError"] is False
    too_long = longest | {"since": (now - timedelta(days=92, seconds=1)).isoformat()}
    assert "92 days" in mcp.fail(TOOL, too_long)
    backwards = {"since": now.isoformat(), "until": now.isoformat()}
    assert "before until" in mcp.fail(TOOL, backwards)
    assert "not valid" in mcp.fail(TOOL, {"since": "yesterday"})


def test_more_rows_than_may_be_counted_are_cut_and_said_so(
    world: Any, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    mcp, _ = caller(join, world.ben, world.acme)
    for _ in range(4):
        mcp.use("whoami")
    count = ActivityEvent.objects.of_organization(world.acme.id).of_user(world.ben.id).count()
    monkeypatch.setattr(summary, "MAX_COUNTED", count)
    exact = mcp.use(TOOL)
    assert (exact["events"], exact["is_partial"]) == (count, False)
    cut = mcp.use(TOOL)
    assert (cut["events"], cut["is_partial"]) == (count, True)
    assert cut["first_at"] > exact["first_at"]


def test_counting_takes_the_same_number_of_questions_however_much_there_is(
    world: Any, join: Join, django_assert_max_num_queries: Any
) -> None:
    mcp, _ = caller(join, world.ben, world.acme)
    for _ in range(5):
        mcp.use("whoami")
    # Verify, bounds, eight questions, two of names, the row.
    with django_assert_max_num_queries(13):
        mcp.use(TOOL)
