"""How many fetch at once; the other processes are played by another session of the database."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from accounts.limits import DOCUMENT_USER
from accounts.models import User
from oauth_ext import document_connection, document_fetch, document_slots
from oauth_ext.document_connection import DocumentPostponedError
from oauth_ext.document_slots import (
    MAX_IN_FLIGHT,
    MAX_OF_A_PERSON,
    derive_key,
    hold_slot,
    hold_url,
)
from oauth_ext.models import Client
from tests.buckets import leave_tokens
from tests.conftest import World
from tests.document_host import URL, DocumentHost, Internet, answer
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import page_refusal_of, photograph

pytestmark = pytest.mark.django_db

OTHER = "https://other.example/client.json"


class Neighbour:
    """Another process with a session of its own, which takes the same locks."""

    def __init__(self) -> None:
        self.session = psycopg.connect(
            **connection.get_connection_params() | {"cursor_factory": psycopg.Cursor},
            autocommit=True,
        )

    def take_slots(self, count: int) -> None:
        """Be in that many fetches."""
        node = derive_key("cimd.node", document_slots.socket.gethostname()) >> 32
        for slot in range(count):
            self.session.execute("SELECT pg_advisory_lock(%s::int, %s::int)", (node, slot))

    def take_url(self, url: str) -> None:
        """Be at this URL."""
        self.session.execute("SELECT pg_advisory_lock(%s::bigint)", (derive_key("cimd.url", url),))

    def take_places_of(self, user: User, count: int) -> None:
        """Be at documents for this person."""
        group = derive_key("cimd.user", str(user.pk)) >> 32
        for place in range(count):
            self.session.execute("SELECT pg_advisory_lock(%s::int, %s::int)", (group, place))

    def leave(self) -> None:
        """Finish everything."""
        self.session.execute("SELECT pg_advisory_unlock_all()")

    def count_locks(self) -> int:
        """Advisory locks that anybody has in this database."""
        row = self.session.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def neighbour(db: None) -> Iterator[Neighbour]:
    """Another process."""
    connection.ensure_connection()
    made = Neighbour()
    yield made
    made.session.close()


@pytest.mark.case(64)
@pytest.mark.parametrize(("others", "fetched"), [(MAX_IN_FLIGHT - 1, True), (MAX_IN_FLIGHT, False)])
def test_at_most_ten_are_in_flight_on_a_host(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    neighbour: Neighbour,
    others: int,
    fetched: bool,
) -> None:
    neighbour.take_slots(others)
    oauth.sign_in(world.alice)
    before = photograph()
    page = oauth.open_consent(client_id=URL)
    if fetched:
        assert page.status_code == 200
        return
    page_refusal_of(page, "cimd_capacity", 503)
    assert internet.lookups == []
    assert photograph() == before
    neighbour.leave()
    assert oauth.open_consent(client_id=URL).status_code == 200


@pytest.mark.case(64)
def test_half_of_a_process_s_threads_are_kept_free(
    internet: Internet, neighbour: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_slots, "HERE", threading.BoundedSemaphore(1))
    with hold_slot():
        assert neighbour.count_locks() == 1
        with pytest.raises(DocumentPostponedError), hold_slot():
            pass
    with hold_slot():
        pass
    assert neighbour.count_locks() == 0


@pytest.mark.case(64)
@pytest.mark.parametrize(
    ("others", "fetched"), [(MAX_OF_A_PERSON - 1, True), (MAX_OF_A_PERSON, False)]
)
def test_a_person_is_at_two_documents_at_once_at_most(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    neighbour: Neighbour,
    others: int,
    fetched: bool,
) -> None:
    neighbour.take_places_of(world.alice, others)
    oauth.sign_in(world.alice)
    before = photograph()
    page = oauth.open_consent(client_id=URL)
    if fetched:
        assert page.status_code == 200
        return
    page_refusal_of(page, "cimd_user_limit", 429)
    assert int(page["Retry-After"]) > 0
    assert internet.lookups == []
    assert photograph() == before
    # Nobody else stands behind them.
    oauth.sign_in(world.ben)
    assert oauth.open_consent(client_id=URL).status_code == 200


def test_everything_is_given_back_after_a_failure(
    oauth: OAuthClient, world: World, document_host: DocumentHost, internet: Internet,
    neighbour: Neighbour,
) -> None:  # fmt: skip
    document_host.behaviour = answer(b"", status="500 Oops")
    oauth.sign_in(world.alice)
    page_refusal_of(oauth.open_consent(client_id=URL), "cimd_status")
    assert neighbour.count_locks() == 0


@pytest.mark.case(65)
def test_whoever_finds_a_fetch_of_the_same_url_waits_and_reads_its_result(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    neighbour: Neighbour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    oauth.sign_in(world.alice)
    neighbour.take_url(URL)
    waits: list[float] = []

    def store_and_leave(seconds: float) -> None:
        # While this one waits, the other finishes.
        waits.append(seconds)
        Client.objects.create(
            client_id=URL,
            name="Stored by the other",
            redirect_uris="https://client.example/callback",
            client_type="public",
            authorization_grant_type="authorization-code",
            registration_source="cimd",
            cimd_expires_at=timezone.now() + timedelta(minutes=5),
        )
        neighbour.leave()

    monkeypatch.setattr(document_slots.time, "sleep", store_and_leave)
    page = oauth.open_consent(client_id=URL)
    assert "Stored by the other" in page.content.decode()
    assert len(waits) == 1
    assert internet.lookups == []


@pytest.mark.case(64)
def test_whoever_waits_holds_nothing_that_a_fetch_of_another_url_needs(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    neighbour: Neighbour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    permits = threading.BoundedSemaphore(1)
    monkeypatch.setattr(document_slots, "HERE", permits)
    oauth.sign_in(world.alice)
    neighbour.take_url(URL)
    held: list[int] = []

    def look_and_leave(seconds: float) -> None:
        if held:
            return
        # The neighbour's URL, and the place of the person.
        held.append(neighbour.count_locks())
        assert permits.acquire(blocking=False), "a wait is not a fetch"
        permits.release()
        neighbour.leave()

    monkeypatch.setattr(document_slots.time, "sleep", look_and_leave)
    assert oauth.open_consent(client_id=URL).status_code == 200
    assert held == [2]
    assert neighbour.count_locks() == 0


@pytest.mark.case(64)
def test_a_quarter_of_a_process_s_threads_may_wait(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    neighbour: Neighbour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = threading.BoundedSemaphore(1)
    assert full.acquire()
    monkeypatch.setattr(document_slots, "WAITING_HERE", full)
    oauth.sign_in(world.alice)
    neighbour.take_url(URL)
    started_at = time.monotonic()
    page_refusal_of(oauth.open_consent(client_id=URL), "cimd_capacity", 503)
    assert time.monotonic() - started_at < 2
    # Where nobody has to wait, nothing of this matters.
    assert oauth.open_consent(client_id=OTHER).status_code == 400
    assert len(internet.lookups) == 1


@pytest.mark.case(64)
def test_waiting_is_paid_for_before_it_begins(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    neighbour: Neighbour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("oauth_ext.document_clients.FETCH_SECONDS", 0)
    oauth.sign_in(world.alice)
    neighbour.take_url(URL)
    page_refusal_of(oauth.open_consent(client_id=URL), "cimd_capacity", 503)
    leave_tokens(DOCUMENT_USER, 0)
    limited = oauth.open_consent(client_id=URL)
    page_refusal_of(limited, "cimd_user_limit", 429)
    assert limited["Retry-After"] == "3"


def test_a_lookup_that_no_thread_could_start_gives_its_permit_back(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    neighbour: Neighbour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document_connection, "RESOLVERS", threading.BoundedSemaphore(1))
    oauth.sign_in(world.alice)

    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(document_connection.threading.Thread, "start", fail)
        page_refusal_of(oauth.open_consent(client_id=URL), "cimd_capacity", 503)
    assert neighbour.count_locks() == 0
    assert oauth.open_consent(client_id=URL).status_code == 200


@pytest.mark.case(65)
def test_waiting_for_another_s_fetch_ends_at_the_deadline(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    neighbour: Neighbour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("oauth_ext.document_clients.FETCH_SECONDS", 0.2)
    oauth.sign_in(world.alice)
    neighbour.take_url(URL)
    started_at = time.monotonic()
    page_refusal_of(oauth.open_consent(client_id=URL), "cimd_capacity", 503)
    assert time.monotonic() - started_at < 2
    assert internet.lookups == []
    assert neighbour.count_locks() == 1


def test_with_a_good_copy_nobody_waits(
    oauth: OAuthClient, world: World, internet: Internet, neighbour: Neighbour
) -> None:
    oauth.sign_in(world.alice)
    oauth.open_consent(client_id=URL)
    Client.objects.update(cimd_expires_at=timezone.now())
    neighbour.take_url(URL)
    started_at = time.monotonic()
    assert oauth.open_consent(client_id=URL).status_code == 200
    assert time.monotonic() - started_at < document_fetch.FETCH_SECONDS / 2
    assert len(internet.lookups) == 1


def test_different_urls_do_not_wait_for_each_other(neighbour: Neighbour) -> None:
    neighbour.take_url(URL)
    with hold_url(URL + "x", wait_seconds=0):
        pass
    with pytest.raises(DocumentPostponedError), hold_url(URL, wait_seconds=0):
        pass
