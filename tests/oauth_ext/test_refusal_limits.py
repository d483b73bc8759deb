"""What is refused too often at the machine endpoints, and what that must never do to others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone

from accounts.limits import (
    HOSTED_FACTOR,
    REVOCATION_REFUSALS,
    TOKEN_REFUSALS,
    WAITING_AUTHORIZATION,
)
from accounts.models import TokenBucket
from activity.noise import ROWS_PER_MINUTE
from activity.origin import Origin
from oauth_ext.families import revoke_family
from oauth_ext.models import Client, RefreshToken
from oauth_ext.refresh import MAX_ROTATIONS
from tests.buckets import leave_tokens
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.confidential import basic, make_confidential

pytestmark = pytest.mark.django_db


def use_up(send: Callable[[], Any], times: int) -> set[int]:
    """The statuses of so many requests."""
    return {send().status_code for _ in range(times)}


def send_malformed(oauth: OAuthClient) -> Any:
    """A request from which no client can learn anything but that it is wrong."""
    return oauth.token(grant_type="password", refresh_token="x")


@pytest.mark.case(183, 356)
def test_refusals_at_the_token_endpoint_are_limited_and_name_the_policy(
    oauth: OAuthClient, alice_acme: Connected, log: Any
) -> None:
    assert send_malformed(oauth).status_code == 400
    leave_tokens(TOKEN_REFUSALS, 1)
    assert send_malformed(oauth).status_code == 400
    leave_tokens(TOKEN_REFUSALS, 0)
    refused = send_malformed(oauth)
    assert refused.status_code == 429
    assert refused.json()["error"] == "temporarily_unavailable"
    assert refused["Retry-After"] == str(TOKEN_REFUSALS.retry_after)
    assert refused["Cache-Control"] == "no-store"
    assert refused.json()["reference"] == refused["Reference-Id"]
    assert log().with_reference(refused["Reference-Id"]).exists()


def test_the_row_of_a_limited_refusal_keeps_why_it_was_refused(
    oauth: OAuthClient, alice_acme: Connected, log: Any
) -> None:
    send_malformed(oauth)
    leave_tokens(TOKEN_REFUSALS, 0)
    refused = send_malformed(oauth)
    row = log().with_reference(refused["Reference-Id"]).get()
    assert (row.event, row.reason, row.http_status) == (
        "oauth.token.refused",
        "too_many_refusals",
        429,
    )
    assert row.details == {"policy": TOKEN_REFUSALS.name, "otherwise": "grant_type"}


@pytest.mark.case(183)
def test_wrong_client_secrets_are_slowed_down_and_the_right_one_is_not(
    oauth: OAuthClient, obtain_code: Callable[..., str], origin: Origin
) -> None:
    client, secret = make_confidential(origin)
    oauth.client_id = client.client_id
    code = obtain_code(client=client)
    wrong = {"client_id": client.client_id, "client_secret": secret[:-1] + "_"}
    assert oauth.exchange(code, **wrong).status_code == 401
    leave_tokens(TOKEN_REFUSALS, 0)
    held = oauth.exchange(code, **wrong)
    assert (held.status_code, held["Retry-After"]) == (429, str(TOKEN_REFUSALS.retry_after))
    right = {"client_id": client.client_id, "client_secret": secret}
    assert oauth.exchange(code, **right).status_code == 200


def test_what_is_right_is_never_refused_for_what_was_wrong(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    assert send_malformed(oauth).status_code == 400
    leave_tokens(TOKEN_REFUSALS, 0)
    assert send_malformed(oauth).status_code == 429
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200


@pytest.mark.case(183, 266)
def test_a_neighbour_s_refusals_keep_no_client_from_learning_what_to_do(
    oauth: OAuthClient, alice_acme: Connected, log: Any
) -> None:
    for client_id in (alice_acme.client.client_id, "nonsense"):
        oauth.client_id = client_id
        send_malformed(oauth)
    leave_tokens(TOKEN_REFUSALS, 0)
    # One that was reaped registers anew, one whose sign-in ended asks the person again.
    oauth.client_id = "dyn_reaped"
    for _ in range(ROWS_PER_MINUTE + 5):
        answer = oauth.refresh(alice_acme.refresh_token)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert log().with_reference(answer["Reference-Id"]).exists()
    # The rows are bounded all the same, and every reference leads to one.
    refused = log().filter(event="oauth.token.refused")
    assert refused.count() <= ROWS_PER_MINUTE
    oauth.client_id = alice_acme.client.client_id
    wider = oauth.refresh(alice_acme.refresh_token, scope="read draft actions")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    revoke_family(alice_acme.family.id, reason="revoked_by_client")
    ended = oauth.refresh(alice_acme.refresh_token)
    assert (ended.status_code, ended.json()["error"]) == (400, "invalid_grant")
    switch = {"disabled_at": timezone.now()}
    Client.objects.filter(pk=alice_acme.client.pk).update(**switch)
    assert oauth.refresh(alice_acme.refresh_token).status_code == 401
    assert log().with_reference(ended["Reference-Id"]).exists()


def test_a_neighbour_s_refusals_hide_no_unknown_client_at_the_revocation_endpoint(
    oauth: OAuthClient, alice_acme: Connected, other_client: Client
) -> None:
    for client_id in (other_client.client_id, "dyn_reaped"):
        assert oauth.revoke("", client_id=client_id).status_code == 400
    leave_tokens(REVOCATION_REFUSALS, 0)
    assert oauth.revoke("", client_id="dyn_reaped").status_code == 429
    unknown = oauth.revoke(alice_acme.refresh_token, client_id="dyn_reaped")
    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")
    foreign = oauth.revoke(alice_acme.refresh_token, client_id=other_client.client_id)
    assert (foreign.status_code, foreign.json()["error"]) == (400, "invalid_grant")


def test_successes_cost_nothing(oauth: OAuthClient, alice_acme: Connected) -> None:
    for _ in range(TOKEN_REFUSALS.capacity + 5):
        assert oauth.refresh(alice_acme.refresh_token).status_code == 200
    assert not TokenBucket.objects.filter(policy=TOKEN_REFUSALS.name).exists()


def test_invented_clients_share_one_bucket_and_do_not_use_up_a_real_one_s(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    def send(client_id: str) -> int:
        headers = basic(client_id, "x")
        body = "grant_type=password"
        kind = "application/x-www-form-urlencoded"
        return int(oauth.http.post("/token", body, kind, headers=headers).status_code)

    for number in range(3):
        assert send(f"dyn_{number}") == 400
    leave_tokens(TOKEN_REFUSALS, 0)
    assert send("dyn_another") == 429
    assert TokenBucket.objects.filter(policy=TOKEN_REFUSALS.name).count() == 1
    wrong = oauth.refresh(alice_acme.refresh_token, client_secret="x")
    assert wrong.status_code == 401


def test_hosted_assistants_share_addresses_and_are_refused_more(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    oauth.http = Browser(raise_request_exception=False, REMOTE_ADDR="160.79.104.10")
    assert use_up(lambda: send_malformed(oauth), TOKEN_REFUSALS.capacity + 5) == {400}
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
    assert oauth.refresh(alice_acme.refresh_token).status_code == 400
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
