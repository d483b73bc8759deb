"""Whose a refusal at /token is: its person finds the reference; a guess is in nobody's log."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from activity.models import ActivityEvent
from oauth_ext.connections import revoke_connection
from oauth_ext.models import Client
from tests.conftest import Connected, World
from tests.oauth_client import CALLBACK, OAuthClient
from tests.oauth_ext.conftest import refusal_of, row_behind

pytestmark = pytest.mark.django_db


def subject_of(row: ActivityEvent) -> tuple[Any, ...]:
    """Whom a row names."""
    return row.user_id, row.organization_id, row.connection_id, row.client_id


def refuse_code(oauth: OAuthClient, code: str, reason: str) -> HttpResponse:
    """One refused exchange of each kind."""
    if reason == "pkce_mismatch":
        return oauth.exchange(code, code_verifier="v" * 43)
    if reason == "code_redirect":
        return oauth.exchange(code, redirect_uri=f"{CALLBACK}/other")
    if reason == "code_repeated":
        oauth.exchange(code)
        return oauth.exchange(code)
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        return oauth.exchange(code)


@pytest.mark.parametrize(
    "reason", ["pkce_mismatch", "code_redirect", "code_repeated", "code_expired"]
)
def test_a_refused_code_is_in_its_person_s_log(
    oauth: OAuthClient,
    alice_acme: Connected,
    obtain_code: Callable[..., str],
    world: World,
    sign_in: Callable[[User], Browser],
    reason: str,
) -> None:
    answer = refuse_code(oauth, obtain_code(), reason)
    row = refusal_of(answer, "invalid_grant")
    assert row.reason == reason
    expected = (world.alice.id, world.acme.id, alice_acme.connection.id, oauth.client_id)
    assert subject_of(row) == expected
    page = sign_in(world.alice).get("/settings/activity", {"q": answer["Reference-Id"]})
    assert "An application could not get a token" in page.content.decode()


def test_a_refused_refresh_is_in_its_person_s_log(
    oauth: OAuthClient, alice_acme: Connected, world: World, origin: Any
) -> None:
    expected = (world.alice.id, world.acme.id, alice_acme.connection.id, oauth.client_id)
    wide = oauth.refresh(alice_acme.refresh_token, scope="read actions")
    assert subject_of(refusal_of(wide, "invalid_scope")) == expected
    revoke_connection(
        connection_id=alice_acme.connection.id,
        by_user_id=world.alice.id,
        reason="disconnected_by_user",
        origin=origin,
    )
    row = refusal_of(oauth.refresh(alice_acme.refresh_token), "invalid_grant")
    assert row.reason == "connection_revoked"
    assert subject_of(row) == expected


def test_what_another_client_or_a_guess_is_refused_is_in_nobody_s_log(
    oauth: OAuthClient, alice_acme: Connected, obtain_code: Callable[..., str], world: World
) -> None:
    code = obtain_code()
    stranger = OAuthClient()
    stranger.register(client_name="Another client")
    assert stranger.client_id != oauth.client_id
    for answer in (
        stranger.exchange(code),
        stranger.refresh(alice_acme.refresh_token),
        oauth.exchange(code[:-1]),
        oauth.refresh(f"{alice_acme.refresh_token}0"),
    ):
        row = refusal_of(answer, "invalid_grant")
        assert row.reason in ("code_client", "refresh_client", "code_unknown", "refresh_unknown")
        assert subject_of(row)[:3] == (None, None, None)


def test_a_client_that_proves_nothing_is_tied_to_nobody(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    answer = oauth.refresh(alice_acme.refresh_token, client_secret="a-guess")
    assert subject_of(refusal_of(answer, "invalid_client", 401))[:3] == (None, None, None)
    Client.objects.update(disabled_at=timezone.now())
    assert row_behind(oauth.refresh(alice_acme.refresh_token)).user_id is None
