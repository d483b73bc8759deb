"""What an Allow grants: the scopes left ticked, and the connection they hang on."""

import re

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import Membership
from oauth_ext.models import Client, Connection, TokenFamily
from tests.conftest import World
from tests.oauth_client import OAuthClient, find_input, read_redirect
from tests.oauth_ext.conftest import page_refusal_of, photograph

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(oauth: OAuthClient, client_row: Client, world: World) -> OAuthClient:
    """A registered client, and Alice signed in."""
    oauth.client_id = client_row.client_id
    oauth.sign_in(world.alice)
    return oauth


@pytest.mark.case(113)
@pytest.mark.parametrize(
    ("asked", "ticked", "granted"),
    [
        ("read draft actions", ("read", "draft", "actions"), "read draft actions"),
        ("read draft actions", ("draft",), "read draft"),
        ("read draft actions", (), "read"),
        ("read draft actions", ("actions",), "read actions"),
        ("read", ("read", "draft", "actions"), "read"),
        ("draft actions", ("draft",), "draft"),
    ],
)
def test_only_what_was_asked_for_and_left_ticked_is_granted(
    ready: OAuthClient, world: World, asked: str, ticked: tuple[str, ...], granted: str
) -> None:
    page = ready.open_consent(scope=asked)
    code = read_redirect(ready.decide(page, world.acme, scopes=ticked))["code"]
    assert Connection.objects.get().scope == granted
    tokens = ready.exchange(code).json()
    assert tokens["scope"] == granted
    assert ready.refresh(tokens["refresh_token"]).json()["scope"] == granted
    wider = ready.refresh(tokens["refresh_token"], scope=asked)
    assert wider.json().get("scope", granted) == granted


def test_with_nothing_ticked_nothing_is_allowed(ready: OAuthClient, world: World) -> None:
    page = ready.open_consent(scope="draft")
    before = photograph()
    page_refusal_of(ready.decide(page, world.acme, scopes=()), "no_scope")
    assert photograph() == before


@pytest.mark.case(85, 96)
@pytest.mark.parametrize("token", ["", "x" * 64, None])
def test_without_its_csrf_token_nothing_is_allowed(
    ready: OAuthClient, world: World, token: str | None
) -> None:
    page = ready.open_consent()
    if token is None:
        other = OAuthClient(client_id=ready.client_id)
        other.sign_in(world.ben)
        token = find_input(other.open_consent(), "csrfmiddlewaretoken")
    before = photograph()
    for decision in ("allow", "deny"):
        answer = ready.decide(page, world.acme, decision=decision, csrfmiddlewaretoken=token)
        page_refusal_of(answer, "csrf", 403)
    assert photograph() == before


@pytest.mark.case(85)
def test_a_cross_site_post_of_the_request_allows_nothing(ready: OAuthClient, world: World) -> None:
    before = photograph()
    for browser in (ready.browser, Browser(enforce_csrf_checks=True)):
        answer = browser.post(
            ready.authorization_url(),
            {"decision": "allow", "organization": str(world.acme.id), "allow": "Authorize"},
            headers={"Origin": "https://evil.example", "Accept": "text/html"},
        )
        page_refusal_of(answer, "csrf", 403)
    assert photograph() == before


def test_posting_without_being_signed_in_leads_to_the_sign_in(
    ready: OAuthClient, world: World
) -> None:
    page = ready.open_consent()
    token = find_input(page, "csrfmiddlewaretoken")
    session = ready.browser.cookies.pop("sessionid")
    answer = ready.decide(page, world.acme, csrfmiddlewaretoken=token)
    assert answer["Location"].startswith("/accounts/login?")
    assert session.value and not Connection.objects.exists()


def test_connecting_again_keeps_the_connection_and_widens_it(
    ready: OAuthClient, world: World, log
) -> None:
    first = ready.exchange(ready.obtain_code(world.alice, world.acme)).json()
    ready.obtain_code(world.alice, world.acme, scope="draft")
    connection = Connection.objects.get()
    assert connection.scope == "read draft"
    # The first device keeps what it was given.
    refreshed = ready.refresh(first["refresh_token"]).json()
    assert refreshed["scope"] == "read"
    assert ready.call(refreshed["access_token"]).status_code == 200
    ready.obtain_code(world.alice, world.borealis)
    assert Connection.objects.count() == 2
    assert not log().filter(event="oauth.connection.revoked").exists()


def test_reconnecting_after_a_disconnect_is_a_new_connection(
    ready: OAuthClient, world: World
) -> None:
    old = ready.exchange(ready.obtain_code(world.alice, world.acme)).json()
    Connection.objects.update(revoked_at=timezone.now(), revoke_reason="disconnected_by_user")
    new = ready.exchange(ready.obtain_code(world.alice, world.acme)).json()
    assert Connection.objects.count() == 2
    assert ready.call(new["access_token"]).status_code == 200
    assert ready.call(old["access_token"]).status_code == 401
    assert ready.refresh(old["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.case(266)
def test_a_member_who_comes_back_gets_a_new_connection_and_the_old_one_stays_dead(
    ready: OAuthClient, world: World, log
) -> None:
    ready.sign_in(world.ben)
    old = ready.exchange(ready.obtain_code(world.ben, world.acme)).json()
    Membership.objects.filter(user=world.ben).delete()
    assert ready.call(old["access_token"]).status_code == 401
    Membership.objects.create(user=world.ben, organization=world.acme)
    assert ready.call(old["access_token"]).status_code == 401
    assert ready.refresh(old["refresh_token"]).json()["error"] == "invalid_grant"
    new = ready.exchange(ready.obtain_code(world.ben, world.acme)).json()
    assert ready.call(new["access_token"]).status_code == 200
    assert ready.call(old["access_token"]).status_code == 401
    assert ready.refresh(old["refresh_token"]).json()["error"] == "invalid_grant"
    assert Connection.objects.filter(revoked_at__isnull=True).count() == 1
    assert log().get(event="oauth.connection.revoked").reason == "superseded"
    assert TokenFamily.objects.filter(revoke_reason="superseded").count() == 1


def test_page_numbers_nothing_that_could_be_guessed(ready: OAuthClient) -> None:
    digests = {find_input(ready.open_consent(), "digest") for _ in range(5)}
    assert len(digests) == 5
    assert all(re.fullmatch(r"[\w:-]{60,}", digest) for digest in digests)
