"""Clocks that are wrong: a little is forgiven, a lot is refused, nothing breaks."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings

from oauth_ext.models import TokenFamily
from oauth_ext.tokens import LONGEST_LIFETIME
from tests.conftest import Connected
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import refused_at_mcp
from tests.oauth_ext.tokens_by_hand import sign

pytestmark = pytest.mark.django_db

HOUR = settings.ACCESS_TOKEN_TTL


@pytest.mark.case(374)
@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        (-3600, 401),
        (-300, 401),
        (-12, 401),
        (-9, 200),
        (0, 200),
        (9, 200),
        (300, 200),
        (HOUR + 8, 200),
        (HOUR + 12, 401),
        (HOUR + 300, 401),
    ],
)
def test_a_token_is_good_on_another_host_within_ten_seconds_of_its_time(
    oauth: OAuthClient, alice_acme: Connected, seconds: int, status: int
) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=False):
        answer = oauth.call(alice_acme.access_token)
    assert answer.status_code == status
    # A clock that was wrong costs nobody their connection.
    assert oauth.call(alice_acme.access_token).status_code == 200


@pytest.mark.case(374)
@pytest.mark.parametrize("seconds", [-300, -30, 30, 300])
def test_a_refresh_on_a_host_whose_clock_is_off_rotates_and_kills_nothing(
    oauth: OAuthClient, alice_acme: Connected, seconds: int
) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=False):
        second = oauth.refresh(alice_acme.refresh_token)
    assert second.status_code == 200
    third = oauth.refresh(second.json()["refresh_token"])
    assert third.status_code == 200
    family = TokenFamily.objects.get()
    assert family.revoked_at is None
    assert family.expires_at > family.created_at


@pytest.mark.case(375)
@pytest.mark.parametrize(
    "expiry", [2**31 - 1, 2**31, 2**53, 2**63, 253_402_300_799, 10**30, 0, -1, -(2**53)]
)
def test_an_expiry_far_from_now_is_refused_and_no_fault(
    oauth: OAuthClient, claims: dict[str, Any], expiry: int
) -> None:
    refused = oauth.call(sign(claims | {"exp": expiry}))
    assert refused.status_code == 401
    assert oauth.call(sign(claims)).status_code == 200


@pytest.mark.case(375)
def test_no_access_token_lives_longer_than_a_day(
    oauth: OAuthClient, claims: dict[str, Any]
) -> None:
    now = int(time.time())
    assert oauth.call(sign(claims | {"iat": now, "exp": now + LONGEST_LIFETIME})).status_code == 200
    refused_at_mcp(oauth, sign(claims | {"iat": now, "exp": now + LONGEST_LIFETIME + 1}))
    refused_at_mcp(oauth, sign(claims | {"iat": -(2**53), "exp": now + 60}))
