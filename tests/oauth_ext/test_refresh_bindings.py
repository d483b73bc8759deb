"""A refresh token is bound to its client, scope, resource and time (RFC 6749 §6)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from oauth_ext.models import Client, Connection, RefreshToken, TokenFamily
from oauth_ext.tokens import parse_access_token
from tests.conftest import Connected, World
from tests.oauth_client import RESOURCE, OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of, refused_at_mcp

pytestmark = pytest.mark.django_db

GRANT = "invalid_grant"


def later(seconds: float) -> time_machine.travel:
    """The same test, some seconds from now."""
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=False)


@pytest.mark.case(204)
def test_another_client_cannot_use_or_hurt_a_family(
    oauth: OAuthClient, alice_acme: Connected, other_client: Client
) -> None:
    before = photograph()
    answer = oauth.refresh(alice_acme.refresh_token, client_id=other_client.client_id)
    assert refusal_of(answer, GRANT).reason == "refresh_client"
    assert photograph() == before
    oauth.refresh(alice_acme.refresh_token)
    with later(61):
        # Not even by presenting what would be theft from the right client.
        stolen = oauth.refresh(alice_acme.refresh_token, client_id=other_client.client_id)
        assert refusal_of(stolen, GRANT).reason == "refresh_client"
    assert TokenFamily.objects.get().revoked_at is None
    assert oauth.call(alice_acme.access_token).status_code == 200


@pytest.mark.case(201)
@pytest.mark.parametrize("scope", ["read draft actions", "actions", "read actions"])
def test_b5_a_wider_scope_is_refused_without_rotating(
    oauth: OAuthClient, alice_acme: Connected, scope: str
) -> None:
    before = photograph()
    answer = oauth.refresh(alice_acme.refresh_token, scope=scope)
    assert refusal_of(answer, "invalid_scope").reason == "scope"
    assert photograph() == before


@pytest.mark.case(202)
@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("read", "read"),
        ("draft", "draft"),
        ("draft read", "read draft"),
        ("read offline_access", "read"),
        ("offline_access", "read draft"),
        ("", "read draft"),
        (None, "read draft"),
    ],
)
def test_a_narrower_scope_narrows_this_access_token_only(
    oauth: OAuthClient, alice_acme: Connected, scope: str | None, granted: str
) -> None:
    narrowed = oauth.refresh(alice_acme.refresh_token, scope=scope).json()
    assert narrowed["scope"] == granted
    claims = parse_access_token(narrowed["access_token"])
    assert claims.scopes == frozenset(granted.split())
    assert TokenFamily.objects.get().scope == "read draft"
    assert oauth.refresh(narrowed["refresh_token"]).json()["scope"] == "read draft"


@pytest.mark.case(203)
@pytest.mark.parametrize("resource", ["https://evil.example/", [RESOURCE, "https://evil.example"]])
def test_b6_a_foreign_resource_is_refused_without_rotating(
    oauth: OAuthClient, alice_acme: Connected, resource: Any
) -> None:
    before = photograph()
    answer = oauth.refresh(alice_acme.refresh_token, resource=resource)
    assert refusal_of(answer, "invalid_target").reason == "resource"
    assert photograph() == before
    assert oauth.refresh(alice_acme.refresh_token, resource=RESOURCE).status_code == 200


@pytest.mark.case(205)
def test_thirty_idle_days_are_the_end(oauth: OAuthClient, alice_acme: Connected) -> None:
    day = 24 * 3600
    with later(30 * day - 60):
        second = oauth.refresh(alice_acme.refresh_token).json()["refresh_token"]
    with later(60 * day - 180):
        third = oauth.refresh(second)
        assert third.status_code == 200
    with later(90 * day):
        answer = oauth.refresh(third.json()["refresh_token"])
        assert refusal_of(answer, GRANT).reason == "refresh_expired"
    # It had only run out; nobody was accused of theft.
    assert TokenFamily.objects.get().revoked_at is None


@pytest.mark.case(205)
def test_no_refresh_lives_longer_than_its_family(oauth: OAuthClient, alice_acme: Connected) -> None:
    end = timezone.now() + timedelta(days=3)
    TokenFamily.objects.update(expires_at=end)
    successor = oauth.refresh(alice_acme.refresh_token).json()
    assert RefreshToken.objects.get(generation=1).expires_at == end
    TokenFamily.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    refusal_of(oauth.refresh(successor["refresh_token"]), GRANT)
    assert oauth.call(successor["access_token"]).status_code == 401


@pytest.mark.case(210, 247)
def test_other_kinds_of_token_are_no_refresh_tokens(
    oauth: OAuthClient,
    alice_acme: Connected,
    obtain_code: Callable[..., str],
    mint: Callable[..., str],
    world: World,
) -> None:
    personal, code = mint(world.alice, world.acme), obtain_code()
    before = photograph()
    wrong = [
        alice_acme.access_token,
        personal,
        code,
        alice_acme.refresh_token[:-1],
        alice_acme.refresh_token + "0",
        alice_acme.refresh_token.swapcase(),
        "mcp_rt_" + "0" * 49,
        "é",
        "x" * 4096,
    ]
    descriptions = set()
    for value in wrong:
        answer = oauth.refresh(value)
        assert refusal_of(answer, GRANT).reason == "refresh_unknown"
        descriptions.add(answer.json()["error_description"])
    assert len(descriptions) == 1
    assert photograph() == before
    for token in (alice_acme.refresh_token, code):
        assert refused_at_mcp(oauth, token) == "wrong_token_kind"


def test_b8_a_refresh_token_that_is_no_text_is_a_400(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    for value in ("a\x00", alice_acme.refresh_token + "\x00", "x" * 5000):
        refusal_of(oauth.refresh(value), "invalid_request")
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200


def test_a_deliberate_end_beats_the_window(oauth: OAuthClient, alice_acme: Connected) -> None:
    oauth.refresh(alice_acme.refresh_token)
    Connection.objects.update(revoked_at=timezone.now())
    row = refusal_of(oauth.refresh(alice_acme.refresh_token), GRANT)
    assert row.reason == "connection_revoked"


def test_a_mail_server_that_is_away_changes_no_answer(
    oauth: OAuthClient,
    alice_acme: Connected,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    oauth.refresh(alice_acme.refresh_token)
    with later(61), django_capture_on_commit_callbacks(execute=True):
        refusal_of(oauth.refresh(alice_acme.refresh_token), GRANT)
    assert TokenFamily.objects.get().revoke_reason == "refresh_replayed"
