"""A document that says something else than what people allowed."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import TokenBucket
from oauth_ext.models import Client, Connection, TokenFamily
from tests.conftest import World
from tests.document_host import CALLBACK, URL, DocumentHost, Internet, answer, build_document
from tests.oauth_client import OAuthClient, read_redirect
from tests.oauth_ext.conftest import page_refusal_of, photograph, refusal_of

EVIL = "https://evil.example/callback"
RENAMED = {"client_name": "Bank assistant"}
WIDENED = {"redirect_uris": [CALLBACK, EVIL]}

pytestmark = [pytest.mark.django_db, pytest.mark.case(62)]


@pytest.fixture
def republish(
    oauth: OAuthClient, document_host: DocumentHost, internet: Internet
) -> Callable[..., HttpResponse]:
    """The document changes, its copy's time is over, and the person in the browser comes by."""

    def republish(**changes: Any) -> HttpResponse:
        document_host.behaviour = answer(build_document(**changes))
        Client.objects.update(cimd_expires_at=timezone.now() - timedelta(seconds=1))
        TokenBucket.objects.all().delete()
        return oauth.open_consent(client_id=URL)

    return republish


@pytest.fixture
def tokens(oauth: OAuthClient, world: World, internet: Internet) -> dict[str, str]:
    """Alice's tokens from when the document was as it was at first."""
    oauth.client_id = URL
    answered: dict[str, str] = oauth.exchange(oauth.obtain_code(world.alice, world.acme)).json()
    return answered


def read_text(page: HttpResponse) -> str:
    """What a person reads, on one line."""
    body = page.content.decode().partition("<body")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", body)).split())


@pytest.mark.parametrize("change", [RENAMED, WIDENED], ids=["name", "redirect URI"])
def test_nothing_new_is_issued_until_the_person_has_allowed_the_change(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
    change: dict[str, Any],
) -> None:
    page = republish(**change)
    before = photograph()
    row = refusal_of(oauth.refresh(tokens["refresh_token"]), "invalid_grant")
    assert (row.event, row.reason) == ("oauth.token.refused", "client_changed")
    assert photograph() == before
    # What was issued before lives to its own end.
    assert oauth.call(tokens["access_token"]).status_code == 200

    answered = oauth.decide(page, world.acme)
    assert oauth.exchange(read_redirect(answered)["code"]).status_code == 200
    assert oauth.refresh(tokens["refresh_token"]).status_code == 200
    assert Connection.objects.count() == 1
    assert TokenFamily.objects.filter(revoked_at__isnull=True).count() == 2


def test_a_code_from_before_the_change_is_worth_nothing(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
) -> None:
    code = oauth.obtain_code(world.alice, world.acme)
    republish(**RENAMED)
    before = photograph()
    assert refusal_of(oauth.exchange(code), "invalid_grant").reason == "client_changed"
    assert photograph() == before


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uris": [CALLBACK]},
        {"redirect_uris": ["http://localhost/callback", CALLBACK]},
        {"client_uri": "https://client.example", "software_version": "2"},
    ],
    ids=["taken away", "another order", "something nobody relies on"],
)
def test_a_change_that_adds_nothing_asks_nobody(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    document_host: DocumentHost,
    republish: Callable[..., HttpResponse],
    log: Any,
    change: dict[str, Any],
) -> None:
    both = [CALLBACK, "http://localhost/callback"]
    document_host.behaviour = answer(build_document(redirect_uris=both))
    oauth.client_id = URL
    tokens = oauth.exchange(oauth.obtain_code(world.alice, world.acme)).json()
    page = republish(**{"redirect_uris": both} | change)
    assert "changed since" not in read_text(page)
    client = Client.objects.get()
    assert (client.changed_at, client.last_change) == (None, None)
    assert oauth.refresh(tokens["refresh_token"]).status_code == 200
    rows = list(log().filter(event="oauth.client.changed"))
    if change.get("redirect_uris") != [CALLBACK]:
        assert rows == []
        return
    assert [row.details["asks_again"] for row in rows] == [False]
    assert rows[0].details["from"]["redirect_uris"] == both
    assert rows[0].details["to"]["redirect_uris"] == [CALLBACK]


def test_the_change_is_kept_and_recorded_with_both_sides(
    tokens: dict[str, str], republish: Callable[..., HttpResponse], log: Any
) -> None:
    republish(**RENAMED, **WIDENED)
    client = Client.objects.get()
    before = {"client_name": "Test assistant", "redirect_uris": [CALLBACK]}
    after = {"client_name": "Bank assistant", "redirect_uris": [CALLBACK, EVIL]}
    assert client.last_change is not None
    assert (client.last_change["from"], client.last_change["to"]) == (before, after)
    assert client.changed_at == client.document_fetched_at
    row = log().get(event="oauth.client.changed")
    assert (row.client_id, row.reason) == (URL, "cimd_changed")
    assert row.details == {"from": before, "to": after, "asks_again": True}


def test_the_pages_say_what_changed_and_the_notice_goes_with_the_answer(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
) -> None:
    local = "http://127.0.0.1/callback"
    page = republish(client_name="<b>Bank</b>", redirect_uris=[CALLBACK, EVIL, local])
    assert "<b>Bank" not in page.content.decode()
    said = (
        "It called itself “Test assistant” then, and “<b>Bank</b>” now. "
        "Access can now also go to evil.example and this computer."
    )
    assert "It has changed since you allowed it" in read_text(page)
    assert said in read_text(page)
    settings_page = oauth.browser.get("/settings/ai-access")
    assert said in read_text(settings_page)
    assert "Described at app.client.example" in read_text(settings_page)

    oauth.decide(page, world.acme)
    assert "changed since" not in read_text(oauth.browser.get("/settings/ai-access"))
    assert "changed since" not in read_text(oauth.open_consent())


def test_somebody_who_never_allowed_it_reads_of_no_change(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
) -> None:
    republish(**RENAMED)
    oauth.sign_in(world.ben)
    page = oauth.open_consent()
    assert "Bank assistant" in read_text(page)
    assert "changed since" not in read_text(page)


def test_whoever_missed_two_changes_is_told_of_both(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
) -> None:
    republish(**RENAMED)
    page = republish(client_name="Third", redirect_uris=[CALLBACK, EVIL])
    assert "“Test assistant” then, and “Third” now" in read_text(page)
    assert "evil.example" in read_text(page)
    # Changed back, the name is no news; where answers may go still is.
    page = republish(redirect_uris=[CALLBACK, EVIL])
    assert "called itself" not in read_text(page)
    assert "evil.example" in read_text(page)


def test_a_change_between_the_page_and_the_answer_is_shown_first(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
    document_host: DocumentHost,
) -> None:
    page = oauth.open_consent()
    consented_at = Connection.objects.get().consented_at
    republish(**WIDENED)
    page_refusal_of(oauth.decide(page, world.acme), "consent_changed")
    assert Connection.objects.get().consented_at == consented_at
    assert oauth.refresh(tokens["refresh_token"]).status_code == 400


def test_a_change_while_the_answer_is_stored_is_not_allowed_unseen(
    oauth: OAuthClient, world: World, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = oauth.open_consent()
    # As if another process had stored the change after this one had read the client.
    lock = Client.objects.select_for_update

    def change_first(*args: Any, **kwargs: Any) -> Any:
        Client.objects.update(changed_at=timezone.now())
        return lock(*args, **kwargs)

    monkeypatch.setattr(Client.objects, "select_for_update", change_first)
    page_refusal_of(oauth.decide(page, world.acme), "consent_changed")


@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(0)])
def test_an_allow_counts_even_if_the_change_was_seen_by_a_faster_clock(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
    ahead: timedelta,
) -> None:
    republish(**RENAMED)
    Client.objects.update(changed_at=timezone.now() + ahead)
    answered = oauth.decide(oauth.open_consent(), world.acme)
    assert oauth.exchange(read_redirect(answered)["code"]).status_code == 200
    assert oauth.refresh(tokens["refresh_token"]).status_code == 200


def test_each_person_answers_for_themselves(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
) -> None:
    bens = oauth.exchange(oauth.obtain_code(world.ben, world.acme)).json()
    page = republish(**RENAMED)
    oauth.decide(page, world.acme)
    assert oauth.refresh(bens["refresh_token"]).status_code == 200
    row = refusal_of(oauth.refresh(tokens["refresh_token"]), "invalid_grant")
    assert (row.reason, row.client_id) == ("client_changed", URL)


def test_a_family_that_was_refused_is_not_taken_for_stolen(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
    mailoutbox: list[Any],
) -> None:
    page = republish(**RENAMED)
    for _ in range(3):
        assert oauth.refresh(tokens["refresh_token"]).status_code == 400
    assert mailoutbox == []
    oauth.decide(page, world.acme)
    assert oauth.refresh(tokens["refresh_token"]).status_code == 200


def test_a_connection_that_was_made_before_answers_were_dated_counts_from_its_start(
    oauth: OAuthClient,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
) -> None:
    Connection.objects.update(consented_at=None)
    assert oauth.refresh(tokens["refresh_token"]).status_code == 200
    page = republish(**RENAMED)
    assert "changed since" in read_text(page)
    second = oauth.refresh(tokens["refresh_token"])
    assert refusal_of(second, "invalid_grant").reason == "client_changed"
