"""What bounds registration, what ends a client, and what it must leave a client to use."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.limits import REGISTRATION_ALL, REGISTRATION_SOURCE
from accounts.models import TokenBucket
from activity.models import ActivityEvent
from activity.origin import Origin
from oauth_ext import registration
from oauth_ext.models import Client
from oauth_ext.pruning import prune
from tests.conftest import Connected, World
from tests.oauth_client import CALLBACK, OAuthClient
from tests.oauth_ext.conftest import page_refusal_of, photograph, refusal_of

pytestmark = pytest.mark.django_db


def register_from(oauth: OAuthClient, address: str, name: str) -> Any:
    """Register a client of this name from this address."""
    document = {"client_name": name, "redirect_uris": [CALLBACK]}
    return oauth.http.post(
        "/register", json.dumps(document), "application/json", REMOTE_ADDR=address
    )


@pytest.mark.case(38)
def test_a_source_is_an_address_or_a_whole_ipv6_network(oauth: OAuthClient) -> None:
    assert register_from(oauth, "2001:db8:0:1::1", "a").status_code == 201
    TokenBucket.objects.filter(policy=REGISTRATION_SOURCE.name).update(tokens=0)
    refused = register_from(oauth, "2001:db8:0:1:ffff:ffff:ffff:ffff", "b")
    assert refusal_of(refused, "temporarily_unavailable", 429).reason == "registration_limit"
    assert int(refused["Retry-After"]) > 0
    assert register_from(oauth, "2001:db8:0:2::1", "b").status_code == 201
    assert register_from(oauth, "192.0.2.7", "c").status_code == 201


@pytest.mark.case(38)
def test_all_sources_together_are_limited_and_known_clients_are_not(oauth: OAuthClient) -> None:
    assert register_from(oauth, "192.0.2.1", "Known").status_code == 201
    TokenBucket.objects.filter(policy=REGISTRATION_ALL.name).update(tokens=0)
    before = photograph()
    refusal_of(register_from(oauth, "192.0.2.2", "New"), "temporarily_unavailable", 429)
    assert register_from(oauth, "192.0.2.3", "Known").status_code == 201
    assert photograph() == before


@pytest.mark.case(38)
def test_never_used_clients_are_bounded_and_those_in_use_do_not_count(
    oauth: OAuthClient,
    connect: Any,
    world: World,
    origin: Origin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registration, "MAX_UNUSED", 2)
    connect(world.alice, world.acme)
    assert oauth.register(client_name="First").status_code == 201
    assert oauth.register(client_name="Second").status_code == 201
    before = photograph()
    full = oauth.register(client_name="Third")
    assert refusal_of(full, "temporarily_unavailable", 503).reason == "registration_full"
    assert full["Retry-After"] == "3600"
    assert photograph() == before
    assert oauth.register(client_name="Second").status_code == 201
    prune(timezone.now() + timedelta(days=2), origin=origin)
    assert oauth.register(client_name="Third").status_code == 201
    # What an operator registers is the operator's own business.
    Client.objects.filter(name="Third").update(registration_source="manual")
    assert oauth.register(client_name="Fourth").status_code == 201
    assert oauth.register(client_name="Fifth").status_code == 201
    assert oauth.register(client_name="Sixth").status_code == 503


@pytest.mark.case(38)
def test_a_full_table_is_noticed_quickly(oauth: OAuthClient, db: None) -> None:
    Client.objects.bulk_create(
        [
            Client(
                client_id=f"dyn_{number}",
                client_type="public",
                authorization_grant_type="authorization-code",
                registration_source="dcr",
                redirect_uris=CALLBACK,
            )
            for number in range(registration.MAX_UNUSED - 1)
        ]
    )
    assert oauth.register(client_name="The last").status_code == 201
    with connection.execute_wrapper(hold_to(1.0)):
        assert oauth.register(client_name="One too many").status_code == 503


def hold_to(seconds: float) -> Any:
    """Fail when a statement takes longer than this."""

    def run(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        started = timezone.now()
        result = execute(sql, params, many, context)
        assert (timezone.now() - started).total_seconds() < seconds, sql
        return result

    return run


@pytest.mark.case(40)
def test_a_reaped_client_is_told_to_register_again_and_its_story_stays(
    oauth: OAuthClient, alice_acme: Connected, origin: Origin, world: World
) -> None:
    assert oauth.call(alice_acme.access_token).status_code == 200
    story = ActivityEvent.objects.filter(client_id=oauth.client_id)
    told = story.count()
    assert told > 0
    assert prune(timezone.now() + timedelta(days=91), origin=origin).clients == 1
    assert story.count() == told + 1
    for answer in (
        oauth.refresh(alice_acme.refresh_token),
        oauth.exchange("mcp_ac_x"),
        oauth.revoke(alice_acme.refresh_token),
    ):
        assert refusal_of(answer, "invalid_client", 401).reason == "client_unknown"
    oauth.sign_in(world.alice)
    page_refusal_of(oauth.open_consent(), "client_unknown")
    assert oauth.call(alice_acme.access_token).status_code == 401
    reaped, again = oauth.client_id, oauth.register().json()["client_id"]
    assert again != reaped


@pytest.mark.case(37)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "POST", "DELETE"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_registrations_are_managed_at_no_address(
    oauth: OAuthClient, method: str, slash: str
) -> None:
    body = oauth.register().json()
    assert not {"registration_client_uri", "registration_access_token"} & set(body)
    before = photograph()
    answer = oauth.http.generic(
        method,
        f"/register/{oauth.client_id}{slash}",
        json.dumps(body | {"client_name": "Another"}),
        content_type="application/json",
        headers={"Authorization": "Bearer x"},
    )
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["reference"] == answer["Reference-Id"]
    assert photograph() == before


@pytest.mark.case(27)
@pytest.mark.parametrize(
    ("grants", "responses", "status"),
    [
        (None, None, 201),
        (["authorization_code"], ["code"], 201),
        (["authorization_code", "implicit"], ["code", "token"], 201),
        (["authorization_code"], ["token"], 400),
        (["authorization_code"], ["none"], 400),
        (["authorization_code"], ["code id_token"], 400),
        (["implicit"], ["code"], 400),
        (["refresh_token"], ["code"], 400),
        (["client_credentials"], [], 400),
        (["Authorization_Code"], ["code"], 400),
    ],
)
def test_grant_and_response_types_must_leave_something_to_use(
    oauth: OAuthClient, grants: Any, responses: Any, status: int
) -> None:
    answer = oauth.register(grant_types=grants, response_types=responses)
    if status == 400:
        refusal_of(answer, "invalid_client_metadata")
        assert not Client.objects.exists()
    else:
        assert answer.status_code == 201
        assert answer.json()["grant_types"] == ["authorization_code", "refresh_token"]
        assert answer.json()["response_types"] == ["code"]


PUBLIC_KEY = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}


@pytest.mark.case(28)
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"jwks": None}, None),
        ({"jwks": {"keys": []}}, None),
        ({"jwks": {"keys": [PUBLIC_KEY]}}, None),
        ({"jwks_uri": "https://client.example/keys"}, None),
        ({"jwks": {"keys": [PUBLIC_KEY | {"d": "secret-of"}]}}, "private_key"),
        ({"jwks": {"keys": [PUBLIC_KEY, {"kty": "oct", "k": "secret-of"}]}}, "private_key"),
        ({"jwks": {"keys": [{"kty": "RSA", "n": "n", "e": "e", "p": "x"}]}}, "private_key"),
        ({"jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "d": "x"}]}}, "private_key"),
        ({"jwks": {"keys": PUBLIC_KEY}}, "bad_type"),
        ({"jwks": {"keys": ["x"]}}, "bad_type"),
        ({"jwks": {}}, "bad_type"),
        ({"jwks": "x"}, "bad_type"),
        ({"jwks": [PUBLIC_KEY]}, "bad_type"),
        ({"token_endpoint_auth_method": ["none"]}, "bad_type"),
        ({"token_endpoint_auth_method": 7}, "bad_type"),
    ],
)
def test_a_client_that_gives_its_private_key_away_is_told_so(
    oauth: OAuthClient, members: dict[str, Any], reason: str | None, log: Any
) -> None:
    answer = oauth.register(**members)
    if reason is None:
        assert answer.status_code == 201
        assert "jwks" not in answer.json()
    else:
        assert refusal_of(answer, "invalid_client_metadata").reason == reason
    kept = str(list(Client.objects.values())) + str(list(log().values()))
    assert "secret-of" not in kept
    assert Client.objects.count() == (reason is None)


@pytest.mark.case(28)
@pytest.mark.parametrize(
    "method",
    ["none", "client_secret_post", "client_secret_basic", "private_key_jwt", "nonsense", "", None],
)
def test_whatever_method_is_asked_for_the_answer_is_none_and_no_secret(
    oauth: OAuthClient, method: str | None
) -> None:
    body = oauth.register(token_endpoint_auth_method=method).json()
    assert body["token_endpoint_auth_method"] == "none"
    assert not [name for name in body if "secret" in name]
    client = Client.objects.get()
    assert (client.client_type, client.client_secret) == ("public", "")


@pytest.mark.case(30, 34)
def test_localized_members_and_statements_raise_no_trust(oauth: OAuthClient) -> None:
    extra = {
        "client_name#de": "\u202eDer Client",
        "logo_uri#de": "javascript:alert(1)",
        "redirect_uris#de": ["https://evil.example/"],
        "software_statement": "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmlzIjpbXX0.",
    }
    plain = oauth.register().json()
    assert oauth.register(**extra).json() == plain
    client = Client.objects.get()
    assert client.redirect_uri_list == (CALLBACK,)
    assert client.metadata == {"scope": "read draft actions"}
