"""The races once more across two nodes: two masters, four workers, one database.

``make races`` runs them at length and prints the figures; the suite runs a few rounds. The database
of the tests forgets on a crash (fsync is off): that makes commits faster than in production, which
leaves the windows between them smaller but not closed.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from statistics import median
from uuid import uuid4

import pytest

from accounts.models import TokenBucket
from activity.events import Event
from activity.models import ActivityEvent
from tests.figures import report
from tests.live.application import Application, Tokens
from tests.live.conftest import Resident, make_resident
from tests.live.wire import Answer, Wire
from tests.races.conftest import Nodes, Scale
from tests.races.crowd import Late, race_across
from tests.races.endings import ENDINGS, prepare_ending, restore
from tests.races.ledger import Ledger
from tests.races.polling import poll_until_refused
from tests.races.survivors import assert_all_refused

CROWD = 30


@pytest.fixture
def newcomer(nodes: Nodes) -> Iterator[Resident]:
    """Somebody whose access may be taken away without harm to other tests."""
    made = make_resident(nodes[0])
    with made.browser:
        yield made


@pytest.fixture
def ledger(application: Application, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """The book of one test; its figures are printed."""
    started = time.monotonic()
    book = Ledger(application)
    yield book
    each = ", ".join(f"{count} × {status}" for status, count in sorted(book.statuses.items()))
    seconds = time.monotonic() - started
    report(f"{request.node.name}: {book.statuses.total()} answers in {seconds:.0f} s ({each})")


@pytest.mark.case(158)
def test_a_hundred_exchanges_of_one_code_on_two_nodes(
    nodes: Nodes, application: Application, settled: Resident, ledger: Ledger, scale: Scale
) -> None:
    for _ in range(scale.codes):
        code = application.obtain_code(settled.browser, settled.acme)
        answers = race_across(nodes, [partial(application.exchange, code=code)] * 100)
        [won] = ledger.enter(answers)
        assert {answer.status for answer in answers} == {200, 400}
        # What the one got from one node works on the other: nobody waits for a replica.
        other = replace(application, server=nodes[1])
        with other.wire() as wire:
            assert other.call(wire, won.access_token).status == 200
            ledger.enter([other.refresh(wire, won.refresh_token)])
        _unlimit()
    ledger.check(mcp_url=nodes[0].mcp_url)


@pytest.mark.case(200)
@pytest.mark.parametrize(
    "kinds", [("revoke refresh",), ("disable user",), ("revoke refresh", "disable user")]
)
def test_thirty_refreshes_while_access_ends(
    nodes: Nodes,
    application: Application,
    newcomer: Resident,
    ledger: Ledger,
    scale: Scale,
    kinds: tuple[str, ...],
) -> None:
    for number in range(scale.rounds):
        tokens = application.connect(newcomer.browser, newcomer.acme)
        refresh = partial(application.refresh, refresh_token=tokens.refresh_token)
        endings = [prepare_ending(kind, application, newcomer, tokens) for kind in kinds]
        # From before the first to after the last of the refreshes.
        late = [Late(ending, 0.004 * (number % 10)) for ending in endings]
        answers = race_across(nodes, [*late, *[refresh] * CROWD])
        issued = ledger.enter(answers)
        assert {answer.status for answer in answers[: len(late)]} == {200}
        assert {answer.status for answer in answers} <= {200, 400}
        for node in nodes:
            assert_all_refused(replace(application, server=node), [tokens, *issued])
        restore(newcomer)
        _unlimit()
    ledger.check(mcp_url=nodes[0].mcp_url)


@pytest.mark.case(196, 197)
def test_thirty_refreshes_many_of_whose_answers_are_lost(
    nodes: Nodes, application: Application, settled: Resident, ledger: Ledger, scale: Scale
) -> None:
    for _ in range(scale.batches):
        families = [application.connect(settled.browser, settled.acme) for _ in range(scale.batch)]
        heard = [send_in_a_crowd(nodes, application, ledger, tokens) for tokens in families]
        wait_until_all_is_served(application)
        for tokens, successors in zip(families, heard, strict=True):
            check_recovery(nodes, application, ledger, tokens, successors)
        _unlimit()
    ledger.check(mcp_url=nodes[0].mcp_url)


def send_in_a_crowd(
    nodes: Nodes, application: Application, ledger: Ledger, tokens: Tokens
) -> set[str]:
    """Thirty refreshes, two thirds of which nobody waits for; the successors that were heard of."""
    prepared = application.prepare_refresh(tokens.refresh_token)
    hear = partial(Wire.post, prepared=prepared)
    lose = partial(Wire.send, prepared=prepared)
    answers: list[Answer | None] = race_across(nodes, [hear, lose, lose, lose, lose, hear] * 5)
    issued = ledger.enter(answers)
    assert len(issued) == CROWD // 3
    return {pair.refresh_token for pair in issued}


def check_recovery(
    nodes: Nodes, application: Application, ledger: Ledger, tokens: Tokens, heard: set[str]
) -> None:
    """Whoever heard nothing asks again and gets the same; then life goes on."""
    assert len(heard) == 1
    other = replace(application, server=nodes[1])
    with other.wire() as wire:
        again = ledger.enter([other.refresh(wire, tokens.refresh_token)])
        assert {pair.refresh_token for pair in again} == heard
        [following] = ledger.enter([other.refresh(wire, heard.pop())])
        for pair in (tokens, *again, following):
            assert other.call(wire, pair.access_token).status == 200


def wait_until_all_is_served(application: Application) -> None:
    """The refreshes that nobody waits for have arrived, or never will."""
    rows = ActivityEvent.objects.filter(
        client_id=application.client_id, event=Event.TOKEN_REFRESHED
    )
    before, quiet = -1, 0
    while quiet < 10:
        time.sleep(0.03)
        now = rows.count()
        quiet = quiet + 1 if now == before else 0
        before = now


@pytest.mark.case(270)
@pytest.mark.parametrize("kind", ENDINGS)
def test_what_ends_on_one_node_ends_on_the_other(
    nodes: Nodes, newcomer: Resident, scale: Scale, kind: str
) -> None:
    last_accepted: list[float] = []
    first_refused: list[float] = []
    for _ in range(scale.rounds):
        application = Application.register(nodes[0], f"Poller {uuid4().hex[:8]}")
        tokens = application.connect(newcomer.browser, newcomer.acme)
        ending = prepare_ending(kind, application, newcomer, tokens)
        calls = poll_until_refused(nodes, [tokens.access_token] * 6, ending)
        assert {call.status for call in calls} == {200, 401}
        last_accepted.append(max(call.started for call in calls if call.status == 200))
        first_refused.append(min(call.finished for call in calls if call.started > 0))
        restore(newcomer)
        _unlimit()
    report(
        f"{kind}: the last call that was accepted began {describe(last_accepted)} after the "
        f"answer; the first refusal after it took {describe(first_refused)}"
    )
    assert max(last_accepted) <= 0


def describe(seconds: list[float]) -> str:
    """The spread, in milliseconds."""
    low, middle, high = (1000 * pick(seconds) for pick in (min, median, max))
    return f"{low:.1f} / {middle:.1f} / {high:.1f} ms (min, median, max)"


def _unlimit() -> None:
    """All of these people sit at one address."""
    TokenBucket.objects.all().delete()
