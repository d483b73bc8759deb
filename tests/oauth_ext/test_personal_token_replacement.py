"""Replacing a personal access token: the old one goes on for exactly as long as was chosen."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import Membership, Organization
from activity.origin import Origin
from oauth_ext.models import OrganizationPolicy, PersonalAccessToken
from oauth_ext.personal_token_replacement import AlreadyReplacedError, replace_personal_token
from tests.conftest import PASSWORD, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import page_refusal_of, photograph, refused_at_mcp
from tests.oauth_ext.test_personal_tokens import PAGE, fill_in, read_secret

pytestmark = pytest.mark.django_db

MINT = "/settings/ai-access/tokens"
HOUR, DAY = 3600, 86_400


@pytest.fixture
def alice(sign_in: Any, world: World) -> Browser:
    """Alice, who has just signed in."""
    browser: Browser = sign_in(world.alice)
    browser.defaults["HTTP_ACCEPT"] = "text/html"
    return browser


def url_of(secret: str) -> str:
    """Where this token is replaced."""
    return f"{MINT}/{PersonalAccessToken.objects.get(hint=secret[-4:]).id}/replace"


def answer(overlap: int = DAY, **changes: Any) -> dict[str, Any]:
    """The form as it is accepted."""
    return {"nonce": secrets.token_hex(16), "overlap": str(overlap)} | changes


def test_a_replacement_is_like_the_old_token_and_as_long_lived_as_that_was(
    alice: Browser, oauth: OAuthClient, world: World, log: Any
) -> None:
    fields = fill_in(world, scopes=["read", "draft"], tools=["whoami"], expires_in_days="30")
    old_secret = read_secret(alice.post(MINT, fields))
    page = alice.get(url_of(old_secret))
    assert page.status_code == 200 and "Replace the token" in page.content.decode()
    old = PersonalAccessToken.objects.get()
    with time_machine.travel(timezone.now() + timedelta(days=10), tick=False):
        browser = Browser(headers={"Accept": "text/html"})
        browser.post("/accounts/login", {"login": "alice@acme.example", "password": PASSWORD})
        shown = browser.post(url_of(old_secret), answer())
        assert shown.status_code == 200 and "no-store" in shown["Cache-Control"]
        secret = read_secret(shown)
        new = PersonalAccessToken.objects.get(replaces=old)
        assert new.expires_at - timezone.now() == timedelta(days=30)
        assert oauth.call(secret).status_code == oauth.call(old_secret).status_code == 200
    for name in ("user_id", "organization_id", "membership_id", "label", "scope", "allowed_tools"):
        assert getattr(new, name) == getattr(old, name), name
    row = log().get(event="oauth.personal_token.replaced")
    assert (row.user_id, row.organization_id) == (world.alice.id, world.acme.id)
    assert (row.details["id"], row.details["replaced_id"]) == (str(new.id), str(old.id))
    assert secret not in str(photograph())


@pytest.mark.parametrize(("overlap"), [0, HOUR, DAY, 7 * DAY])
def test_the_old_token_works_for_the_overlap_and_no_longer(
    alice: Browser, oauth: OAuthClient, mint: Any, world: World, overlap: int
) -> None:
    old_secret = mint(world.alice, world.acme)
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        secret = read_secret(alice.post(url_of(old_secret), answer(overlap)))
    if overlap:
        with time_machine.travel(now + timedelta(seconds=overlap - 1), tick=False):
            assert oauth.call(old_secret).status_code == 200
            listed = alice.get(PAGE).content.decode()
            if overlap < 12 * HOUR:
                assert "Replaced" in listed and "works until" in listed
    with time_machine.travel(now + timedelta(seconds=overlap), tick=False):
        reason = refused_at_mcp(oauth, old_secret, "Token is revoked or expired")
        assert reason == "personal_token_expired"
        assert oauth.call(secret).status_code == 200


def test_the_old_token_never_outlives_its_own_end(alice: Browser, mint: Any, world: World) -> None:
    secret = mint(world.alice, world.acme)
    ends = timezone.now() + timedelta(hours=3)
    PersonalAccessToken.objects.update(expires_at=ends)
    assert alice.post(url_of(secret), answer(7 * DAY)).status_code == 200
    assert PersonalAccessToken.objects.get(hint=secret[-4:], replaces=None).expires_at == ends


@pytest.mark.parametrize("overlap", ["", "-1", "3601", "31536000", "later"])
def test_only_the_offered_overlaps_are_taken(
    alice: Browser, mint: Any, world: World, overlap: str
) -> None:
    secret = mint(world.alice, world.acme)
    before = photograph()
    assert alice.post(url_of(secret), answer(overlap=overlap)).status_code == 422  # type: ignore[arg-type]
    assert photograph() == before


def test_a_token_is_replaced_once_and_a_form_makes_one(
    alice: Browser, mint: Any, world: World, log: Any
) -> None:
    secret = mint(world.alice, world.acme)
    url, fields = url_of(secret), answer()
    assert alice.post(url, fields).status_code == 200
    for again in (fields, answer()):
        assert alice.post(url, again)["Location"] == PAGE
    assert alice.get(url)["Location"] == PAGE
    assert PersonalAccessToken.objects.count() == 2
    assert log().filter(event="oauth.personal_token.replaced").count() == 1


def test_two_replacements_at_once_are_one(mint: Any, world: World, origin: Origin) -> None:
    mint(world.alice, world.acme)
    token = PersonalAccessToken.objects.get()
    # Both pages were opened before either was sent.
    sent = {
        "token_id": token.id,
        "user_id": world.alice.id,
        "overlap": timedelta(hours=1),
        "origin": origin,
    }
    replace_personal_token(**sent, nonce="first")
    with pytest.raises(AlreadyReplacedError):
        replace_personal_token(**sent, nonce="second")
    assert PersonalAccessToken.objects.count() == 2


def test_a_replaced_token_goes_from_the_page_when_it_stops_and_can_be_revoked_before(
    alice: Browser, oauth: OAuthClient, mint: Any, world: World
) -> None:
    secret = mint(world.alice, world.acme)
    token = PersonalAccessToken.objects.get()
    alice.post(url_of(secret), answer(DAY))
    listed = alice.get(PAGE).content.decode()
    assert f"mcp_at_…{token.hint}" in listed and "Replaced" in listed
    assert listed.count("/replace") == 1
    assert alice.post(f"{MINT}/{token.id}/revoke").status_code == 302
    assert oauth.call(secret).status_code == 401
    other = PersonalAccessToken.objects.get(replaces=token)
    PersonalAccessToken.objects.filter(pk=other.pk).update(replaces=None)
    assert alice.post(f"{MINT}/{other.id}/replace", answer(0)).status_code == 200
    assert f"mcp_at_…{other.hint}" not in alice.get(PAGE).content.decode()


@pytest.mark.case(253)
def test_replacing_needs_the_password_once_more_and_a_csrf_token(
    sign_in: Callable[..., Browser], mint: Any, world: World
) -> None:
    secret = mint(world.alice, world.acme)
    browser = sign_in(world.alice)
    session = browser.session
    del session["account_authentication_methods"]
    session.save()
    before = photograph()
    asked = browser.post(url_of(secret), answer())
    assert asked["Location"].startswith("/accounts/reauthenticate?")
    forged = Browser(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    forged.force_login(world.alice)
    page_refusal_of(forged.post(url_of(secret), answer()), "csrf", 403)
    assert photograph() == before


def test_somebody_else_s_token_cannot_be_replaced(
    sign_in: Callable[..., Browser], mint: Any, world: World
) -> None:
    url = url_of(mint(world.ben, world.acme))
    browser = sign_in(world.alice)
    browser.defaults["HTTP_ACCEPT"] = "text/html"
    before = photograph()
    for send in (browser.get, lambda path: browser.post(path, answer())):
        page_refusal_of(send(url), "not_found", 404)
    assert photograph() == before


@pytest.mark.parametrize(
    "end",
    [
        lambda world: PersonalAccessToken.objects.update(revoked_at=timezone.now()),
        lambda world: Membership.objects.filter(user=world.alice).delete(),
        lambda world: Organization.objects.filter(pk=world.acme.pk).update(is_active=False),
    ],
)
def test_what_has_ended_is_not_revived_by_replacing_it(
    alice: Browser, mint: Any, world: World, end: Callable[[World], Any]
) -> None:
    url = url_of(mint(world.alice, world.acme))
    end(world)
    page_refusal_of(alice.post(url, answer()), "not_found", 404)
    assert PersonalAccessToken.objects.count() == 1


@pytest.mark.case(274)
def test_a_replacement_has_no_scope_that_the_role_no_longer_allows(
    alice: Browser, mint: Any, world: World
) -> None:
    secret = mint(world.alice, world.acme, "read", "actions")
    actions = mint(world.alice, world.acme, "actions")
    Membership.objects.filter(user=world.alice, organization=world.acme).update(role="viewer")
    assert alice.post(url_of(secret), answer()).status_code == 200
    assert PersonalAccessToken.objects.get(replaces__hint=secret[-4:]).scope == "read"
    refused = alice.post(url_of(actions), answer())
    assert refused.status_code == 422
    assert "Your role in this organization" in refused.content.decode()
    assert PersonalAccessToken.objects.count() == 3


def test_a_replacement_lives_no_longer_than_the_organization_allows(
    alice: Browser, mint: Any, world: World
) -> None:
    secret = mint(world.alice, world.acme)
    OrganizationPolicy.objects.create(organization=world.acme, max_personal_token_days=5)
    alice.post(url_of(secret), answer())
    new = PersonalAccessToken.objects.get(replaces__isnull=False)
    assert new.expires_at - new.created_at == timedelta(days=5)


def test_replaced_tokens_leave_room_for_twenty_five(
    alice: Browser, mint: Any, world: World
) -> None:
    minted = [mint(world.alice, world.acme) for _ in range(24)]
    assert alice.post(url_of(minted[0]), answer()).status_code == 200
    minted.append(mint(world.alice, world.acme))
    assert alice.post(MINT, fill_in(world)).status_code == 422
    # Not without end, though: those that still work beside their replacements are counted too.
    living = PersonalAccessToken.objects.count()
    for secret in minted[1:]:
        living += alice.post(url_of(secret), answer(7 * DAY)).status_code == 200
    assert living == PersonalAccessToken.objects.count() == 49 + 1
    newest = PersonalAccessToken.objects.filter(replaces__isnull=False).first()
    assert newest is not None
    refused = alice.post(f"{MINT}/{newest.id}/replace", answer())
    assert refused.status_code == 422
    assert "You have 25 tokens already" in refused.content.decode()
