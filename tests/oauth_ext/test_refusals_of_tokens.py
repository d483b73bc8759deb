"""The seven ways in which a token is refused: what the client reads, and what the log knows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Membership, Organization, User
from activity.models import ActivityEvent
from oauth_ext.models import Client, Connection, TokenFamily
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.tokens_by_hand import ABSENT, changed, claims_of, sign

pytestmark = pytest.mark.django_db

METADATA = "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp"


@dataclass(frozen=True, slots=True)
class Case:
    """What happened, what the client is told, why according to the log."""

    happened: Callable[[World], Any]
    told: str
    reason: str


CASES = {
    "user switched off": Case(
        lambda world: User.objects.filter(id=world.alice.id).update(is_active=False),
        "Token is revoked or expired",
        "user_inactive",
    ),
    "family revoked": Case(
        lambda world: TokenFamily.objects.update(revoked_at=timezone.now()),
        "Token is revoked or expired",
        "token_revoked",
    ),
    "family at its end": Case(
        lambda world: TokenFamily.objects.update(expires_at=timezone.now() - timedelta(hours=1)),
        "Token is revoked or expired",
        "token_revoked",
    ),
    "user deleted": Case(
        lambda world: world.alice.delete(), "Token is revoked or expired", "connection_unknown"
    ),
    "client deleted": Case(
        lambda world: Client.objects.all().delete(),
        "Token is revoked or expired",
        "connection_unknown",
    ),
    "membership ended": Case(
        lambda world: Membership.objects.filter(user=world.alice).delete(),
        "User has no organization",
        "membership_ended",
    ),
    "organization deleted": Case(
        lambda world: world.acme.delete(), "Account not found", "organization_not_found"
    ),
    "organization suspended": Case(
        lambda world: Organization.objects.update(is_active=False),
        "Account is inactive",
        "organization_inactive",
    ),
    "disconnected": Case(
        lambda world: Connection.objects.update(revoked_at=timezone.now()),
        "Application has been disconnected",
        "connection_revoked",
    ),
    "client switched off": Case(
        lambda world: Client.objects.update(disabled_at=timezone.now()),
        "Application has been switched off",
        "client_disabled",
    ),
}


def check(answer: Any, told: str, reason: str) -> ActivityEvent:
    """A 401 with this text, and the row that its Reference-Id leads to."""
    assert answer.status_code == 401
    assert f'error_description="{told}"' in answer["WWW-Authenticate"]
    assert f'resource_metadata="{METADATA}"' in answer["WWW-Authenticate"]
    error = answer.json()["error"]
    assert error["data"]["error_description"] == told
    assert error["data"]["reference"] == answer["Reference-Id"]
    row = ActivityEvent.objects.with_reference(answer["Reference-Id"]).get()
    assert (row.event, row.outcome, row.reason) == ("mcp.token.refused", "refused", reason)
    assert row.http_status == 401
    return row


def test_missing_bearer_token(oauth: OAuthClient) -> None:
    answer = oauth.http.post("/mcp", "{}", "application/json")
    assert answer.status_code == 401
    assert answer.json()["error"]["data"]["error_description"] == "Missing bearer token"
    assert answer["WWW-Authenticate"] == (
        f'Bearer resource_metadata="{METADATA}", scope="read draft actions"'
    )
    row = ActivityEvent.objects.with_reference(answer["Reference-Id"]).get()
    assert row.reason == "missing_bearer_token"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": "https://evil.example"}, "jwt_iss"),
        ({"aud": "https://evil.example/mcp"}, "jwt_aud"),
        ({"jti": ABSENT}, "jwt_claims"),
    ],
)
def test_invalid_token(
    oauth: OAuthClient, alice_acme: Connected, change: dict[str, Any], reason: str
) -> None:
    check(oauth.call(sign(changed(claims_of(alice_acme), change))), "Invalid token", reason)
    forged = alice_acme.access_token[:-8] + "AAAAAAAA"
    check(oauth.call(forged), "Invalid token", "jwt_signature")


def test_user_has_no_organization_when_the_token_names_none(
    oauth: OAuthClient, alice_acme: Connected, world: World
) -> None:
    token = sign(changed(claims_of(alice_acme), {"org_id": ABSENT}))
    row = check(oauth.call(token), "User has no organization", "no_organization")
    assert row.user_id == world.alice.id


@pytest.mark.case(237, 263, 265, 267)
@pytest.mark.parametrize("name", CASES)
def test_what_happened_since_is_told_and_found(
    oauth: OAuthClient, alice_acme: Connected, world: World, name: str
) -> None:
    case = CASES[name]
    user_id, organization_id = world.alice.id, world.acme.id
    connection_id, client_id = alice_acme.connection.id, oauth.client_id
    assert oauth.call(alice_acme.access_token).status_code == 200
    case.happened(world)
    row = check(oauth.call(alice_acme.access_token), case.told, case.reason)
    assert (row.user_id, row.organization_id) == (user_id, organization_id)
    assert (row.connection_id, row.client_id) == (connection_id, client_id)
