"""RFC 6749 §6 and RFC 9700 §4.14.2: rotation, its window, and theft."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import Organization, User
from oauth_ext.machine_secrets import unseal
from oauth_ext.models import Client, Connection, RefreshToken, TokenFamily
from oauth_ext.tokens import parse_access_token
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import refusal_of

pytestmark = pytest.mark.django_db

GRANT = "invalid_grant"


def later(seconds: float) -> time_machine.travel:
    """The same test, some seconds from now."""
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=False)


@pytest.mark.case(193)
def test_a_refresh_rotates_and_keeps_everything_else(
    oauth: OAuthClient, alice_acme: Connected, log
) -> None:
    answer = oauth.refresh(alice_acme.refresh_token)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert body["refresh_token"] != alice_acme.refresh_token
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "read draft")
    old, new = (parse_access_token(t) for t in (alice_acme.access_token, body["access_token"]))
    assert (old.family_id, old.connection_id) == (new.family_id, new.connection_id)
    assert (old.user_id, old.organization_id) == (new.user_id, new.organization_id)
    assert old.jti != new.jti
    # An access token lives to its own end.
    for token in (alice_acme.access_token, body["access_token"]):
        assert oauth.call(token).status_code == 200
    retired, current = RefreshToken.objects.order_by("generation")
    assert (retired.generation, current.generation) == (0, 1)
    assert retired.superseded_at is not None and current.superseded_at is None
    row = log().filter(event="oauth.token.refreshed").get()
    assert (row.reference, row.reason) == (answer["Reference-Id"], "")
    assert row.connection_id == alice_acme.connection.id


@pytest.mark.case(197)
def test_a_repeated_refresh_inside_the_window_gets_the_same_successor(
    oauth: OAuthClient, alice_acme: Connected, log
) -> None:
    first = oauth.refresh(alice_acme.refresh_token).json()
    with later(59):
        for _ in range(3):
            again = oauth.refresh(alice_acme.refresh_token)
            assert again.status_code == 200
            assert again.json()["refresh_token"] == first["refresh_token"]
            assert again.json()["access_token"] != first["access_token"]
            assert oauth.call(again.json()["access_token"]).status_code == 200
    assert RefreshToken.objects.count() == 2
    assert RefreshToken.objects.get(generation=0).replays == 3
    reasons = [row.reason for row in log().filter(event="oauth.token.refreshed")]
    assert sorted(reasons) == ["", *["same_successor"] * 3]
    assert oauth.refresh(first["refresh_token"]).status_code == 200


@pytest.mark.case(194)
@pytest.mark.parametrize("seconds", [60, 3600])
def test_b3_a_retired_token_after_the_window_ends_the_family_and_tells_the_person(
    oauth: OAuthClient,
    alice_acme: Connected,
    seconds: int,
    log,
    django_capture_on_commit_callbacks: Any,
) -> None:
    successor = oauth.refresh(alice_acme.refresh_token).json()
    assert oauth.call(successor["access_token"]).status_code == 200
    with later(seconds), django_capture_on_commit_callbacks(execute=True):
        answer = oauth.refresh(alice_acme.refresh_token)
    assert refusal_of(answer, GRANT).reason == "refresh_replayed"
    for token in (successor["access_token"], alice_acme.access_token):
        refused = oauth.call(token)
        assert refused.status_code == 401
        assert "Token is revoked or expired" in refused["WWW-Authenticate"]
    refusal_of(oauth.refresh(successor["refresh_token"]), GRANT)
    family = TokenFamily.objects.get()
    assert family.revoke_reason == "refresh_replayed"
    assert Connection.objects.get().state == "active"
    row = log().get(event="oauth.refresh_token.replayed")
    assert (row.outcome, row.connection_id) == ("refused", family.connection_id)
    (notice,) = mail.outbox
    assert notice.to == ["alice@acme.example"]
    assert "Test client" in notice.body and "/settings/ai-access" in notice.body
    assert "mcp_rt_" not in notice.body


@pytest.mark.case(195, 198)
def test_a_token_from_several_generations_back_is_theft_even_inside_the_window(
    oauth: OAuthClient, alice_acme: Connected, django_capture_on_commit_callbacks: Any
) -> None:
    second = oauth.refresh(alice_acme.refresh_token).json()
    third = oauth.refresh(second["refresh_token"]).json()
    # The immediate predecessor may still be repeated.
    assert oauth.refresh(second["refresh_token"]).json()["refresh_token"] == third["refresh_token"]
    with django_capture_on_commit_callbacks(execute=True):
        answer = oauth.refresh(alice_acme.refresh_token)
    assert refusal_of(answer, GRANT).reason == "refresh_replayed"
    assert oauth.call(third["access_token"]).status_code == 401
    refusal_of(oauth.refresh(third["refresh_token"]), GRANT)
    assert len(mail.outbox) == 1


def test_the_mail_about_a_theft_is_text_as_people_write_it(
    oauth: OAuthClient,
    alice_acme: Connected,
    world: World,
    django_capture_on_commit_callbacks: Any,
) -> None:
    User.objects.filter(pk=world.alice.pk).update(name="Alice O'Brien")
    Organization.objects.filter(pk=world.acme.pk).update(name="Acme & Sons")
    Client.objects.update(name='The "best" <client>')
    oauth.refresh(alice_acme.refresh_token)
    with later(61), django_capture_on_commit_callbacks(execute=True):
        refusal_of(oauth.refresh(alice_acme.refresh_token), GRANT)
    (notice,) = mail.outbox
    for name in ("Alice O'Brien", "Acme & Sons", 'The "best" <client>'):
        assert name in notice.body


def test_a_window_of_zero_forgives_nothing(
    oauth: OAuthClient, alice_acme: Connected, settings: Any
) -> None:
    settings.REFRESH_WINDOW = 0
    successor = oauth.refresh(alice_acme.refresh_token).json()
    refusal_of(oauth.refresh(alice_acme.refresh_token), GRANT)
    assert oauth.call(successor["access_token"]).status_code == 401


def test_another_device_of_the_same_connection_survives_a_theft(
    oauth: OAuthClient, alice_acme: Connected, connect: Callable[..., Connected], world: World
) -> None:
    other = connect(world.alice, world.acme)
    assert other.connection.id == alice_acme.connection.id
    oauth.refresh(alice_acme.refresh_token)
    with later(61):
        refusal_of(oauth.refresh(alice_acme.refresh_token), GRANT)
    assert oauth.call(other.access_token).status_code == 200
    assert oauth.refresh(other.refresh_token).status_code == 200


def test_the_sealed_successor_cannot_be_opened_from_the_table_alone(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    successor = oauth.refresh(alice_acme.refresh_token).json()["refresh_token"]
    retired = RefreshToken.objects.get(generation=0)
    sealed = bytes(retired.sealed_successor)
    assert successor.encode() not in sealed
    # Everything the tables know, and the successor itself, are the wrong keys.
    for key in (
        retired.token_checksum,
        RefreshToken.objects.get(generation=1).token_checksum,
        str(retired.family_id),
        str(retired.pk),
        "",
        successor,
    ):
        assert unseal(sealed, under=key) is None
    assert unseal(sealed, under=alice_acme.refresh_token) == successor


def test_the_sealed_successor_needs_the_pepper_too(
    oauth: OAuthClient, alice_acme: Connected, settings: Any
) -> None:
    oauth.refresh(alice_acme.refresh_token)
    sealed = bytes(RefreshToken.objects.get(generation=0).sealed_successor)
    settings.TOKEN_PEPPER = "another-pepper-of-at-least-thirty-two-characters"
    assert unseal(sealed, under=alice_acme.refresh_token) is None


def test_the_sealed_copy_is_erased_when_its_successor_is_used(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    second = oauth.refresh(alice_acme.refresh_token).json()
    assert RefreshToken.objects.get(generation=0).sealed_successor is not None
    oauth.refresh(second["refresh_token"])
    assert RefreshToken.objects.get(generation=0).sealed_successor is None
    assert RefreshToken.objects.get(generation=1).sealed_successor is not None


def test_the_sealed_copies_are_erased_when_the_family_ends(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    oauth.refresh(alice_acme.refresh_token)
    assert oauth.revoke(alice_acme.refresh_token).status_code == 200
    assert not RefreshToken.objects.filter(sealed_successor__isnull=False).exists()


@pytest.mark.case(198, 211)
def test_a_loop_of_repeats_is_slowed_down_not_punished(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    successor = oauth.refresh(alice_acme.refresh_token).json()
    RefreshToken.objects.filter(generation=0).update(replays=99)
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200
    answer = oauth.refresh(alice_acme.refresh_token)
    refusal_of(answer, "temporarily_unavailable", 429)
    assert answer["Retry-After"] == "60"
    assert oauth.call(successor["access_token"]).status_code == 200
    assert oauth.refresh(successor["refresh_token"]).status_code == 200
