"""A personal access token at work: what it opens, what it does not, and when it stops."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership
from activity.narrative import build_reason
from activity.origin import Origin
from oauth_ext.machine_secrets import compute_checksum
from oauth_ext.models import PersonalAccessToken
from oauth_ext.verification import record_use, verify_bearer
from tests.conftest import World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of, row_behind

pytestmark = pytest.mark.django_db

MINT = "/settings/ai-access/tokens"
PAGE = "/settings/ai-access"


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


@pytest.mark.case(241, 243)
def test_a_mistyped_token_is_refused_without_a_query_about_it(
    oauth: OAuthClient, mint: Any, world: World
) -> None:
    secret = mint(world.alice, world.acme)
    wrong = [
        secret[:-1],
        secret + "0",
        secret.swapcase(),
        secret[:20] + ("0" if secret[20] != "0" else "1") + secret[21:],
        secret[:-1] + ("0" if secret[-1] != "0" else "1"),
        secret.replace("mcp_at_", "mcp_at-"),
        "mcp_at_",
    ]
    for value in wrong:
        with CaptureQueriesContext(connection) as captured:
            answer = oauth.call(value)
        assert answer.status_code == 401
        assert not any("personalaccesstoken" in query["sql"] for query in captured)
    assert oauth.call(secret).status_code == 200


@pytest.mark.case(242, 352)
def test_an_unknown_token_looks_like_any_other_bad_token(
    oauth: OAuthClient, mint: Any, world: World
) -> None:
    mint(world.alice, world.acme)
    body = "mcp_at_" + "0" * 43
    unknown, mistyped = oauth.call(body + compute_checksum(body)), oauth.call(body + "000000")
    assert unknown["WWW-Authenticate"] == mistyped["WWW-Authenticate"]
    assert 'error_description="Invalid token"' in unknown["WWW-Authenticate"]


@pytest.mark.case(246)
def test_an_expired_token_is_refused(oauth: OAuthClient, mint: Any, world: World) -> None:
    secret = mint(world.alice, world.acme)
    for days, status in ((29.9, 200), (30.1, 401)):
        with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
            answer = oauth.call(secret)
        assert answer.status_code == status
    assert "Token is revoked or expired" in answer["WWW-Authenticate"]


@pytest.mark.case(250)
def test_first_use_is_recorded_once_and_last_use_at_most_once_a_minute(
    oauth: OAuthClient, mint: Any, world: World, log
) -> None:
    secret = mint(world.alice, world.acme)
    start = timezone.now().replace(microsecond=0)
    seen = []
    for seconds in (0, 1, 59, 61, 62):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            assert oauth.call(secret).status_code == 200
        used = PersonalAccessToken.objects.get().last_used_at
        seen.append((used - start).total_seconds())
    assert seen == [0, 0, 0, 61, 61]
    row = log().get(event="oauth.personal_token.first_used")
    assert (row.user_id, row.details) == (world.alice.id, {"label": "Script"})


@pytest.mark.case(247, 248)
def test_a_token_opens_the_resource_and_nothing_else(
    oauth: OAuthClient, alice_acme: Any, mint: Any, world: World
) -> None:
    secret = mint(world.alice, world.acme, "read", "draft", "actions")
    before = photograph()
    bearer = {"Authorization": f"Bearer {secret}", "Accept": "text/html"}
    refusal_of(oauth.refresh(secret), "invalid_grant")
    refusal_of(oauth.exchange(secret), "invalid_grant")
    for path in (PAGE, "/settings/activity", "/admin/", oauth.authorization_url()):
        answer = oauth.http.get(path, headers=bearer)
        assert answer.status_code == 302
        assert answer["Location"].startswith(("/accounts/login", "/admin/login"))
    for path in (MINT, oauth.authorization_url(), "/accounts/password/change"):
        assert oauth.http.post(path, fill_in(world), headers=bearer).status_code == 403
    assert photograph() == before


@pytest.mark.case(247)
def test_a_personal_token_never_becomes_a_session(oauth: OAuthClient, mint: Any, world) -> None:
    answer = oauth.call(mint(world.alice, world.acme))
    assert answer.status_code == 200
    assert not answer.cookies


@pytest.mark.case(250)
def test_the_network_of_the_last_use_is_kept_and_not_the_address(
    oauth: OAuthClient, sign_in: Any, mint: Any, world: World
) -> None:
    secret = mint(world.alice, world.acme)
    start = timezone.now()
    seen = []
    for seconds, address in (
        (0, "203.0.113.77"),
        (30, "198.51.100.1"),
        (90, "2001:db8:1:2:3:4:5:6"),
        (180, "::ffff:198.51.100.1"),
    ):
        oauth.http.defaults["REMOTE_ADDR"] = address
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            assert oauth.call(secret).status_code == 200
        seen.append(PersonalAccessToken.objects.get().last_used_network)
    assert seen == ["203.0.113.0/24", "203.0.113.0/24", "2001:db8:1:2::/64", "198.51.100.0/24"]
    assert "from 198.51.100.0/24" in sign_in(world.alice).get(PAGE).content.decode()


@pytest.mark.case(250)
def test_calls_at_the_same_moment_write_the_last_use_once(
    oauth: OAuthClient, mint: Any, world: World, origin: Origin
) -> None:
    secret = mint(world.alice, world.acme)
    oauth.call(secret)
    PersonalAccessToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    # Both were verified before either wrote.
    both = [verify_bearer(secret), verify_bearer(secret)]
    record_use(both[0], origin=origin)
    first = PersonalAccessToken.objects.get().last_used_at
    record_use(both[1], origin=origin)
    assert PersonalAccessToken.objects.get().last_used_at == first


def test_a_refused_call_says_which_personal_token_it_was_and_no_stranger_s_guess_does(
    oauth: OAuthClient, mint: Any, world: World
) -> None:
    secret = mint(world.alice, world.acme)
    token = PersonalAccessToken.objects.get()
    named = {"personal_access_id": str(token.id), "label": "Script"}
    unknown_method = oauth.http.post(
        "/mcp",
        '{"jsonrpc": "2.0", "id": 1, "method": "nothing/such"}',
        "application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    row = row_behind(unknown_method)
    assert (row.event, row.reason) == ("mcp.request.refused", "unknown_method")
    assert row.details == named
    row = row_behind(oauth.call(secret, "disconnect_application"))
    assert (row.event, row.reason) == ("mcp.tool.called", "insufficient_scope")
    assert named.items() <= row.details.items()
    PersonalAccessToken.objects.update(revoked_at=timezone.now())
    row = row_behind(oauth.call(secret))
    assert (row.event, row.user_id, row.details) == ("mcp.token.refused", world.alice.id, named)
    assert row.reason == "personal_token_revoked"
    assert build_reason(row) == "The personal access token had been revoked."
    PersonalAccessToken.objects.all().delete()
    row = row_behind(oauth.call(secret))
    assert (row.reason, row.user_id, row.details) == ("personal_token_unknown", None, {})
