"""RFC 7591: what real clients send, and what they get."""

from typing import Any

import pytest

from oauth_ext.models import Client
from tests.oauth_client import CALLBACK, OAuthClient
from tests.oauth_ext.real_clients import BOTH_GRANTS, CURSOR, CURSOR_WEB, REAL_CLIENTS


@pytest.mark.case(11)
@pytest.mark.parametrize("name", REAL_CLIENTS)
def test_real_client_is_registered_as_a_public_client(oauth: OAuthClient, name: str, log) -> None:
    document = REAL_CLIENTS[name]
    answer = oauth.register(**document)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    client = Client.objects.get(client_id=body["client_id"])
    assert body["redirect_uris"] == document["redirect_uris"] == list(client.redirect_uri_list)
    assert body["token_endpoint_auth_method"] == "none"
    assert body["grant_types"] == BOTH_GRANTS
    assert body["response_types"] == ["code"]
    assert body["client_name"] == document.get("client_name", "Test client") == client.name
    assert not {"client_secret", "client_secret_expires_at"} & set(body)
    assert not {"registration_client_uri", "registration_access_token"} & set(body)
    assert set(body["scope"].split()) <= {"read", "draft", "actions"}
    assert body["scope"]
    assert (client.client_type, client.client_secret) == ("public", "")
    row = log().get()
    assert (row.event, row.client_id) == ("oauth.client.registered", client.client_id)


@pytest.mark.case(11)
def test_response_says_when_and_what_and_is_never_cached(oauth: OAuthClient) -> None:
    answer = oauth.register(client_uri="https://client.example", software_id="x", logo_uri=None)
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Pragma"] == "no-cache"
    assert not answer.cookies
    body = answer.json()
    created = Client.objects.get().created
    assert body == {
        "client_id": oauth.client_id,
        "client_id_issued_at": int(created.timestamp()),
        "client_name": "Test client",
        "redirect_uris": [CALLBACK],
        "grant_types": BOTH_GRANTS,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "read draft actions",
        "client_uri": "https://client.example",
        "software_id": "x",
    }


@pytest.mark.case(41)
def test_client_id_is_unguessable_and_not_a_url(oauth: OAuthClient) -> None:
    oauth.register()
    kind, _, random = oauth.client_id.partition("_")
    assert kind == "dyn"
    assert len(bytes.fromhex(random)) == 16


def test_the_same_registration_is_the_same_client(oauth: OAuthClient, log) -> None:
    first = oauth.register(redirect_uris=[CALLBACK, "https://client.example/2"]).json()
    again = oauth.register(redirect_uris=["https://client.example/2", CALLBACK]).json()
    assert again == first
    assert Client.objects.count() == 1
    assert log().count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"client_name": "Test client 2"},
        {"redirect_uris": ["https://client.example/callback/"]},
        {"redirect_uris": [CALLBACK, "https://client.example/2"]},
        {"scope": "read"},
        {"software_id": "1"},
        {"client_uri": "https://client.example"},
    ],
)
def test_another_registration_is_another_client(oauth: OAuthClient, change: dict[str, Any]) -> None:
    first = oauth.register().json()["client_id"]
    assert oauth.register(**change).json()["client_id"] != first
    assert Client.objects.count() == 2


@pytest.mark.case(186)
def test_a_disabled_client_stays_disabled_when_it_registers_again(oauth: OAuthClient) -> None:
    oauth.register()
    Client.objects.update(disabled_at="2026-01-01T00:00:00Z")
    oauth.register()
    assert oauth.refresh("mcp_rt_x").json()["error"] == "invalid_client"


@pytest.mark.case(25)
def test_unknown_private_use_schemes_are_left_out_and_the_rest_registered(
    oauth: OAuthClient, log
) -> None:
    answer = oauth.register(redirect_uris=["someapp://callback", CURSOR, CURSOR_WEB])
    assert answer.status_code == 201
    assert answer.json()["redirect_uris"] == [CURSOR, CURSOR_WEB]
    assert log().get().details["dropped_redirect_uris"] == ["someapp://callback"]


def test_repeated_redirect_uris_are_registered_once(oauth: OAuthClient) -> None:
    answer = oauth.register(redirect_uris=[CALLBACK, CALLBACK])
    assert answer.json()["redirect_uris"] == [CALLBACK]


@pytest.mark.case(32)
@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("read", "read"),
        ("actions read", "read actions"),
        ("read admin openid * offline_access", "read"),
        ("admin", "read draft actions"),
        ("", "read draft actions"),
        (None, "read draft actions"),
        ("READ", "read draft actions"),
    ],
)
def test_scope_is_reduced_to_what_exists_and_echoed(
    oauth: OAuthClient, asked: str | None, kept: str
) -> None:
    assert oauth.register(scope=asked).json()["scope"] == kept


@pytest.mark.case(26)
@pytest.mark.parametrize(
    "grants",
    [
        None,
        [],
        ["authorization_code"],
        [*BOTH_GRANTS, "implicit", "password", "client_credentials"],
        ["authorization_code", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
    ],
)
def test_other_grants_are_dropped_and_what_is_left_is_echoed(
    oauth: OAuthClient, grants: list[str] | None
) -> None:
    assert oauth.register(grant_types=grants).json()["grant_types"] == BOTH_GRANTS


@pytest.mark.case(30, 33, 34)
def test_unknown_members_are_ignored_and_assign_nothing(oauth: OAuthClient) -> None:
    extra = {
        "client_id": "https://evil.example/client",
        "client_secret": "chosen by the client",
        "client_type": "confidential",
        "skip_authorization": True,
        "trusted": True,
        "user": 1,
        "user_id": 1,
        "organization": 1,
        "registration_source": "manual",
        "disabled_at": None,
        "metadata_digest": "0",
        "registered_ip": "203.0.113.9",
        "software_statement": "eyJhbGciOiJub25lIn0.e30.",
        "client_name#fr": "<b>Le client</b>",
        "logo_uri#fr": "javascript:alert(1)",
        "contacts": ["a@client.example"],
        "jwks_uri": "https://client.example/keys",
        "algorithm": "HS256",
    }
    body = oauth.register(**extra).json()
    client = Client.objects.get()
    assert not set(extra) - {"client_id"} & set(body)
    assert body["client_id"].startswith("dyn_")
    assert (client.client_type, client.client_secret, client.user_id) == ("public", "", None)
    assert (client.skip_authorization, client.registered_ip) == (False, "127.0.0.1")
    assert client.metadata == {"scope": "read draft actions"}


@pytest.mark.case(110)
def test_a_bad_link_is_left_out(oauth: OAuthClient) -> None:
    answer = oauth.register(
        client_uri="javascript:alert(1)",
        logo_uri="http://client.example/x",
        tos_uri='https://client.example/"onclick=',
        policy_uri="https://client.example/policy",
    ).json()
    assert answer["policy_uri"] == "https://client.example/policy"
    assert not {"client_uri", "logo_uri"} & set(answer)


@pytest.mark.case(31)
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  Spaced \t out\n", "Spaced out"),
        ("Cafe\u0301", "Café"),
        ("Good\u202eelif", "Goodelif"),
        ("Zero\u200bwidth\u2060\ufeff", "Zerowidth"),
        ("Bell\x07\x1b[31mred", "Bell [31mred"),
        ("\u200b\u202e", None),
        ("", None),
        (None, None),
        ("x" * 120, "x" * 120),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_name_is_made_fit_to_be_seen(
    oauth: OAuthClient, sent: str | None, kept: str | None
) -> None:
    answer = oauth.register(client_name=sent)
    assert answer.status_code == 201
    assert answer.json().get("client_name") == kept
    assert Client.objects.get().name == (kept or "")


@pytest.mark.case(31, 106)
def test_a_flood_of_combining_marks_is_not_kept(oauth: OAuthClient) -> None:
    answer = oauth.register(client_name="A" + "\u0303\u0330" * 50)
    assert answer.status_code == 400 or len(answer.json()["client_name"]) < 10


@pytest.mark.case(35, 36)
def test_registering_is_nobodys_doing_whatever_cookies_come_along(
    oauth: OAuthClient, world, log
) -> None:
    oauth.sign_in(world.alice)
    oauth.http.cookies = oauth.browser.cookies
    assert oauth.register().status_code == 201
    assert Client.objects.get().user_id is None
    assert log().get().user_id is None


@pytest.mark.case(37)
@pytest.mark.parametrize("path", ["/register/", "/register/dyn_x", "/register/dyn_x/"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_registrations_cannot_be_managed(oauth: OAuthClient, path: str, method: str) -> None:
    oauth.register()
    answer = oauth.http.generic(method, path.replace("dyn_x", oauth.client_id))
    # Without a CSRF token every unknown path is as closed as it is absent.
    assert answer.status_code in (403, 404)
    assert oauth.client_id not in answer.content.decode()
