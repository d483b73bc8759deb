"""How often a connection and an organization may call, and what costs nothing."""

import socket
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import call_allowances
from accounts.call_allowances import build_draw_parameters, list_policies
from accounts.call_leases import LeaseBook
from accounts.models import TokenBucket
from mcp_endpoint import call_limits
from mcp_endpoint.call_limits import Attempts, Slots, hold_slot
from mcp_endpoint.registry import registry
from oauth_ext.models import Connection, OrganizationPolicy
from tests.buckets import leave_tokens
from tests.mcp_client import MODERN_META, McpClient
from tests.mcp_endpoint.conftest import AddTool, Join, ProbeResult, rows_of
from tests.mcp_endpoint.test_hot_path import statements
from tests.oauth_ext.conftest import photograph
from tests.oauth_ext.test_standing import FLAGS

pytestmark = pytest.mark.django_db

NAMES = {"connection": "mcp.connection", "organization": "mcp.organization"}


@pytest.fixture(autouse=True)
def limited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of production, and a process that has just started."""
    settings.MCP_CONNECTION_RATE, settings.MCP_ORGANIZATION_RATE = 120, 600
    forget(monkeypatch)


@pytest.fixture
def restart(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """As if another process answered from here on."""
    return lambda: forget(monkeypatch)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_allowances, "book", LeaseBook())
    monkeypatch.setattr(call_limits, "attempts", Attempts())
    monkeypatch.setattr(call_limits, "free_rows", Attempts())
    monkeypatch.setattr(call_limits, "slots", Slots())


@pytest.fixture
def probe(add_tool: AddTool) -> str:
    """A tool that costs a call."""
    return add_tool(lambda context, arguments: ProbeResult(text="ran"))


@pytest.fixture
def free(add_tool: AddTool, probe: str) -> str:
    """A tool that costs nothing."""
    return add_tool(lambda context, arguments: ProbeResult(text="free"), metered=False)


def drain(which: str, restart: Callable[[], None]) -> None:
    """Let nothing be left of a limit, as other processes would."""
    leave_tokens(list_policies()[which], 0)
    restart()


def read_refusal(answer: Any, limit: str) -> int:
    """The seconds that a refused call is told to wait."""
    assert answer.status_code == 429, answer.content
    error = answer.json()["error"]
    assert error["code"] == -32012
    seconds: int = error["data"]["retry_after"]
    assert (error["data"]["error"], error["data"]["limit"]) == ("rate_limited", limit)
    assert answer["Retry-After"] == str(seconds)
    assert f"Wait {seconds} second" in error["message"]
    return seconds


@pytest.mark.parametrize("send", ["modern", "legacy"])
def test_a_burst_is_answered_and_what_is_beyond_it_is_told_to_wait(
    mcp: McpClient, alice_acme: Any, world: Any, probe: str, send: str, log: Any
) -> None:
    post = getattr(mcp, send)
    answers = [post("tools/call", {"name": probe}) for _ in range(75)]
    statuses = [answer.status_code for answer in answers]
    first = statuses.index(429)
    # The burst of sixty, and what refilled while it was called on a slow machine.
    assert first >= 54 and set(statuses) == {200, 429}
    refused = answers[first]
    assert 1 <= read_refusal(refused, "connection_rate") <= 2
    (row,) = rows_of(refused["Reference-Id"])
    assert (row.event, row.outcome, row.reason) == (
        "mcp.limit.refused",
        "refused",
        "connection_rate",
    )
    assert (row.connection_id, row.user_id) == (alice_acme.connection.id, world.alice.id)
    assert row.http_status == 429
    assert log().filter(event="mcp.tool.called").count() == statuses.count(200)


def test_a_refused_call_changes_nothing_and_the_same_call_works_later(
    mcp: McpClient, probe: str, restart: Any
) -> None:
    assert mcp.call(probe).status_code == 200
    drain("connection", restart)
    before = photograph(), list(TokenBucket.objects.order_by("policy").values())
    read_refusal(mcp.call(probe), "connection_rate")
    read_refusal(mcp.call(probe), "connection_rate")
    assert (photograph(), list(TokenBucket.objects.order_by("policy").values())) == before
    leave_tokens(list_policies()["connection"], 1)
    restart()
    assert mcp.call(probe).status_code == 200
    read_refusal(mcp.call(probe), "connection_rate")


def test_one_connection_over_its_limit_is_no_trouble_for_another(
    mcp: McpClient, world: Any, join: Join, probe: str, restart: Any
) -> None:
    mcp.call(probe)
    drain("connection", restart)
    read_refusal(mcp.call(probe), "connection_rate")
    other = McpClient(join(world.alice, world.acme).access_token)
    assert other.call(probe).status_code == 200
    # Nor does what is refused use up what the organization has.
    (left,) = TokenBucket.objects.filter(policy=NAMES["organization"]).values_list(
        "tokens", flat=True
    )
    assert left >= list_policies()["organization"].capacity - 3


def test_an_organization_is_counted_together_and_another_one_by_itself(
    mcp: McpClient, world: Any, join: Join, mint: Any, probe: str, restart: Any
) -> None:
    assert mcp.call(probe).status_code == 200
    drain("organization", restart)
    for token in (
        mcp.token,
        join(world.ben, world.acme).access_token,
        mint(world.ben, world.acme),
    ):
        read_refusal(McpClient(token).call(probe), "organization_rate")
    assert McpClient(mint(world.alice, world.borealis)).call(probe).status_code == 200


def test_what_an_organization_refuses_costs_the_connection_nothing(
    mcp: McpClient, probe: str, restart: Any
) -> None:
    mcp.call(probe)
    drain("organization", restart)
    read_refusal(mcp.call(probe), "organization_rate")
    # What this process had drawn for the connection is still there, however often it was refused.
    call_allowances.book.receive(list_policies()["connection"], find_key("caller"), 3, 0.0)
    lease = call_allowances.book.leases[find_key("caller")]
    before = lease.tokens
    for _ in range(3):
        read_refusal(mcp.call(probe), "organization_rate")
    assert lease.tokens == before
    leave_tokens(list_policies()["organization"], 10)
    restart()
    assert mcp.call(probe).status_code == 200


def test_a_persons_personal_tokens_for_an_organization_are_counted_as_one_connection(
    world: Any, mint: Any, join: Join, probe: str, restart: Any
) -> None:
    mcp, second = (McpClient(mint(world.alice, world.acme)) for _ in range(2))
    assert mcp.call(probe).status_code == 200
    drain("connection", restart)
    read_refusal(mcp.call(probe), "connection_rate")
    read_refusal(second.call(probe), "connection_rate")
    # Not with anybody else's, nor with those for another organization or with a connection.
    for token in (
        mint(world.ben, world.acme),
        mint(world.alice, world.borealis),
        join(world.alice, world.acme).access_token,
    ):
        assert McpClient(token).call(probe).status_code == 200


@pytest.mark.case(343)
def test_no_member_locks_the_organization_out_with_many_personal_tokens(
    world: Any, mint: Any, probe: str
) -> None:
    statuses = []
    for _ in range(6):
        mcp = McpClient(mint(world.ben, world.acme))
        statuses += [mcp.call(probe).status_code for _ in range(15)]
    # The burst of sixty, and what refilled on a slow machine.
    assert 54 <= statuses.count(200) < 80
    assert McpClient(mint(world.alice, world.acme)).call(probe).status_code == 200


def test_free_calls_and_garbage_of_a_persons_tokens_are_counted_together(
    world: Any, mint: Any
) -> None:
    call_limits.attempts.clock = lambda: 0.0
    tokens = [McpClient(mint(world.alice, world.acme)) for _ in range(2)]
    statuses = [mcp.legacy("ping").status_code for mcp in tokens for _ in range(151)]
    assert statuses == [200] * 300 + [429] * 2


def test_a_persons_tokens_together_hold_no_more_than_half_of_the_threads(
    world: Any, mint: Any, add_tool: AddTool
) -> None:
    inner = [McpClient(mint(world.alice, world.acme)), McpClient(mint(world.ben, world.acme))]
    answers: list[Any] = []

    def fill(context: Any, arguments: Any) -> ProbeResult:
        if arguments.count > 1:
            McpClient(token).call("probe_0", {"count": arguments.count - 1})
        else:
            answers.extend(mcp.call("whoami") for mcp in inner)
        return ProbeResult(text="ran")

    token = mint(world.alice, world.acme, "read", "draft")
    name = add_tool(fill, scope="draft", read_only=False)
    assert McpClient(token).call(name, {"count": 4}).status_code == 200
    read_refusal(answers[0], "connection_concurrency")
    assert answers[1].status_code == 200


def test_zero_sets_no_limit(mcp: McpClient, probe: str, settings: Any) -> None:
    settings.MCP_CONNECTION_RATE = settings.MCP_ORGANIZATION_RATE = 0
    assert {mcp.call(probe).status_code for _ in range(70)} == {200}
    assert not TokenBucket.objects.filter(policy__startswith="mcp.").exists()


# --- what costs nothing ---------------------------------------------------------------------------


def test_opening_and_tools_that_are_free_work_when_nothing_is_left(
    mcp: McpClient, probe: str, free: str, restart: Any
) -> None:
    mcp.call(probe)
    drain("connection", restart)
    assert mcp.call(free).status_code == 200
    assert mcp.modern("server/discover").status_code == 200
    assert mcp.initialize().status_code == 200
    assert mcp.legacy("ping").status_code == 200
    read_refusal(mcp.modern("tools/list"), "connection_rate")
    read_refusal(mcp.call("no_such_tool"), "connection_rate")


def test_free_calls_leave_what_there_is(mcp: McpClient, probe: str, free: str) -> None:
    for _ in range(60):
        assert mcp.call(free).status_code == 200
    statuses = [mcp.call(probe).status_code for _ in range(54)]
    assert statuses == [200] * 54


@pytest.mark.case(343)
def test_what_is_free_writes_no_more_rows_than_calls_that_are_counted(
    mcp: McpClient, free: str, probe: str, log: Any
) -> None:
    call_limits.free_rows.clock = lambda: 0.0
    answers = [mcp.call(free) for _ in range(58)]
    answers += [mcp.initialize(), mcp.modern("server/discover")]
    assert {answer.status_code for answer in answers} == {200}
    refused = mcp.call(free)
    assert read_refusal(refused, "connection_rate") == 1
    assert [row.reason for row in rows_of(refused["Reference-Id"])] == ["connection_rate"]
    for answer in (mcp.initialize(), mcp.modern("server/discover")):
        read_refusal(answer, "connection_rate")
    # What writes nothing is not held back, nor is what is counted elsewhere.
    assert mcp.legacy("ping").status_code == 200
    assert mcp.call(probe).status_code == 200
    call_limits.free_rows.clock = lambda: 1.0
    assert [mcp.call(free).status_code for _ in range(3)] == [200, 200, 429]
    assert log().filter(event="mcp.tool.called", tool=free).count() == 60


def test_a_free_tool_that_is_hidden_costs_what_an_absent_one_costs(
    world: Any, connect: Any, probe: str, free: str, restart: Any
) -> None:
    OrganizationPolicy.objects.create(organization=world.acme, hidden_tools=[free])
    mcp = McpClient(connect(world.alice, world.acme).access_token)
    other = McpClient(connect(world.alice, world.borealis).access_token)
    for each in (mcp, other):
        each.call(probe)
    drain("connection", restart)
    for name in (free, "no_such_tool"):
        read_refusal(mcp.call(name), "connection_rate")
    assert other.call(free).status_code == 200


def test_everything_has_a_wider_limit_well_formed_or_not(mcp: McpClient, log: Any) -> None:
    answers = [mcp.send(b"nonsense") for _ in range(300)]
    assert {answer.status_code for answer in answers} == {400}
    call_limits.attempts.clock = lambda: 0.0
    call_limits.attempts.buckets.clear()
    answers = [mcp.legacy("ping") for _ in range(301)]
    assert [answer.status_code for answer in answers] == [200] * 300 + [429]
    read_refusal(answers[-1], "connection_attempts")


@pytest.mark.case(343)
def test_a_flood_over_the_limit_is_a_bounded_number_of_rows(
    mcp: McpClient, probe: str, restart: Any, log: Any
) -> None:
    mcp.call(probe)
    drain("connection", restart)
    answers = [mcp.call(probe) for _ in range(60)]
    assert {answer.status_code for answer in answers} == {429}
    # A minute that begins in between begins a new count.
    assert log().filter(event="mcp.limit.refused").count() <= 40
    assert log().filter(event="http.noise.summarized").exists()
    assert all(rows_of(answer["Reference-Id"]) for answer in answers)


# --- who is refused otherwise ---------------------------------------------------------------------


@pytest.mark.parametrize("flag", [*FLAGS, "connection paused"])
def test_whoever_is_refused_takes_nothing_from_anybody(
    mcp: McpClient, world: Any, probe: str, flag: str, restart: Any
) -> None:
    assert mcp.call(probe).status_code == 200
    if flag == "connection paused":
        Connection.objects.update(paused_at=timezone.now())
    else:
        FLAGS[flag](world)
    restart()
    before = list(TokenBucket.objects.order_by("policy").values())
    assert mcp.call(probe).status_code in (401, 403)
    assert list(TokenBucket.objects.order_by("policy").values()) == before


# --- at once --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [120, 0])
@pytest.mark.parametrize(("threads", "depth", "runs"), [(8, 4, True), (8, 5, False), (2, 1, True)])
def test_no_connection_holds_more_than_half_of_the_threads(
    mcp: McpClient,
    add_tool: AddTool,
    settings: Any,
    threads: int,
    depth: int,
    runs: bool,
    rate: int,
) -> None:
    settings.WEB_THREADS, settings.MCP_CONNECTION_RATE = threads, rate
    innermost: list[Any] = []

    def call_again(context: Any, arguments: Any) -> ProbeResult:
        if arguments.count > 1:
            innermost.append(mcp.call("probe_0", {"count": arguments.count - 1}))
        return ProbeResult(text="ran")

    name = add_tool(call_again, scope="draft", read_only=False)
    assert mcp.call(name, {"count": depth}).status_code == 200
    refused = [answer for answer in innermost if answer.status_code != 200]
    if runs:
        assert not refused
    else:
        (answer,) = refused
        read_refusal(answer, "connection_concurrency")
    # Every slot is free again, also after a failure.
    assert not call_limits.slots.running


# --- what it costs --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_personal", [False, True])
def test_drawing_is_part_of_the_statement_that_verifies(
    world: Any, join: Join, mint: Any, probe: str, is_personal: bool, restart: Any
) -> None:
    token = (
        mint(world.alice, world.acme) if is_personal else join(world.alice, world.acme).access_token
    )
    mcp = McpClient(token)
    mcp.call(probe)
    restart()
    with CaptureQueriesContext(connection) as captured:
        assert mcp.call(probe).status_code == 200
    drawing = statements(captured)
    assert len(drawing) == (3 if is_personal else 2)
    assert any("INSERT INTO accounts_tokenbucket" in sql for sql in drawing)
    # Nobody waits for the disk because of a limit, and whoever writes more goes on waiting.
    assert "'synchronous_commit'" in "".join(drawing)
    assert build_draw_parameters(())["synchronous_commit"] == "off"
    with transaction.atomic():
        assert build_draw_parameters(())["synchronous_commit"] is None
    call_allowances.book.receive(list_policies()["connection"], find_key("caller"), 5, 0.0)
    with CaptureQueriesContext(connection) as captured:
        assert mcp.call(probe).status_code == 200
    call_allowances.book.receive(list_policies()["organization"], find_key("organization"), 5, 0.0)
    with CaptureQueriesContext(connection) as captured:
        assert mcp.call(probe).status_code == 200
    plain = statements(captured)
    assert len(plain) == 2
    assert not any("accounts_tokenbucket" in sql for sql in plain)


def find_key(start: str) -> str:
    """The only key of this kind in the book."""
    (key,) = [key for key in call_allowances.book.leases if key.startswith(start)]
    return key


# --- a slot and a stream --------------------------------------------------------------------------


def tell(pieces: int) -> Generator[bytes, None, None]:
    for _ in range(pieces):
        yield b"piece"


@pytest.mark.parametrize("how", ["read to its end", "closed", "closed unread"])
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("runs_apart", [False, True])
@pytest.mark.django_db(transaction=True)
def test_a_large_answer_holds_its_slot_until_it_is_sent(
    mcp: McpClient, add_tool: AddTool, how: str, accept: str, runs_apart: bool
) -> None:
    def fill(context: Any, arguments: Any) -> ProbeResult:
        context.report_progress(1)
        return ProbeResult(text="x" * 20_000)

    name = add_tool(fill, reports_progress=runs_apart)
    meta = {**MODERN_META, "progressToken": 1}
    ours, theirs = socket.socketpair()
    mcp.http.defaults["gunicorn.socket"] = ours
    with ours, theirs:
        params = {"name": name, "arguments": {}}
        answer = mcp.modern("tools/call", params, meta=meta, headers={"Accept": accept})
        assert list(call_limits.slots.running.values()) == [1]
        if how != "closed unread":
            next(iter(answer.streaming_content))
            assert list(call_limits.slots.running.values()) == [1]
        if how == "read to its end":
            assert b"".join(answer.streaming_content)
        answer.close()
        del answer
    assert call_limits.slots.running == {}


@pytest.mark.parametrize("how", ["read to its end", "closed", "dropped", "dropped unread"])
def test_a_stream_holds_its_slot_until_it_ends_however_it_ends(how: str) -> None:
    caller = f"connection {uuid4()}"
    with hold_slot(build_caller(caller)) as slot:
        kept = slot.keep_for(tell(3))
    del slot
    assert call_limits.slots.running == {caller: 1}
    if how != "dropped unread":
        next(kept)
    if how == "read to its end":
        list(kept)
    if how == "closed":
        kept.close()
    del kept
    assert call_limits.slots.running == {}


def build_caller(caller: str) -> Any:
    """As much of a principal as a slot asks for."""
    return SimpleNamespace(caller=caller, allowance=call_allowances.Allowance())


def test_the_tools_that_help_when_nothing_else_does_are_free() -> None:
    free = {tool.name for tool in registry.list_tools() if not tool.metered}
    assert free == {"health_check", "list_tools_for_me", "whoami"}
