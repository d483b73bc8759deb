"""Limits: what is counted, what is not, and that they hold when asked from many sides at once."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, connections
from django.test import Client as Browser

from accounts.limits import (
    CONSENT_PAGE,
    HOSTED_FACTOR,
    REGISTRATION_SOURCE,
    SIGN_IN_ACCOUNT,
    SIGN_IN_HERE,
    SIGN_IN_NETWORK,
    SIGN_IN_RIGHT,
    SIGN_IN_SOURCE,
    Policy,
    give_token_back,
    list_sign_in_buckets,
    take_token,
    take_tokens,
    widen_for,
)
from accounts.models import TokenBucket
from oauth_ext.models import AuthorizationCode, Client
from tests.buckets import leave_tokens
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
    """One attempt from an address."""
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


@pytest.mark.case(361)
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


@pytest.mark.case(353)
def test_a_guesser_is_stopped_and_the_person_elsewhere_is_not(world: World, log: Any) -> None:
    for _ in range(SIGN_IN_HERE.capacity):
        sign_in("alice@acme.example", "wrong", "192.0.2.1")
    stopped = sign_in("alice@acme.example", PASSWORD, "192.0.2.1")
    assert stopped.status_code == 429
    assert stopped["Retry-After"] == str(SIGN_IN_HERE.retry_after)
    assert log().filter(reason="too_many_attempts").count() == 1
    assert sign_in("alice@acme.example", PASSWORD, "192.0.2.2").status_code == 302
    move_back(SIGN_IN_HERE, SIGN_IN_HERE.seconds)
    assert sign_in("alice@acme.example", PASSWORD, "192.0.2.1").status_code == 302


@pytest.mark.case(353)
def test_all_spellings_of_an_address_share_its_buckets_and_look_alikes_have_theirs() -> None:
    mine = list_sign_in_buckets("alice@acme.example", "192.0.2.1")
    assert list_sign_in_buckets(" ALICE@Acme.example ", "192.0.2.1") == mine
    other = list_sign_in_buckets("al\u0131ce@acme.example", "192.0.2.1")
    assert [a == b for a, b in zip(mine, other, strict=True)] == [True, False, False, False]


def test_right_passwords_do_not_count_as_wrong_ones(world: World) -> None:
    for _ in range(SIGN_IN_HERE.capacity + 2):
        assert sign_in("alice@acme.example", PASSWORD, "192.0.2.1").status_code == 302


@pytest.mark.case(353)
def test_a_loop_of_right_passwords_is_stopped_and_soon_not_hashed(world: World, log: Any) -> None:
    sign_in("alice@acme.example", PASSWORD, "192.0.2.1")
    leave_tokens(SIGN_IN_RIGHT, 1)
    assert sign_in("alice@acme.example", PASSWORD, "192.0.2.1").status_code == 302
    leave_tokens(SIGN_IN_RIGHT, 0)
    sessions = Session.objects.count()
    policies = []
    for _ in range(SIGN_IN_HERE.capacity + 1):
        stopped = sign_in("alice@acme.example", PASSWORD, "192.0.2.1")
        assert stopped.status_code == 429
        policies.append(log().with_reference(stopped["Reference-Id"]).get().details["policy"])
    assert policies == [SIGN_IN_RIGHT.name] * SIGN_IN_HERE.capacity + [SIGN_IN_HERE.name]
    assert Session.objects.count() == sessions
    assert not log().filter(event="accounts.sign_in.succeeded")[2:]
    assert sign_in("ben@acme.example", PASSWORD, "192.0.2.1").status_code == 302


@pytest.mark.case(353, 361)
def test_a_flood_of_invented_accounts_makes_a_bounded_number_of_buckets(db: None) -> None:
    assert sign_in("nobody@evil.example", "wrong", "192.0.2.1").status_code == 200
    leave_tokens(SIGN_IN_SOURCE, 1)
    assert sign_in("nobody1@evil.example", "wrong", "192.0.2.1").status_code == 200
    leave_tokens(SIGN_IN_SOURCE, 0)
    assert sign_in("nobody2@evil.example", "wrong", "192.0.2.1").status_code == 429
    assert TokenBucket.objects.filter(policy=SIGN_IN_HERE.name).count() == 2
    assert all(len(key) == 64 for key in TokenBucket.objects.values_list("key", flat=True))


@pytest.mark.case(353, 354)
def test_guessing_at_one_account_from_many_sources_is_stopped_too(world: World, log: Any) -> None:
    sign_in("alice@acme.example", "wrong", "192.0.2.1")
    leave_tokens(SIGN_IN_ACCOUNT, 1)
    assert sign_in("alice@acme.example", "wrong", "192.0.2.3").status_code == 200
    leave_tokens(SIGN_IN_ACCOUNT, 0)
    stopped = sign_in("alice@acme.example", PASSWORD, "192.0.2.2")
    assert stopped.status_code == 429
    row = log().with_reference(stopped["Reference-Id"]).get()
    assert (row.event, row.reason) == ("accounts.sign_in.failed", "too_many_attempts")
    assert row.details["policy"] == SIGN_IN_ACCOUNT.name
    assert sign_in("ben@acme.example", PASSWORD, "192.0.2.3").status_code == 302


@pytest.mark.case(353, 354)
def test_no_network_keeps_everybody_out(world: World) -> None:
    for subnet in range(100):
        for number in range(SIGN_IN_SOURCE.capacity):
            ip = f"2001:db8:1:{subnet:x}::1"
            take_tokens(list_sign_in_buckets(f"{subnet}.{number}@nowhere.example", ip))
    assert sign_in("alice@acme.example", PASSWORD, "203.0.113.9").status_code == 302


@pytest.mark.case(353)
@pytest.mark.parametrize(
    "sources",
    [
        [f"198.51.100.{number}" for number in range(1, 11)],
        [f"2001:db8:1:{number:x}::1" for number in range(50)],
    ],
)
def test_ten_addresses_or_one_network_never_use_up_an_account(
    world: World, sources: list[str]
) -> None:
    refused = {
        policy.name
        for _ in range(8)
        for ip in sources
        if (policy := take_tokens(list_sign_in_buckets("alice@acme.example", ip)))
    }
    assert refused and refused <= {SIGN_IN_HERE.name, SIGN_IN_NETWORK.name}
    assert sum(SIGN_IN_HERE.capacity for _ in range(10)) < SIGN_IN_ACCOUNT.capacity
    assert sign_in("alice@acme.example", PASSWORD, "203.0.113.9").status_code == 302


@pytest.mark.case(353)
def test_a_whole_ipv6_customer_is_one_source_and_the_next_is_another(world: World) -> None:
    for number in range(SIGN_IN_HERE.capacity):
        sign_in("alice@acme.example", "wrong", f"2001:db8:1:2::{number + 1:x}")
    assert sign_in("alice@acme.example", PASSWORD, "2001:db8:1:2:ffff::1").status_code == 429
    assert sign_in("alice@acme.example", PASSWORD, "2001:db8:1:3::1").status_code == 302


def test_an_empty_bucket_is_only_read(db: None) -> None:
    assert [take_token(THREE, "a") for _ in range(3)] == [True] * 3
    before = TokenBucket.objects.values().get()
    assert not take_token(THREE, "a")
    assert TokenBucket.objects.values().get() == before


@pytest.mark.parametrize(
    ("ip", "capacity"),
    [
        ("160.79.103.255", 3),
        ("160.79.104.0", 3 * HOSTED_FACTOR),
        ("160.79.111.255", 3 * HOSTED_FACTOR),
        ("160.79.112.0", 3),
        ("2607:6bc0::1", 3),
        (None, 3),
    ],
)
def test_what_counts_by_source_is_wider_for_hosted_assistants(
    ip: str | None, capacity: int
) -> None:
    assert widen_for(THREE, ip).capacity == capacity


def test_which_networks_are_hosted_assistants_is_a_setting(settings: Any) -> None:
    settings.HOSTED_ASSISTANT_NETWORKS = [ip_network("2607:6bc0::/48")]
    assert widen_for(THREE, "2607:6bc0::1").capacity == 3 * HOSTED_FACTOR
    assert widen_for(THREE, "160.79.104.1").capacity == 3


def test_hosted_assistants_register_more_from_one_address(oauth: OAuthClient) -> None:
    statuses = {}
    for ip in ("160.79.104.10", "192.0.2.1"):
        TokenBucket.objects.all().delete()
        oauth.http = Browser(raise_request_exception=False, REMOTE_ADDR=ip)
        oauth.register(client_name=f"First of {ip}")
        bucket = TokenBucket.objects.get(policy=REGISTRATION_SOURCE.name)
        bucket.tokens -= REGISTRATION_SOURCE.capacity - 1
        bucket.save()
        statuses[ip] = oauth.register(client_name=f"Sixty-first of {ip}").status_code
    assert statuses == {"160.79.104.10": 201, "192.0.2.1": 429}


@pytest.mark.case(38)
def test_new_clients_are_limited_and_known_ones_are_not(oauth: OAuthClient, log: Any) -> None:
    assert oauth.register(client_name="Known").status_code == 201
    leave_tokens(REGISTRATION_SOURCE, 0)
    before = Client.objects.count()
    refused = oauth.register(client_name="One more")
    assert refused.status_code == 429
    assert refused["Retry-After"] == str(REGISTRATION_SOURCE.retry_after)
    assert refused.json()["error"] == "temporarily_unavailable"
    assert log().with_reference(refused["Reference-Id"]).get().reason == "registration_limit"
    assert Client.objects.count() == before
    assert oauth.register(client_name="Known").status_code == 201


@pytest.mark.case(358)
def test_consent_pages_are_limited_for_each_person(
    oauth: OAuthClient, world: World, log: Any
) -> None:
    oauth.register()
    oauth.sign_in(world.alice)
    assert oauth.open_consent().status_code == 200
    leave_tokens(CONSENT_PAGE, 1)
    assert oauth.open_consent().status_code == 200
    leave_tokens(CONSENT_PAGE, 0)
    refused = oauth.open_consent()
    assert refused.status_code == 429
    assert refused["Retry-After"] == str(CONSENT_PAGE.retry_after)
    row = log().with_reference(refused["Reference-Id"]).get()
    assert (row.reason, row.details["policy"]) == ("too_many_attempts", CONSENT_PAGE.name)
    assert AuthorizationCode.objects.count() == 0
    oauth.sign_in(world.ben)
    assert oauth.open_consent().status_code == 200
