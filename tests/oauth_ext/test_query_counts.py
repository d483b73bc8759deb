"""What a token costs the database; the ceilings are the house's.

Statements are counted, not the savepoints that a test's own transaction makes of a transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from oauth_ext.models import OrganizationPolicy
from oauth_ext.verification import verify_bearer
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db

CONTROL = ("SAVEPOINT", "RELEASE SAVEPOINT", "BEGIN", "COMMIT")


@contextmanager
def at_most(ceiling: int) -> Iterator[None]:
    """Fail with the statements if there were more."""
    with CaptureQueriesContext(connection) as captured:
        yield
    statements = [
        query["sql"] for query in captured if not query["sql"].upper().startswith(CONTROL)
    ]
    listed = "\n".join(statements)
    assert len(statements) <= ceiling, f"{len(statements)} statements:\n{listed}"


def test_verifying_a_token_is_one_query(alice_acme: Connected, world: World) -> None:
    OrganizationPolicy.objects.create(organization=world.acme, max_idle_days=1)
    verify_bearer(alice_acme.access_token)
    for token in (alice_acme.access_token,) * 2:
        with at_most(1):
            verify_bearer(token)


def test_verifying_a_personal_token_is_one_query(mint: Callable[..., str], world: World) -> None:
    secret = mint(world.alice, world.acme)
    for _ in range(2):
        with at_most(1):
            verify_bearer(secret)
        OrganizationPolicy.objects.get_or_create(organization=world.acme, max_idle_days=1)


def test_exchanging_a_code_is_at_most_eight(
    oauth: OAuthClient, obtain_code: Callable[..., str]
) -> None:
    code = obtain_code()
    with at_most(8):
        assert oauth.exchange(code).status_code == 200


def test_refreshing_is_at_most_nine(oauth: OAuthClient, alice_acme: Connected) -> None:
    with at_most(9):
        second = oauth.refresh(alice_acme.refresh_token).json()
    with at_most(9):
        assert oauth.refresh(second["refresh_token"]).status_code == 200


def test_repeating_a_refresh_costs_no_more(oauth: OAuthClient, alice_acme: Connected) -> None:
    oauth.refresh(alice_acme.refresh_token)
    with at_most(9):
        assert oauth.refresh(alice_acme.refresh_token).status_code == 200


@pytest.mark.case(211)
def test_ending_a_long_family_costs_no_more_than_a_short_one(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    token = alice_acme.refresh_token
    for _ in range(12):
        token = oauth.refresh(token).json()["refresh_token"]
    # One more than a refresh: the refusal is counted.
    with at_most(10):
        assert oauth.refresh(alice_acme.refresh_token).status_code == 400


@pytest.mark.parametrize("path", ["oauth-authorization-server", "jwks.json"])
def test_discovery_asks_the_database_nothing(oauth: OAuthClient, path: str) -> None:
    with at_most(0):
        assert oauth.http.get(f"/.well-known/{path}").status_code == 200
