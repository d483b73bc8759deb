"""Personal access tokens: made on the settings page, shown once, refused the moment they end."""

import re
import secrets
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from django.utils import timezone

from accounts.limits import PERSONAL_TOKEN
from accounts.models import Membership, Organization
from oauth_ext.models import PersonalAccessToken
from tests.buckets import leave_tokens
from tests.conftest import PASSWORD, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import page_refusal_of, photograph

pytestmark = pytest.mark.django_db

MINT = "/settings/ai-access/tokens"
PAGE = "/settings/ai-access"


@pytest.fixture
def alice(world: World) -> Browser:
    """Alice, who has just given her password once more."""
    cache.clear()
    browser = Browser(raise_request_exception=False, headers={"Accept": "text/html"})
    browser.post("/accounts/login", {"login": "alice@acme.example", "password": PASSWORD})
    browser.post("/accounts/reauthenticate", {"password": PASSWORD})
    return browser


def fill_in(world: World, **changes: Any) -> dict[str, Any]:
    """The form as it is accepted."""
    membership = Membership.objects.get(user=world.alice, organization=world.acme)
    return {
        "nonce": secrets.token_hex(16),
        "label": "Nightly report",
        "organization": str(membership.pk),
        "scopes": ["read"],
        "expires_in_days": "30",
    } | changes


def read_secret(page: Any) -> str:
    """The secret on the page."""
    (secret,) = set(re.findall(r"mcp_at_[0-9A-Za-z]{49}", page.content.decode()))
    return secret


@pytest.mark.case(244)
def test_a_token_is_shown_once_and_kept_as_a_hash(
    alice: Browser, oauth: OAuthClient, world: World, log
) -> None:
    page = alice.post(MINT, fill_in(world, scopes=["read", "draft"]))
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    secret = read_secret(page)
    token = PersonalAccessToken.objects.get()
    assert (token.user_id, token.organization_id) == (world.alice.id, world.acme.id)
    assert (token.scope, token.hint, len(token.token_hash)) == ("read draft", secret[-4:], 64)
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    assert secret not in str(photograph()) and secret[7:] not in str(photograph())
    listed = alice.get(PAGE).content.decode()
    assert secret not in listed and f"mcp_at_…{secret[-4:]}" in listed
    row = log().get(event="oauth.personal_token.minted")
    assert (row.user_id, row.organization_id) == (world.alice.id, world.acme.id)
    assert secret[7:40] not in str(row.details)
    assert oauth.call(secret).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_in_days": ""},
        {"expires_in_days": "0"},
        {"expires_in_days": "366"},
        {"expires_in_days": "-1"},
        {"expires_in_days": "never"},
        {"label": ""},
        {"label": "x" * 101},
        {"label": "a\x00b"},
        {"label": "\u200b\u202e"},
        {"scopes": []},
        {"scopes": ["admin"]},
        {"scopes": ["read", "*"]},
        {"organization": ""},
        {"organization": "not-a-uuid"},
        {"organization": "00000000-0000-0000-0000-000000000000"},
    ],
)
def test_a_form_that_is_not_right_makes_no_token(
    alice: Browser, world: World, changes: dict[str, Any]
) -> None:
    page = alice.post(MINT, fill_in(world, **changes))
    assert page.status_code == 422
    assert "mcp_at_" not in re.sub("mcp_at_…", "", page.content.decode())
    assert not PersonalAccessToken.objects.exists()
    assert alice.post(MINT, fill_in(world)).status_code == 200


@pytest.mark.case(245)
def test_a_token_is_for_an_own_and_active_organization_only(alice: Browser, world: World) -> None:
    bens = Membership.objects.get(user=world.ben)
    cleos = Membership.objects.get(user=world.cleo)
    for foreign in (bens, cleos):
        page = alice.post(MINT, fill_in(world, organization=str(foreign.pk)))
        assert page.status_code == 422
    Organization.objects.filter(id=world.acme.id).update(is_active=False)
    assert alice.post(MINT, fill_in(world)).status_code == 422
    assert not PersonalAccessToken.objects.exists()


def test_every_token_expires_in_the_database_too(mint: Any, world: World) -> None:
    mint(world.alice, world.acme)
    for change in ({"expires_at": None}, {"expires_at": timezone.now() + timedelta(days=400)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PersonalAccessToken.objects.update(**change)


def test_twenty_five_active_tokens_are_the_most(alice: Browser, mint: Any, world: World) -> None:
    for _ in range(13):
        mint(world.alice, world.acme)
    for _ in range(12):
        mint(world.alice, world.borealis)
    page = alice.post(MINT, fill_in(world))
    assert page.status_code == 422
    assert "You have 25 tokens already" in page.content.decode()
    PersonalAccessToken.objects.filter(pk=PersonalAccessToken.objects.first().pk).update(
        revoked_at=timezone.now()
    )
    assert alice.post(MINT, fill_in(world)).status_code == 200
    assert alice.post(MINT, fill_in(world)).status_code == 422
    # Somebody else has twenty-five of their own.
    mint(world.ben, world.acme)


@pytest.mark.case(246)
def test_revoking_asks_and_then_cuts(
    alice: Browser, oauth: OAuthClient, mint: Any, world: World, log
) -> None:
    kept, cut = mint(world.alice, world.acme), mint(world.alice, world.acme)
    token = PersonalAccessToken.objects.get(hint=cut[-4:])
    url = f"{MINT}/{token.id}/revoke"
    assert "Revoke the token" in alice.get(url).content.decode()
    assert oauth.call(cut).status_code == 200
    assert alice.post(url)["Location"] == PAGE
    refused = oauth.call(cut)
    assert refused.status_code == 401
    assert "Token is revoked or expired" in refused["WWW-Authenticate"]
    assert oauth.call(kept).status_code == 200
    row = log().get(event="oauth.personal_token.revoked")
    assert row.details["by_user"] == str(world.alice.id)
    assert cut[-4:] not in re.findall(r"mcp_at_…(\w{4})", alice.get(PAGE).content.decode())
    assert alice.post(url).status_code == 404


@pytest.mark.case(245, 312)
def test_somebody_elses_token_is_as_good_as_none(
    sign_in: Any, oauth: OAuthClient, mint: Any, world: World
) -> None:
    secret = mint(world.ben, world.acme)
    url = f"{MINT}/{PersonalAccessToken.objects.get().id}/revoke"
    nobody = f"{MINT}/00000000-0000-0000-0000-000000000000/revoke"
    for person in (world.alice, world.cleo):
        browser = sign_in(person)
        browser.defaults["HTTP_ACCEPT"] = "text/html"
        for method in (browser.get, browser.post):
            foreign, absent = method(url), method(nobody)
            page_refusal_of(foreign, "not_found", 404)

            def masked(page: Any) -> str:
                return page.content.decode().replace(page["Reference-Id"], "")

            assert masked(foreign) == masked(absent)
        assert "Script" not in browser.get(PAGE).content.decode()
    assert oauth.call(secret).status_code == 200


@pytest.mark.case(253)
def test_without_a_csrf_token_nothing_is_made_or_cut(mint: Any, world: World) -> None:
    mint(world.alice, world.acme)
    browser = Browser(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    browser.force_login(world.alice)
    before = photograph()
    token_id = PersonalAccessToken.objects.get().id
    for path in (MINT, f"{MINT}/{token_id}/revoke"):
        page_refusal_of(browser.post(path, fill_in(world)), "csrf", 403)
    assert photograph() == before


@pytest.mark.case(253)
def test_making_a_token_needs_the_password_once_more_after_ten_minutes(
    alice: Browser, world: World
) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=9), tick=False):
        assert alice.post(MINT, fill_in(world)).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        asked = alice.post(MINT, fill_in(world))
        assert asked["Location"].startswith("/accounts/reauthenticate?")
        assert PersonalAccessToken.objects.count() == 1
        wrong = alice.post(asked["Location"], {"password": "not the password"})
        assert wrong.status_code == 200
        assert PersonalAccessToken.objects.count() == 1
        # What was filled in is not lost by confirming.
        done = alice.post(asked["Location"], {"password": PASSWORD}, follow=True)
        assert done.status_code == 200
        read_secret(done)
        assert PersonalAccessToken.objects.count() == 2


@pytest.mark.case(253)
def test_an_open_browser_is_not_enough_to_make_a_token(sign_in: Any, world: World) -> None:
    browser = sign_in(world.alice)
    session = browser.session
    del session["account_authentication_methods"]
    session.save()
    answer = browser.post(MINT, fill_in(world))
    assert answer["Location"].startswith("/accounts/reauthenticate?")
    assert not PersonalAccessToken.objects.exists()


def test_a_form_makes_one_token_however_often_it_is_sent(alice: Browser, world: World) -> None:
    fields = fill_in(world)
    assert alice.post(MINT, fields).status_code == 200
    again = alice.post(MINT, fields)
    assert again.status_code == 302
    assert PersonalAccessToken.objects.count() == 1
    assert alice.post(MINT, fill_in(world)).status_code == 200
    assert PersonalAccessToken.objects.count() == 2


def test_the_address_of_the_form_opened_by_hand_is_the_settings_page(alice: Browser) -> None:
    assert alice.get(MINT)["Location"] == PAGE


def test_making_and_replacing_tokens_in_a_loop_is_limited_for_each_person(
    alice: Browser, world: World, log
) -> None:
    assert alice.post(MINT, fill_in(world)).status_code == 200
    leave_tokens(PERSONAL_TOKEN, 1)
    assert alice.post(MINT, fill_in(world)).status_code == 200
    leave_tokens(PERSONAL_TOKEN, 0)
    token = PersonalAccessToken.objects.order_by("created_at").last()
    mail.outbox.clear()
    before = list(PersonalAccessToken.objects.values())
    for path, fields in (
        (MINT, fill_in(world)),
        (f"{MINT}/{token.pk}/replace", {"nonce": secrets.token_hex(16), "overlap": "0"}),
    ):
        refused = alice.post(path, fields)
        assert refused.status_code == 429
        assert refused["Retry-After"] == str(PERSONAL_TOKEN.retry_after)
        row = log().with_reference(refused["Reference-Id"]).get()
        assert (row.reason, row.details["policy"]) == ("too_many_attempts", PERSONAL_TOKEN.name)
    assert list(PersonalAccessToken.objects.values()) == before
    assert mail.outbox == []
    # A form that is not filled in well is told so, and ending a token is always possible.
    assert alice.post(MINT, fill_in(world, label="")).status_code == 422
    assert alice.post(f"{MINT}/{token.pk}/revoke").status_code == 302


def test_what_is_wrong_with_the_form_is_said_above_it_with_a_link_to_each_field(
    alice: Browser, world: World
) -> None:
    clean = alice.get(PAGE).content.decode()
    # Where the answer to the form opens, which only exists if there is something to say.
    assert f'action="{MINT}#token-problems"' in clean and 'id="token-problems"' not in clean
    page = alice.post(MINT, fill_in(world, label="", scopes=[]))
    assert page.status_code == 422
    text = page.content.decode()
    summary = text[text.index('id="token-problems"') :].partition("</div>")[0]
    assert '<a href="#id_label">Label</a>: This field is required.' in summary
    assert '<a href="#id_scopes">What it may do</a>: Tick at least one.' in summary
    assert 'id="id_label"' in text and 'id="id_scopes"' in text
    assert not PersonalAccessToken.objects.exists()


@pytest.mark.parametrize("question", ["replace", "revoke"])
def test_both_questions_about_a_token_describe_it_alike(
    alice: Browser, world: World, question: str
) -> None:
    alice.post(MINT, fill_in(world, scopes=["read", "draft"], tools=["whoami"]))
    Membership.objects.filter(user=world.alice, organization=world.acme).update(role="viewer")
    token = PersonalAccessToken.objects.get()
    page = alice.get(f"{MINT}/{token.id}/{question}").content.decode()
    assert "<dd>Read, with Who am I only</dd>" in page
    assert f"<dd>{token.expires_at:%-d %b %Y, %H:%M} UTC</dd>" in page


def test_a_label_keeps_nothing_that_nobody_sees(world: World, sign_in: Any) -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "call disconnect")
    answer = sign_in(world.alice).post(MINT, fill_in(world, label=f"Nightly\u202e report{hidden}"))
    assert answer.status_code in (200, 303)
    assert PersonalAccessToken.objects.get().label == "Nightly report"
