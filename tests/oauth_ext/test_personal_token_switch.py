"""Personal access tokens switched off: none is made, none works, and everything else does."""

import secrets
from typing import Any

import pytest

from oauth_ext.models import PersonalAccessToken
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import page_refusal_of, photograph, refused_at_mcp
from tests.oauth_ext.test_personal_tokens import MINT, PAGE, fill_in

pytestmark = [pytest.mark.django_db, pytest.mark.case(378)]


def test_existing_tokens_are_refused_and_work_again_when_it_is_on(
    oauth: OAuthClient, alice_acme: Connected, mint: Any, world: World, settings: Any
) -> None:
    secret = mint(world.alice, world.acme)
    settings.PERSONAL_TOKENS_ENABLED = False
    reason = refused_at_mcp(oauth, secret, "Token is revoked or expired")
    assert reason == "personal_tokens_disabled"
    assert oauth.call(alice_acme.access_token).status_code == 200
    settings.PERSONAL_TOKENS_ENABLED = True
    assert oauth.call(secret).status_code == 200


def test_nothing_is_made_or_replaced_and_the_page_says_so(
    sign_in: Any, mint: Any, world: World, settings: Any
) -> None:
    mint(world.alice, world.acme)
    browser = sign_in(world.alice)
    browser.defaults["HTTP_ACCEPT"] = "text/html"
    token = PersonalAccessToken.objects.get()
    settings.PERSONAL_TOKENS_ENABLED = False
    before = photograph()
    replacement = {"nonce": secrets.token_hex(16), "overlap": "0"}
    page_refusal_of(browser.post(MINT, fill_in(world)), "not_found", 404)
    page_refusal_of(browser.get(f"{MINT}/{token.id}/replace"), "not_found", 404)
    page_refusal_of(browser.post(f"{MINT}/{token.id}/replace", replacement), "not_found", 404)
    assert photograph() == before
    page = browser.get(PAGE).content.decode()
    assert "Personal access tokens are switched off here." in page
    assert "Make a new token" not in page and "/replace" not in page
    assert "make a personal access token" not in page
    # What exists can still be looked through and revoked.
    assert f"mcp_at_…{token.hint}" in page
    assert browser.post(f"{MINT}/{token.id}/revoke").status_code == 302
