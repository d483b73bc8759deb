"""What is refused too often at the machine endpoints, and what that must never do to others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client as Browser

from accounts.limits import (
    HOSTED_FACTOR,
    REVOCATION_REFUSALS,
    TOKEN_REFUSALS,
    WAITING_AUTHORIZATION,
)
from accounts.models import TokenBucket
from oauth_ext.models import RefreshToken
from oauth_ext.refresh import MAX_ROTATIONS
from tests.buckets import leave_tokens
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db

UNKNOWN = "mcp_ac_" + "0" * 49


def use_up(send: Callable[[], Any], times: int) -> set[int]:
    """The statuses of so many requests."""
    return {send().status_code for _ in range(times)}


@pytest.mark.case(183, 356)
def test_refusals_at_the_token_endpoint_are_limited_and_name_the_policy(
    oauth: OAuthClient, alice_acme: Connected, log: Any
) -> None:
    assert oauth.exchange(UNKNOWN).status_code == 400
    leave_tokens(TOKEN_REFUSALS, 1)
    assert oauth.exchange(UNKNOWN).status_code == 400
    leave_tokens(TOKEN_REFUSALS, 0)
    refused = oauth.exchange(UNKNOWN)
    assert refused.status_code == 429
    assert refused.json()["error"] == "temporarily_unavailable"
    assert refused["Retry-After"] == str(TOKEN_REFUSALS.retry_after)
    assert refused["Cache-Control"] == "no-store"
    assert refused.json()["reference"] == refused["Reference-Id"]
    assert log().with_reference(refused["Reference-Id"]).exists()


def test_the_row_of_a_limited_refusal_keeps_why_it_was_refused(
    oauth: OAuthClient, alice_acme: Connected, log: Any
) -> None:
    oauth.exchange(UNKNOWN)
    leave_tokens(TOKEN_REFUSALS, 0)
    refused = oauth.exchange(UNKNOWN)
    row = log().with_reference(refused["Reference-Id"]).get()
    assert (row.event, row.reason, row.http_status) == (
        "oauth.token.refused",
        "too_many_refusals",
        429,
    )
    assert row.details == {"policy": TOKEN_REFUSALS.name, "otherwise": "code_unknown"}


def test_what_is_right_is_never_refused_for_what_was_wrong(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    assert oauth.refresh("mcp_rt_" + "0" * 49).status_code == 400
    leave_tokens(TOKEN_REFUSALS, 0)
    assert oauth.refresh("mcp_rt_" + "0" * 49).status_code == 429
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200


def test_successes_cost_nothing(oauth: OAuthClient, alice_acme: Connected) -> None:
    for _ in range(TOKEN_REFUSALS.capacity + 5):
        assert oauth.refresh(alice_acme.refresh_token).status_code == 200
    assert not TokenBucket.objects.filter(policy=TOKEN_REFUSALS.name).exists()


def test_invented_clients_share_one_bucket_and_do_not_use_up_a_real_one_s(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    for number in range(3):
        assert oauth.exchange(UNKNOWN, client_id=f"dyn_{number}").status_code == 401
    leave_tokens(TOKEN_REFUSALS, 0)
    assert oauth.exchange(UNKNOWN, client_id="dyn_another").status_code == 429
    assert TokenBucket.objects.filter(policy=TOKEN_REFUSALS.name).count() == 1
    assert oauth.exchange(UNKNOWN).status_code == 400


def test_hosted_assistants_share_addresses_and_are_refused_more(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    oauth.http = Browser(raise_request_exception=False, REMOTE_ADDR="160.79.104.10")
    assert use_up(lambda: oauth.exchange(UNKNOWN), TOKEN_REFUSALS.capacity + 5) == {400}
    bucket = TokenBucket.objects.get(policy=TOKEN_REFUSALS.name)
    assert bucket.tokens > TOKEN_REFUSALS.capacity * (HOSTED_FACTOR - 2)


def test_refusals_at_the_revocation_endpoint_are_limited_and_revoking_still_works(
    oauth: OAuthClient, alice_acme: Connected, log: Any
) -> None:
    def send() -> Any:
        return oauth.revoke("", client_id=oauth.client_id)

    assert send().status_code == 400
    leave_tokens(REVOCATION_REFUSALS, 0)
    refused = send()
    assert refused.status_code == 429
    assert refused["Retry-After"] == str(REVOCATION_REFUSALS.retry_after)
    assert oauth.revoke(alice_acme.refresh_token).status_code == 200
    assert oauth.refresh(alice_acme.refresh_token).status_code in (400, 429)
    alice_acme.family.refresh_from_db()
    assert alice_acme.family.revoked_at is not None


@pytest.mark.case(211)
def test_a_client_that_refreshes_every_second_is_slowed_down_without_rotating(
    oauth: OAuthClient, alice_acme: Connected, log: Any
) -> None:
    token = alice_acme.refresh_token
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        for _ in range(MAX_ROTATIONS):
            clock.shift(timedelta(seconds=1))
            token = oauth.refresh(token).json()["refresh_token"]
        rows = RefreshToken.objects.count()
        clock.shift(timedelta(seconds=1))
        refused = oauth.refresh(token)
        assert refused.status_code == 429
        # The first of the twelve is 12 seconds old.
        assert refused["Retry-After"] == str(60 - MAX_ROTATIONS)
        row = log().with_reference(refused["Reference-Id"]).get()
        assert (row.event, row.reason) == ("oauth.token.refused", "rotation_limit")
        assert RefreshToken.objects.count() == rows
        clock.shift(timedelta(seconds=60 - MAX_ROTATIONS))
        assert oauth.refresh(token).status_code == 200
        assert RefreshToken.objects.count() == rows + 1


@pytest.mark.case(211, 196)
def test_thirty_repeats_of_one_refresh_are_no_loop(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    answers = [oauth.refresh(alice_acme.refresh_token) for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_one_family_s_loop_is_no_other_s(
    oauth: OAuthClient, alice_acme: Connected, connect: Callable[..., Connected], world: World
) -> None:
    token, other = alice_acme.refresh_token, connect(world.ben, world.acme)
    for _ in range(MAX_ROTATIONS):
        token = oauth.refresh(token).json()["refresh_token"]
    assert oauth.refresh(token).status_code == 429
    assert oauth.refresh(other.refresh_token).status_code == 200


@pytest.mark.case(357)
def test_strangers_at_the_authorization_endpoint_cost_no_rows(oauth: OAuthClient, log: Any) -> None:
    oauth.register()
    before = log().count()
    for _ in range(100):
        assert oauth.open_consent().status_code == 302
    assert log().count() == before
    assert Session.objects.count() == 0
    assert not TokenBucket.objects.filter(policy=WAITING_AUTHORIZATION.name).exists()


@pytest.mark.case(357)
def test_long_requests_of_strangers_wait_in_a_bounded_number_of_sessions(
    oauth: OAuthClient, log: Any
) -> None:
    oauth.register()
    url = oauth.authorization_url(state="s" * 2000)

    def send() -> Any:
        return Browser().get(url)

    assert send().status_code == 302
    leave_tokens(WAITING_AUTHORIZATION, 1)
    assert send().status_code == 302
    leave_tokens(WAITING_AUTHORIZATION, 0)
    refused = send()
    assert refused.status_code == 429
    assert Session.objects.count() == 2
    row = log().with_reference(refused["Reference-Id"]).get()
    assert row.details["policy"] == WAITING_AUTHORIZATION.name
    # Short ones need no session and go on.
    assert oauth.open_consent().status_code == 302


@pytest.mark.case(357)
def test_strangers_at_the_sign_in_page_cost_no_session(log: Any) -> None:
    for _ in range(5):
        Browser().get("/accounts/login")
        Browser().post("/accounts/login", {"login": "a@b.example", "password": "x"})
    assert Session.objects.count() == 0
