"""One code, one page, one registration: many requests at once, one result (RFC 6749 §4.1.2)."""

from collections import Counter
from functools import partial
from uuid import uuid4

import pytest

from activity.events import Event
from activity.models import ActivityEvent
from oauth_ext.models import AuthorizationCode, Client, Connection
from tests.live.application import Application, prepare_registration, read_code, read_tokens
from tests.live.conftest import Resident
from tests.live.server import LiveServer
from tests.live.wire import Answer, Prepared, Wire
from tests.oauth_client import CALLBACK
from tests.races.crowd import race, stagger
from tests.races.survivors import assert_all_refused, collect, take_census

WRONG_VERIFIER = "x" * 43


@pytest.mark.case(158)
def test_fifty_exchanges_of_one_code_give_one_family(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    code = application.obtain_code(settled.browser, settled.acme)
    answers = race(server, [partial(application.exchange, code=code)] * 50)
    assert Counter(answer.status for answer in answers) == {200: 1, 400: 49}
    refusals = [answer.document["error"] for answer in answers if answer.status == 400]
    assert set(refusals) == {"invalid_grant"}
    census = take_census(application)
    assert (census.families, census.refresh_tokens, census.current) == (1, 1, 1)
    # The losers were the client's own repetitions: its tokens live.
    won = read_tokens(next(answer for answer in answers if answer.status == 200))
    with application.wire() as wire:
        assert application.call(wire, won.access_token).status == 200
        assert application.refresh(wire, won.refresh_token).status == 200


def test_of_fifty_exchanges_one_is_recorded_as_issued_and_each_refusal_can_be_found(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    code = application.obtain_code(settled.browser, settled.acme)
    answers = race(server, [partial(application.exchange, code=code)] * 50)
    issued = ActivityEvent.objects.filter(client_id=application.client_id, event=Event.TOKEN_ISSUED)
    assert issued.count() == 1
    # A row of its own, or the summary of this minute's refusals.
    references = {each.document["reference"] for each in answers if each.status == 400}
    found = ActivityEvent.objects.filter(reference__in=references)
    assert set(found.values_list("reference", flat=True)) == references


def test_a_stolen_code_that_is_replayed_during_a_refresh_leaves_nothing(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    for number in range(12):
        code = application.obtain_code(settled.browser, settled.acme)
        with application.wire() as wire:
            tokens = read_tokens(application.exchange(wire, code))
        refresh = partial(application.refresh, refresh_token=tokens.refresh_token)
        replay = partial(application.exchange, code=code, verifier=WRONG_VERIFIER)
        refreshed, replayed = race(server, stagger(refresh, replay, number))
        assert refreshed.status in (200, 400)
        assert replayed.status == 400
        assert_all_refused(application, [tokens, *collect(refreshed)])
    assert take_census(application).alive == 0


@pytest.mark.case(97)
def test_twenty_submits_of_one_consent_page_give_one_code(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    for _ in ("a first connection", "a connection that exists"):
        before = count_codes(application)
        answers = submit_consent(server, application, settled)
        # The same one for all: which answer a browser shows is the browser's affair.
        assert Counter(answer.status for answer in answers) == {303: 20}
        (code,) = {read_code(each.headers["location"]) for each in answers}
        assert code.startswith("mcp_ac_")
        assert count_codes(application) == before + 1
        with application.wire() as wire:
            assert application.exchange(wire, code).status == 200
    assert Connection.objects.filter(client__client_id=application.client_id).count() == 1


def test_two_pages_allowed_at_the_same_moment_both_connect(
    server: LiveServer, settled: Resident
) -> None:
    for _ in range(10):
        application = Application.register(server, f"Two windows {uuid4().hex[:8]}")
        pages = [prepare_allow(application, settled) for _ in range(2)]
        answers = race(server, [partial(Wire.post, prepared=page) for page in pages])
        assert [answer.status for answer in answers] == [303, 303]
        assert len({read_code(answer.headers["location"]) for answer in answers}) == 2
        connections = Connection.objects.filter(client__client_id=application.client_id)
        assert connections.count() == 1


def submit_consent(server: LiveServer, application: Application, settled: Resident) -> list[Answer]:
    """Press Allow on one page twenty times at once."""
    prepared = prepare_allow(application, settled)
    return race(server, [partial(Wire.post, prepared=prepared)] * 20)


def prepare_allow(application: Application, settled: Resident) -> Prepared:
    """A consent page of its own, about to be allowed."""
    url = application.build_authorization_url()
    page, form = settled.browser.fill_consent(url, settled.acme, ("read",))
    return settled.browser.prepare(page, form, "Allow")


def count_codes(application: Application) -> int:
    """How many codes this client ever got."""
    return AuthorizationCode.objects.filter(application__client_id=application.client_id).count()


def test_twenty_identical_registrations_make_one_client(server: LiveServer) -> None:
    name = f"Twins {uuid4().hex[:8]}"
    answers = race(server, [partial(Wire.post, prepared=prepare_registration(name))] * 20)
    assert {answer.status for answer in answers} == {201}
    client_id = Client.objects.get(name=name).client_id
    assert {answer.document["client_id"] for answer in answers} == {client_id}
    registered = ActivityEvent.objects.filter(client_id=client_id, event=Event.CLIENT_REGISTERED)
    assert registered.count() == 1
    assert answers[0].document["redirect_uris"] == [CALLBACK]
