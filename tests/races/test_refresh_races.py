"""Refreshing in a crowd: honest repetition costs nobody anything, theft ends the family.

OAuth 2.1 §4.3.1, RFC 9700 §4.14.2.
"""

from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db.models import F

from activity.events import Event
from activity.models import ActivityEvent
from oauth_ext.models import RefreshToken
from tests.live.application import Application, Tokens, read_tokens
from tests.live.conftest import Resident
from tests.live.server import LiveServer
from tests.live.wire import Wire
from tests.races.crowd import race, stagger
from tests.races.survivors import Census, assert_all_refused, collect, take_census


@pytest.mark.case(196)
def test_thirty_refreshes_of_one_token_give_all_the_same_successor(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    first = application.connect(settled.browser, settled.acme)
    refresh = partial(application.refresh, refresh_token=first.refresh_token)
    answers = race(server, [refresh] * 30)
    assert {answer.status for answer in answers} == {200}
    issued = [read_tokens(answer) for answer in answers]
    successors = {tokens.refresh_token for tokens in issued}
    assert len(successors) == 1 and first.refresh_token not in successors
    assert take_census(application) == Census(families=1, alive=1, refresh_tokens=2, current=1)
    with application.wire() as wire:
        for tokens in (first, *issued):
            assert application.call(wire, tokens.access_token).status == 200
        assert application.refresh(wire, successors.pop()).status == 200


@pytest.mark.case(196)
def test_every_one_of_thirty_refreshes_has_its_row(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    first = application.connect(settled.browser, settled.acme)
    refresh = partial(application.refresh, refresh_token=first.refresh_token)
    race(server, [refresh] * 30)
    rows = ActivityEvent.objects.filter(
        client_id=application.client_id, event=Event.TOKEN_REFRESHED
    )
    reasons = sorted(rows.values_list("reason", flat=True))
    assert reasons == ["", *["same_successor"] * 29]


@pytest.mark.case(197)
def test_clients_that_never_hear_the_answer_keep_their_family(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    for _ in range(3):
        first = application.connect(settled.browser, settled.acme)
        prepared = application.prepare_refresh(first.refresh_token)
        # Each hangs up as soon as it has spoken; whether it was served is not for it to know.
        race(server, [partial(Wire.send, prepared=prepared)] * 20)
        with application.wire() as wire:
            second = read_tokens(application.refresh(wire, first.refresh_token))
            assert application.call(wire, second.access_token).status == 200
    assert take_census(application) == Census(families=3, alive=3, refresh_tokens=6, current=3)
    assert count_replays(application) == 0


def test_a_replay_after_the_window_ends_the_family_and_all_its_access_tokens(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    first = application.connect(settled.browser, settled.acme)
    with application.wire() as wire:
        second = read_tokens(application.refresh(wire, first.refresh_token))
    close_window(application)
    replay = partial(application.refresh, refresh_token=first.refresh_token)
    answers = race(server, [replay] * 20)
    assert {answer.status for answer in answers} == {400}
    assert {answer.document["error"] for answer in answers} == {"invalid_grant"}
    with application.wire() as wire:
        refused = application.call(wire, second.access_token)
    assert 'error_description="Token is revoked or expired"' in refused.headers["www-authenticate"]
    assert_all_refused(application, [first, second])
    assert take_census(application).alive == 0
    assert count_replays(application) == 1


def test_a_replay_before_the_window_ends_harms_nobody(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    first = application.connect(settled.browser, settled.acme)
    with application.wire() as wire:
        second = read_tokens(application.refresh(wire, first.refresh_token))
        move_window(application, seconds=settings.REFRESH_WINDOW - 20)
        repeated = read_tokens(application.refresh(wire, first.refresh_token))
        assert repeated.refresh_token == second.refresh_token
        assert application.call(wire, second.access_token).status == 200
    assert count_replays(application) == 0


def test_a_late_replay_during_an_honest_refresh_leaves_no_survivor(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    for number in range(12):
        first = application.connect(settled.browser, settled.acme)
        with application.wire() as wire:
            second = read_tokens(application.refresh(wire, first.refresh_token))
        close_window(application)
        honest = partial(application.refresh, refresh_token=second.refresh_token)
        theft = partial(application.refresh, refresh_token=first.refresh_token)
        refreshed, replayed = race(server, stagger(honest, theft, number))
        assert refreshed.status in (200, 400)
        assert replayed.status == 400
        assert_all_refused(application, [first, second, *collect(refreshed)])
    assert take_census(application).alive == 0
    assert count_replays(application) == 12


def test_families_of_one_connection_refresh_side_by_side(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    devices = [application.connect(settled.browser, settled.acme) for _ in range(5)]
    refreshes = [partial(application.refresh, refresh_token=each.refresh_token) for each in devices]
    answers = race(server, refreshes * 4)
    issued: list[Tokens] = [read_tokens(answer) for answer in answers]
    assert len({tokens.refresh_token for tokens in issued}) == 5
    assert take_census(application) == Census(families=5, alive=5, refresh_tokens=10, current=5)


def close_window(application: Application) -> None:
    """The window of every superseded token has just passed."""
    move_window(application, seconds=settings.REFRESH_WINDOW)


def move_window(application: Application, *, seconds: int) -> None:
    """Let this much time pass for the tokens that are superseded."""
    RefreshToken.objects.filter(
        family__connection__client__client_id=application.client_id, superseded_at__isnull=False
    ).update(superseded_at=F("superseded_at") - timedelta(seconds=seconds))


def count_replays(application: Application) -> int:
    """How often theft was recorded for this client."""
    return ActivityEvent.objects.filter(
        client_id=application.client_id, event=Event.REFRESH_TOKEN_REPLAYED
    ).count()
