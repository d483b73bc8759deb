"""What a code stands on: its minute, its person, its client, its resource and its scope."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Membership, Organization, User
from oauth_ext.models import Client, Connection, RefreshToken, TokenFamily
from tests.conftest import World
from tests.oauth_client import CALLBACK, RESOURCE, OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of

pytestmark = pytest.mark.django_db

GRANT = "invalid_grant"


@pytest.mark.parametrize(("age", "accepted"), [(59, True), (61, False)])
def test_a_code_lives_sixty_seconds(
    oauth: OAuthClient, obtain_code: Callable[..., str], age: int, accepted: bool
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        code = obtain_code()
        clock.shift(timedelta(seconds=age))
        answer = oauth.exchange(code)
    if accepted:
        assert answer.status_code == 200
    else:
        assert refusal_of(answer, GRANT).reason == "code_expired"
        assert not TokenFamily.objects.exists()


@pytest.mark.case(162)
def test_malformed_and_unknown_codes_get_one_and_the_same_answer(
    oauth: OAuthClient, obtain_code: Callable[..., str]
) -> None:
    code = obtain_code()
    before = photograph()
    seen = set()
    wrong = [
        "x",
        "é" * 10,
        code[:-1],
        code + "0",
        code.upper(),
        code.replace("mcp_ac_", "mcp_rt_"),
        code[:10] + ("a" if code[10] != "a" else "b") + code[11:],
        "mcp_ac_" + "0" * 49,
        "x" * 4096,
    ]
    for value in wrong:
        answer = oauth.exchange(value)
        refusal_of(answer, GRANT)
        seen.add(answer.json()["error_description"])
    assert len(seen) == 1
    assert photograph() == before
    assert oauth.exchange(code).status_code == 200


@pytest.mark.case(164)
@pytest.mark.parametrize("value", ["a\x00b", "\x01", "%ed%a0%80"])
def test_b8_a_code_that_is_no_text_is_a_400(
    oauth: OAuthClient, obtain_code: Callable[..., str], value: str
) -> None:
    obtain_code()
    body = f"grant_type=authorization_code&client_id={oauth.client_id}&code="
    encoded = value if value.startswith("%") else "%00"
    answer = oauth.http.post("/token", body + encoded, "application/x-www-form-urlencoded")
    assert refusal_of(answer, "invalid_request").reason == "bad_text"
    assert refusal_of(oauth.exchange("x" * 10_000), "invalid_request").reason == "too_long"


REASONS = {
    "user inactive": "user_inactive",
    "user deleted": "code_unknown",
    "membership ended": "membership_ended",
    "organization suspended": "organization_inactive",
    "organization deleted": "organization_not_found",
    "client disabled": "client_disabled",
    "connection revoked": "connection_revoked",
}
GONE: dict[str, Callable[[World], Any]] = {
    "user inactive": lambda world: User.objects.filter(id=world.alice.id).update(is_active=False),
    "user deleted": lambda world: world.alice.delete(),
    "membership ended": lambda world: Membership.objects.filter(user=world.alice).delete(),
    "organization suspended": lambda world: Organization.objects.update(is_active=False),
    "organization deleted": lambda world: world.acme.delete(),
    "client disabled": lambda world: Client.objects.update(disabled_at=timezone.now()),
    "connection revoked": lambda world: Connection.objects.update(revoked_at=timezone.now()),
}


@pytest.mark.case(101, 163)
@pytest.mark.parametrize("what", GONE)
def test_b5_whoever_is_gone_by_then_gets_no_tokens(
    oauth: OAuthClient, obtain_code: Callable[..., str], world: World, what: str
) -> None:
    code = obtain_code()
    GONE[what](world)
    answer = oauth.exchange(code)
    if what == "client disabled":
        row = refusal_of(answer, "invalid_client", 401)
    else:
        row = refusal_of(answer, GRANT)
    assert row.reason == REASONS[what]
    assert not TokenFamily.objects.exists() and not RefreshToken.objects.exists()


@pytest.mark.case(142)
def test_a_code_is_refused_once_its_redirect_uri_is_no_longer_registered(
    oauth: OAuthClient, obtain_code: Callable[..., str]
) -> None:
    code = obtain_code()
    Client.objects.update(redirect_uris="https://client.example/moved")
    before = photograph()
    for redirect_uri in (CALLBACK, "https://client.example/moved", None):
        row = refusal_of(oauth.exchange(code, redirect_uri=redirect_uri), GRANT)
        assert row.reason in ("redirect_removed", "code_redirect")
    assert photograph() == before
    Client.objects.update(redirect_uris=CALLBACK)
    assert oauth.exchange(code).status_code == 200


@pytest.mark.case(83)
@pytest.mark.parametrize("resource", [None, RESOURCE, "http://127.0.0.1:8000", [RESOURCE] * 2])
def test_the_audience_is_the_mcp_url_whatever_spelling_is_sent(
    oauth: OAuthClient, obtain_code: Callable[..., str], resource: Any
) -> None:
    tokens = oauth.exchange(obtain_code(), resource=resource).json()
    assert oauth.call(tokens["access_token"]).status_code == 200


@pytest.mark.case(188)
@pytest.mark.parametrize("resource", ["https://evil.example/", [RESOURCE, "https://evil.example"]])
def test_a_foreign_resource_is_refused_and_the_code_kept(
    oauth: OAuthClient, obtain_code: Callable[..., str], resource: Any
) -> None:
    code = obtain_code()
    before = photograph()
    row = refusal_of(oauth.exchange(code, resource=resource), "invalid_target")
    assert row.reason == "resource"
    assert photograph() == before
    assert oauth.exchange(code).status_code == 200


@pytest.mark.case(187)
def test_a_wider_scope_at_the_exchange_is_refused_and_the_code_kept(
    oauth: OAuthClient, obtain_code: Callable[..., str]
) -> None:
    code = obtain_code()
    before = photograph()
    row = refusal_of(oauth.exchange(code, scope="read actions"), "invalid_scope")
    assert row.reason == "scope"
    assert photograph() == before
    assert oauth.exchange(code, scope="read").json()["scope"] == "read"
