"""Ending something while it is in use: once the answer is out, nothing of it works any more.

RFC 7009 §2, and the disconnect button.
"""

from collections import Counter
from functools import partial

import pytest

from tests.live.application import Application, read_tokens
from tests.live.conftest import Resident
from tests.live.server import LiveServer
from tests.races.crowd import race, stagger
from tests.races.endings import prepare_disconnect, prepare_ending
from tests.races.polling import CALLS_AFTERWARDS, poll_until_refused
from tests.races.survivors import assert_all_refused, assert_no_fault, collect, take_census

ROUNDS = 21
# As many as one connection may have running in a process at once.
CALLERS = 4


@pytest.mark.case(200)
@pytest.mark.parametrize("kind", ["revoke refresh", "revoke access", "disconnect"])
def test_a_refresh_at_the_same_moment_never_survives_the_end(
    server: LiveServer, application: Application, settled: Resident, kind: str
) -> None:
    for number in range(ROUNDS):
        tokens = application.connect(settled.browser, settled.acme)
        refresh = partial(application.refresh, refresh_token=tokens.refresh_token)
        ending = prepare_ending(kind, application, settled, tokens)
        refreshed, ended = race(server, stagger(refresh, ending, number))
        assert refreshed.status in (200, 400)
        assert ended.status == (302 if kind == "disconnect" else 200)
        assert_all_refused(application, [tokens, *collect(refreshed)])
    census = take_census(application)
    assert (census.families, census.alive) == (ROUNDS, 0)


def test_an_exchange_at_the_same_moment_never_survives_the_disconnect(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    for number in range(ROUNDS):
        code = application.obtain_code(settled.browser, settled.acme)
        exchange = partial(application.exchange, code=code)
        ending = prepare_disconnect(application, settled)
        exchanged, ended = race(server, stagger(exchange, ending, number))
        assert exchanged.status in (200, 400)
        assert ended.status == 302
        assert_all_refused(application, collect(exchanged))
        with application.wire() as wire:
            assert application.exchange(wire, code).status == 400


@pytest.mark.case(200)
def test_revoking_an_old_generation_ends_the_successor_that_is_being_made(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    for number in range(12):
        first = application.connect(settled.browser, settled.acme)
        with application.wire() as wire:
            second = read_tokens(application.refresh(wire, first.refresh_token))
        refresh = partial(application.refresh, refresh_token=second.refresh_token)
        revoke = partial(application.revoke, token=first.refresh_token)
        refreshed, revoked = race(server, stagger(refresh, revoke, number))
        assert revoked.status == 200
        assert_all_refused(application, [first, second, *collect(refreshed)])
    assert take_census(application).alive == 0


def test_thirty_refreshes_a_revocation_and_a_disconnect_at_once_leave_nothing(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    for _ in range(3):
        tokens = application.connect(settled.browser, settled.acme)
        refresh = partial(application.refresh, refresh_token=tokens.refresh_token)
        revoke = partial(application.revoke, token=tokens.refresh_token)
        disconnect = prepare_disconnect(application, settled)
        answers = race(server, [*[refresh] * 15, revoke, disconnect, *[refresh] * 15])
        assert_no_fault(answers)
        refreshed = answers[:15] + answers[17:]
        assert {answer.status for answer in refreshed} <= {200, 400}
        assert_all_refused(application, [tokens, *collect(*refreshed)])
    assert take_census(application).alive == 0


@pytest.mark.case(262, 270)
@pytest.mark.parametrize("kind", ["revoke refresh", "disconnect"])
def test_no_call_that_starts_after_the_answer_is_accepted(
    server: LiveServer, application: Application, settled: Resident, kind: str
) -> None:
    tokens = application.connect(settled.browser, settled.acme)
    ending = prepare_ending(kind, application, settled, tokens)
    calls = poll_until_refused([server], [tokens.access_token] * CALLERS, ending)
    assert {call.status for call in calls} == {200, 401}
    later = Counter(call.status for call in calls if call.started > 0)
    assert later[401] >= CALLERS * CALLS_AFTERWARDS - CALLERS
    assert later[200] == 0
