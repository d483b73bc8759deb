"""Limits: what is counted, what is not, and that they hold when asked from many sides at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client as Browser

from accounts.limits import (
    CONSENT_PAGE,
    REGISTRATION_SOURCE,
    SIGN_IN_HERE,
    Policy,
    give_token_back,
    take_token,
)
from accounts.models import TokenBucket
from oauth_ext.models import Client
from tests.conftest import World
from tests.factories import PASSWORD
from tests.oauth_client import OAuthClient

THREE = Policy("test.three", 3, 60)


def move_back(policy: Policy, seconds: int) -> None:
    """Let this much time have passed since the last taking."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_tokenbucket SET updated_at = updated_at - make_interval(secs => %s)"
            " WHERE policy = %s",
            (seconds, policy.name),
        )


def sign_in(email: str, password: str, ip: str) -> Any:
    """One attempt from an address; allauth's own page limit is not what is asked about."""
    cache.clear()
    fields = {"login": email, "password": password}
    return Browser(REMOTE_ADDR=ip).post("/accounts/login", fields)


def test_a_bucket_empties_refills_evenly_and_never_overflows(db: None) -> None:
    assert [take_token(THREE, "a") for _ in range(4)] == [True, True, True, False]
    assert take_token(THREE, "b")
    move_back(THREE, 20)
    assert [take_token(THREE, "a") for _ in range(2)] == [True, False]
    move_back(THREE, 100_000)
    assert [take_token(THREE, "a") for _ in range(4)] == [True, True, True, False]
    give_token_back(THREE, "a")
    assert take_token(THREE, "a")
    assert THREE.retry_after == 20


def test_what_is_counted_is_not_readable(db: None) -> None:
    take_token(THREE, "alice@acme.example")
    assert len(TokenBucket.objects.get().key) == 64


@pytest.mark.django_db(transaction=True)
def test_thirty_at_once_get_no_more_than_there_is() -> None:
    key = str(uuid4())

    def take(_: int) -> bool:
        try:
            return take_token(THREE, key)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(take, range(30))) == 3


def test_a_guesser_is_stopped_and_the_person_elsewhere_is_not(world: World, log: Any) -> None:
    for _ in range(SIGN_IN_HERE.capacity):
        sign_in("alice@acme.example", "wrong", "192.0.2.1")
    stopped = sign_in("alice@acme.example", PASSWORD, "192.0.2.1")
    assert stopped.status_code == 200
    assert log().filter(reason="too_many_attempts").count() == 1
    assert sign_in("alice@acme.example", PASSWORD, "192.0.2.2").status_code == 302
    move_back(SIGN_IN_HERE, SIGN_IN_HERE.seconds)
    assert sign_in("alice@acme.example", PASSWORD, "192.0.2.1").status_code == 302


def test_right_passwords_do_not_count(world: World) -> None:
    for _ in range(SIGN_IN_HERE.capacity + 2):
        assert sign_in("alice@acme.example", PASSWORD, "192.0.2.1").status_code == 302


def test_new_clients_are_limited_and_known_ones_are_not(oauth: OAuthClient, log: Any) -> None:
    assert oauth.register(client_name="Known").status_code == 201
    TokenBucket.objects.filter(policy=REGISTRATION_SOURCE.name).update(tokens=0)
    before = Client.objects.count()
    refused = oauth.register(client_name="One more")
    assert refused.status_code == 429
    assert refused["Retry-After"] == str(REGISTRATION_SOURCE.retry_after)
    assert refused.json()["error"] == "temporarily_unavailable"
    assert log().with_reference(refused["Reference-Id"]).get().reason == "registration_limit"
    assert Client.objects.count() == before
    assert oauth.register(client_name="Known").status_code == 201


def test_consent_pages_are_limited_for_each_person(oauth: OAuthClient, world: World) -> None:
    oauth.register()
    oauth.sign_in(world.alice)
    for _ in range(CONSENT_PAGE.capacity):
        assert oauth.open_consent().status_code == 200
    refused = oauth.open_consent()
    assert refused.status_code == 429
    assert refused["Retry-After"]
    oauth.sign_in(world.ben)
    assert oauth.open_consent().status_code == 200
