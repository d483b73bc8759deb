"""A document that says something else than what people allowed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.http import HttpResponse
from django.utils import timezone

from activity.origin import Origin
from oauth_ext.models import Client, Connection, TokenFamily
from oauth_ext.operator_clients import add_client, edit_client
from tests.conftest import World
from tests.document_host import CALLBACK, URL, DocumentHost, Internet, answer, build_document
from tests.oauth_client import OAuthClient, read_redirect
from tests.oauth_ext.conftest import page_refusal_of, photograph, read_text, refusal_of

EVIL = "https://evil.example/callback"
RENAMED = {"client_name": "Bank assistant"}
WIDENED = {"redirect_uris": [CALLBACK, EVIL]}

pytestmark = [pytest.mark.django_db, pytest.mark.case(62)]


@pytest.fixture
def tokens(oauth: OAuthClient, world: World, internet: Internet) -> dict[str, str]:
    """Alice's tokens from when the document was as it was at first."""
    oauth.client_id = URL
    answered: dict[str, str] = oauth.exchange(oauth.obtain_code(world.alice, world.acme)).json()
    return answered


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
    assert (client.revision, client.changed_at) == (0, None)
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
    client, connection = Client.objects.get(), Connection.objects.get()
    before = {"client_name": "Test assistant", "redirect_uris": [CALLBACK]}
    after = {"client_name": "Bank assistant", "redirect_uris": [CALLBACK, EVIL]}
    assert (client.revision, connection.client_revision) == (1, 0)
    assert connection.allowed_client == before
    assert client.changed_at is not None
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
    page = republish()
    assert "By now it has changed back." in read_text(page)


def test_however_often_it_changes_the_notice_compares_with_what_was_allowed(
    tokens: dict[str, str], republish: Callable[..., HttpResponse]
) -> None:
    for number in range(12):
        page = republish(client_name=f"Bank {number % 2}", redirect_uris=[CALLBACK, EVIL])
    assert Client.objects.get().revision == 12
    assert "“Test assistant” then, and “Bank 1” now" in read_text(page)
    assert "Access can now also go to evil.example." in read_text(page)


def test_a_change_between_the_page_and_the_answer_is_shown_first(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
    document_host: DocumentHost,
) -> None:
    page = oauth.open_consent()
    republish(**WIDENED)
    before = photograph()
    page_refusal_of(oauth.decide(page, world.acme), "consent_changed")
    assert photograph() == before
    assert oauth.refresh(tokens["refresh_token"]).status_code == 400


def test_a_change_while_the_answer_is_stored_is_not_allowed_unseen(
    oauth: OAuthClient, world: World, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = oauth.open_consent()
    # As if another process had stored the change after this one had read the client.
    lock = Client.objects.select_for_update

    def change_first(*args: Any, **kwargs: Any) -> Any:
        Client.objects.update(revision=F("revision") + 1)
        return lock(*args, **kwargs)

    monkeypatch.setattr(Client.objects, "select_for_update", change_first)
    page_refusal_of(oauth.decide(page, world.acme), "consent_changed")


@pytest.mark.parametrize("apart", [timedelta(hours=1), timedelta(0), timedelta(hours=-1)])
def test_no_clock_decides_what_an_allow_was_about(
    oauth: OAuthClient,
    world: World,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
    apart: timedelta,
) -> None:
    republish(**RENAMED)
    Client.objects.update(changed_at=timezone.now() + apart)
    refused = oauth.refresh(tokens["refresh_token"])
    assert refusal_of(refused, "invalid_grant").reason == "client_changed"
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


def test_a_connection_of_which_nobody_kept_what_was_allowed_is_asked_again_all_the_same(
    oauth: OAuthClient,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
) -> None:
    Connection.objects.update(allowed_client=None)
    assert oauth.refresh(tokens["refresh_token"]).status_code == 200
    page = republish(**RENAMED)
    assert "changed since" in read_text(page)
    assert "called itself" not in read_text(page)
    assert "changed back" not in read_text(page)
    second = oauth.refresh(tokens["refresh_token"])
    assert refusal_of(second, "invalid_grant").reason == "client_changed"


@pytest.mark.parametrize(
    ("name", "redirect_uris", "status"),
    [
        ("Bank assistant", [CALLBACK], 400),
        ("Test client", [CALLBACK, EVIL], 400),
        ("Test client", [CALLBACK], 200),
    ],
)
def test_an_operator_s_edit_asks_again_as_a_document_s_change_does(
    oauth: OAuthClient,
    world: World,
    origin: Origin,
    log: Any,
    name: str,
    redirect_uris: list[str],
    status: int,
) -> None:
    client = Client(name="Test client", redirect_uris=f"{CALLBACK} http://127.0.0.1/cb")
    client.client_type = Client.CLIENT_PUBLIC
    add_client(client, by_user_id=world.cleo.pk, origin=origin)
    oauth.client_id = client.client_id
    tokens = oauth.exchange(oauth.obtain_code(world.alice, world.acme)).json()
    client.name, client.redirect_uris = name, " ".join(redirect_uris)
    edit_client(client, by_user_id=world.cleo.pk, origin=origin)
    assert oauth.refresh(tokens["refresh_token"]).status_code == status
    row = log().get(event="oauth.client.edited")
    assert row.user_id == world.cleo.pk
    assert row.details["asks_again"] is (status == 400)
    assert Client.objects.get().revision == (1 if status == 400 else 0)
    if status == 400:
        page = oauth.open_consent()
        assert "It has changed since you allowed it" in read_text(page)
        oauth.decide(page, world.acme)
        assert oauth.refresh(tokens["refresh_token"]).status_code == 200


def test_what_had_effects_before_is_not_ticked_for_a_changed_client(
    oauth: OAuthClient,
    tokens: dict[str, str],
    republish: Callable[..., HttpResponse],
) -> None:
    Connection.objects.update(scope="read actions")

    def is_ticked() -> bool:
        scopes = oauth.open_consent(scope="read actions").context["scopes"]
        return bool({each["name"]: each["checked"] for each in scopes}["actions"])

    assert is_ticked()
    republish(**RENAMED)
    assert not is_ticked()
