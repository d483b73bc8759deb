"""The limits of the window in which a repeated refresh is honest, and tokens nobody knows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import Membership, User
from oauth_ext.machine_secrets import SecretKind, mint_secret
from oauth_ext.models import Client, Connection, RefreshToken, TokenFamily
from oauth_ext.tokens import parse_access_token
from tests.conftest import Connected
from tests.oauth_client import RESOURCE, OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of

pytestmark = pytest.mark.django_db

GRANT = "invalid_grant"


@pytest.mark.case(198)
def test_a_repeat_inside_the_window_may_not_ask_for_more_than_the_first(
    oauth: OAuthClient, alice_acme: Connected, other_client: Client, log: Any
) -> None:
    successor = oauth.refresh(alice_acme.refresh_token).json()["refresh_token"]
    before = photograph()
    for changes, error, reason in (
        ({"client_id": other_client.client_id}, GRANT, "refresh_client"),
        ({"scope": "read draft actions"}, "invalid_scope", "scope"),
        ({"resource": "https://evil.example/"}, "invalid_target", "resource"),
        ({"resource": [RESOURCE, "https://evil.example/"]}, "invalid_target", "resource"),
    ):
        answer = oauth.refresh(alice_acme.refresh_token, **changes)
        assert refusal_of(answer, error).reason == reason
    assert photograph() == before
    assert not log().filter(event="oauth.refresh_token.replayed").exists()
    narrowed = oauth.refresh(alice_acme.refresh_token, scope="read").json()
    assert (narrowed["refresh_token"], narrowed["scope"]) == (successor, "read")
    assert parse_access_token(narrowed["access_token"]).scopes == {"read"}


@pytest.mark.case(198)
def test_the_window_closes_at_once_when_the_successor_is_used(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    second = oauth.refresh(alice_acme.refresh_token).json()["refresh_token"]
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200
    third = oauth.refresh(second).json()
    assert refusal_of(oauth.refresh(alice_acme.refresh_token), GRANT).reason == "refresh_replayed"
    assert oauth.call(third["access_token"]).status_code == 401
    assert TokenFamily.objects.get().revoke_reason == "refresh_replayed"


@pytest.mark.case(198)
def test_the_window_does_not_move_with_each_repeat(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    now = timezone.now()
    for seconds, status in ((0, 200), (30, 200), (59, 200), (61, 400)):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            assert oauth.refresh(alice_acme.refresh_token).status_code == status, seconds


@pytest.mark.case(212)
def test_a_token_that_was_never_ours_accuses_no_family(
    oauth: OAuthClient, alice_acme: Connected, log: Any
) -> None:
    before = photograph()
    answer = oauth.refresh(mint_secret(SecretKind.REFRESH_TOKEN))
    assert refusal_of(answer, GRANT).reason == "refresh_unknown"
    assert photograph() == before
    assert not log().filter(event="oauth.refresh_token.replayed").exists()


@pytest.mark.case(212)
def test_a_rotation_that_a_failover_forgot_is_no_theft(
    oauth: OAuthClient,
    alice_acme: Connected,
    log: Any,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    newer = oauth.refresh(alice_acme.refresh_token).json()["refresh_token"]
    # The standby that took over never got that commit.
    RefreshToken.objects.filter(generation=1).delete()
    RefreshToken.objects.update(superseded_at=None, sealed_successor=None)
    before = photograph()
    with django_capture_on_commit_callbacks(execute=True):
        assert refusal_of(oauth.refresh(newer), GRANT).reason == "refresh_unknown"
    assert photograph() == before
    assert mail.outbox == []
    assert not log().filter(event="oauth.refresh_token.replayed").exists()
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200


def pause(connected: Connected) -> dict[str, str]:
    """The connection rests."""
    Connection.objects.update(paused_at=timezone.now())
    return {}


def suspend(connected: Connected) -> dict[str, str]:
    """The person's account is switched off."""
    User.objects.filter(pk=connected.connection.user_id).update(is_active=False)
    return {}


def ask_for_more(connected: Connected) -> dict[str, str]:
    """A scope that was never granted."""
    return {"scope": "read draft actions"}


def ask_elsewhere(connected: Connected) -> dict[str, str]:
    """A resource that is not ours."""
    return {"resource": "https://evil.example/"}


@pytest.mark.case(194, 195)
@pytest.mark.parametrize("older", [False, True], ids=["late", "older"])
@pytest.mark.parametrize("hide", [pause, suspend, ask_for_more, ask_elsewhere])
def test_a_theft_is_noticed_whatever_else_is_wrong_with_the_request(
    oauth: OAuthClient,
    alice_acme: Connected,
    log: Any,
    hide: Callable[[Connected], dict[str, str]],
    older: bool,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    second = oauth.refresh(alice_acme.refresh_token).json()["refresh_token"]
    if older:
        oauth.refresh(second)
    changes = hide(alice_acme)
    at = timezone.now() + timedelta(seconds=0 if older else 61)
    with (
        time_machine.travel(at, tick=False),
        django_capture_on_commit_callbacks(execute=True),
    ):
        answer = oauth.refresh(alice_acme.refresh_token, **changes)
        assert refusal_of(answer, GRANT).reason == "refresh_replayed"
    assert TokenFamily.objects.get().revoke_reason == "refresh_replayed"
    assert log().get(event="oauth.refresh_token.replayed").user_id == alice_acme.connection.user_id
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "end", ["family", "connection", "password", "membership", "age"], ids=lambda end: f"by {end}"
)
def test_what_is_over_is_refused_plainly_however_old_the_token(
    oauth: OAuthClient,
    alice_acme: Connected,
    log: Any,
    end: str,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    oauth.refresh(alice_acme.refresh_token)
    now = timezone.now()
    endings = {
        "family": lambda: TokenFamily.objects.update(revoked_at=now),
        "connection": lambda: Connection.objects.update(revoked_at=now),
        "password": lambda: User.objects.update(tokens_valid_from=now),
        "membership": lambda: Membership.objects.all().delete(),
        "age": lambda: TokenFamily.objects.update(expires_at=now - timedelta(hours=1)),
    }
    endings[end]()
    before = photograph()
    with (
        time_machine.travel(now + timedelta(seconds=61), tick=False),
        django_capture_on_commit_callbacks(execute=True),
    ):
        row = refusal_of(oauth.refresh(alice_acme.refresh_token), GRANT)
        assert row.reason != "refresh_replayed"
    assert photograph() == before
    assert mail.outbox == []
    assert not log().filter(event="oauth.refresh_token.replayed").exists()


def test_a_repeat_inside_the_window_accuses_nobody_while_the_sign_in_rests(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    oauth.refresh(alice_acme.refresh_token)
    suspend(alice_acme)
    before = photograph()
    row = refusal_of(oauth.refresh(alice_acme.refresh_token), GRANT)
    assert row.reason == "user_inactive"
    assert photograph() == before


def test_a_repeat_inside_the_window_yields_the_same_successor_while_paused(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    first = oauth.refresh(alice_acme.refresh_token).json()["refresh_token"]
    pause(alice_acme)
    assert oauth.refresh(alice_acme.refresh_token).json()["refresh_token"] == first
    assert TokenFamily.objects.get().revoked_at is None
