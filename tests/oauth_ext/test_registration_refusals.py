"""RFC 7591 §3.2.2: what may not be registered. Each is the nearest neighbour of what may."""

import json
from typing import Any

import pytest

from oauth_ext.models import Client
from tests.oauth_client import CALLBACK, OAuthClient
from tests.oauth_ext.conftest import refusal_of

METADATA = "invalid_client_metadata"
REDIRECT = "invalid_redirect_uri"


def send(
    oauth: OAuthClient, body: bytes, content_type: str = "application/json", **headers: str
) -> Any:
    """POST /register with exactly these bytes."""
    # Django's client leaves the type out of a request without a body unless it is told twice.
    return oauth.http.generic(
        "POST",
        "/register",
        body,
        content_type=content_type,
        headers=headers,
        CONTENT_TYPE=content_type,
    )


def document(**members: Any) -> bytes:
    """A registration that is accepted unless a member changes that."""
    return json.dumps({"client_name": "C", "redirect_uris": [CALLBACK]} | members).encode()


def test_the_neighbour_of_every_refusal_below_is_accepted(oauth: OAuthClient) -> None:
    assert send(oauth, document()).status_code == 201


@pytest.mark.case(12, 15, 16)
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", METADATA),
        (b" ", METADATA),
        (b"{", METADATA),
        (b"[]", METADATA),
        (b"null", METADATA),
        (b"7", METADATA),
        (b'"text"', METADATA),
        (b"{}", REDIRECT),
        (document() + b"x", METADATA),
        (document() + document(), METADATA),
        (b"\xef\xbb\xbf" + document(), METADATA),
        (document().decode().encode("utf-16"), METADATA),
        (b'{"redirect_uris": ["https://client.example/\xff"]}', METADATA),
        (b'{"client_name": "\\ud800", "redirect_uris": ["https://c.example/"]}', METADATA),
        (b'{"client_name": "a\\u0000b", "redirect_uris": ["https://c.example/"]}', METADATA),
        (b'{"redirect_uris": ["https://c.example/\\u0000"]}', METADATA),
        (b'{"\\u0000": 1, "redirect_uris": ["https://c.example/"]}', METADATA),
        (b'{"x": NaN, "redirect_uris": ["https://c.example/"]}', METADATA),
        (b'{"x": -Infinity, "redirect_uris": ["https://c.example/"]}', METADATA),
        (b'{"x": 1e400, "redirect_uris": ["https://c.example/"]}', METADATA),
        (b'{"x": ' + b"9" * 5000 + b', "redirect_uris": ["https://c.example/"]}', METADATA),
        (
            b'{"redirect_uris": ["https://a.example/"], "redirect_uris": ["https://b.example/"]}',
            METADATA,
        ),
        (b'{"x": ' + b"[" * 8000 + b"]" * 8000 + b"}", METADATA),
        (b'{"x": ' + b'{"a":' * 2500 + b"1" + b"}" * 2500 + b"}", METADATA),
    ],
)
def test_a_body_that_is_not_one_strict_json_object_is_refused(
    oauth: OAuthClient, body: bytes, error: str
) -> None:
    row = refusal_of(send(oauth, body), error)
    assert row.event == "oauth.registration.refused"
    assert Client.objects.count() == 0


@pytest.mark.case(17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 31)
@pytest.mark.parametrize(
    ("members", "error", "reason"),
    [
        ({"client_name": {"en": "C"}}, METADATA, "bad_type"),
        ({"client_name": ["C"]}, METADATA, "bad_type"),
        ({"client_name": 7}, METADATA, "bad_type"),
        ({"client_name": True}, METADATA, "bad_type"),
        ({"client_name": "x" * 121}, METADATA, "name_rejected"),
        ({"client_name": "x" * 10_000}, METADATA, "bad_type"),
        ({"scope": ["read"]}, METADATA, "bad_type"),
        ({"scope": "read " * 1000}, METADATA, "bad_type"),
        ({"software_id": 1}, METADATA, "bad_type"),
        ({"logo_uri": {"x": 1}}, METADATA, "bad_type"),
        ({"client_uri": "https://c.example/" + "a" * 2048}, METADATA, "bad_type"),
        ({"grant_types": "authorization_code"}, METADATA, "bad_type"),
        ({"grant_types": [1]}, METADATA, "bad_type"),
        ({"grant_types": {"authorization_code": 1}}, METADATA, "bad_type"),
        ({"grant_types": ["client_credentials"]}, METADATA, "grant_type"),
        ({"grant_types": ["refresh_token"]}, METADATA, "grant_type"),
        ({"grant_types": ["implicit", "password"]}, METADATA, "grant_type"),
        ({"response_types": "code"}, METADATA, "bad_type"),
        ({"response_types": ["token"]}, METADATA, "inconsistent"),
        ({"response_types": ["code token"]}, METADATA, "inconsistent"),
        ({"redirect_uris": None}, REDIRECT, "redirect_missing"),
        ({"redirect_uris": []}, REDIRECT, "redirect_missing"),
        ({"redirect_uris": CALLBACK}, REDIRECT, "redirect_missing"),
        ({"redirect_uris": {"0": CALLBACK}}, REDIRECT, "redirect_missing"),
        ({"redirect_uris": [""]}, REDIRECT, "redirect_chars"),
        ({"redirect_uris": [CALLBACK, None]}, REDIRECT, "bad_type"),
        ({"redirect_uris": [CALLBACK, 7]}, REDIRECT, "bad_type"),
        ({"redirect_uris": [[CALLBACK]]}, REDIRECT, "bad_type"),
        ({"redirect_uris": ["someapp://callback"]}, REDIRECT, "redirect_scheme"),
        ({"redirect_uris": [f"{CALLBACK} https://evil.example/"]}, REDIRECT, "redirect_chars"),
        ({"redirect_uris": [f"{CALLBACK}\thttps://evil.example/"]}, REDIRECT, "redirect_chars"),
        ({"redirect_uris": [f"{CALLBACK}\nhttps://evil.example/"]}, REDIRECT, "redirect_chars"),
        ({"redirect_uris": [CALLBACK, "javascript:alert(1)"]}, REDIRECT, "redirect_scheme"),
        ({"redirect_uris": [CALLBACK, "http://evil.example/"]}, REDIRECT, "redirect_loopback"),
        ({"redirect_uris": ["http://localhost.evil.example/"]}, REDIRECT, "redirect_loopback"),
        ({"redirect_uris": [f"{CALLBACK}#"]}, REDIRECT, "redirect_chars"),
        ({"redirect_uris": ["https://u@client.example/"]}, REDIRECT, "redirect_chars"),
        ({"redirect_uris": ["https://*.client.example/"]}, REDIRECT, "redirect_chars"),
        ({"redirect_uris": ["https://bücher.example/"]}, REDIRECT, "redirect_chars"),
        ({"redirect_uris": ["http://127.0.0.1:8000/mcp", "x:" + "a" * 2048]}, REDIRECT, None),
        (
            {"redirect_uris": [f"https://client.example/{n}" for n in range(11)]},
            REDIRECT,
            "redirect_count",
        ),
    ],
)
def test_refused_metadata_registers_nothing(
    oauth: OAuthClient, members: dict[str, Any], error: str, reason: str | None, log
) -> None:
    row = refusal_of(send(oauth, document(**members)), error)
    assert row.event == "oauth.registration.refused"
    assert reason in (None, row.reason)
    assert Client.objects.count() == 0
    assert log().count() == 1


def test_ten_redirect_uris_are_the_most(oauth: OAuthClient) -> None:
    ten = [f"https://client.example/{n}" for n in range(10)]
    assert send(oauth, document(redirect_uris=ten)).json()["redirect_uris"] == ten


@pytest.mark.case(28)
@pytest.mark.parametrize(
    "members",
    [
        {"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "secret"}]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "secret"}]}},
        {"client_secret": "secret-of-the-client"},
    ],
)
def test_key_material_of_a_client_is_stored_nowhere(
    oauth: OAuthClient, members: dict[str, Any], log
) -> None:
    send(oauth, document(**members))
    kept = str(list(Client.objects.values())) + str(list(log().values()))
    assert "secret-of" not in kept and "'d'" not in kept and "'k'" not in kept


@pytest.mark.case(13)
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonx",
        "application/json, text/plain",
        "text/json",
    ],
)
def test_only_json_is_taken(oauth: OAuthClient, content_type: str) -> None:
    row = refusal_of(send(oauth, document(), content_type), "invalid_request", 415)
    assert row.reason == "bad_content_type"
    assert Client.objects.count() == 0


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/json;charset=UTF-8"]
)
def test_json_may_name_its_charset(oauth: OAuthClient, content_type: str) -> None:
    assert send(oauth, document(), content_type).status_code == 201


@pytest.mark.case(190)
def test_a_compressed_body_is_not_unpacked(oauth: OAuthClient) -> None:
    answer = send(oauth, document(), **{"Content-Encoding": "gzip"})
    refusal_of(answer, "invalid_request", 415)


@pytest.mark.case(14)
@pytest.mark.parametrize(
    ("size", "status"), [(16 * 1024, 201), (16 * 1024 + 1, 413), (3 * 1024 * 1024, 413)]
)
def test_sixteen_kibibytes_are_the_most(oauth: OAuthClient, size: int, status: int) -> None:
    body = document().rstrip(b"}") + b' , "x": "'
    body += b"x" * (size - len(body) - 2) + b'"}'
    assert len(body) == size
    answer = send(oauth, body)
    if status == 413:
        assert refusal_of(answer, "invalid_request", 413).reason == "too_large"
    assert answer.status_code == status
    assert Client.objects.count() == (status == 201)


@pytest.mark.case(16)
def test_b8_text_that_the_database_cannot_hold_is_a_400(oauth: OAuthClient) -> None:
    for bad in ("\x00", "\ud800", "\udfff", "a\x00b"):
        for member in ("client_name", "scope", "software_id", "client_uri"):
            refusal_of(send(oauth, document(**{member: bad})), METADATA)
            Client.objects.all().delete()
        refusal_of(send(oauth, document(redirect_uris=[CALLBACK + bad])), METADATA)
    assert Client.objects.count() == 0


@pytest.mark.case(13, 17, 20, 22)
def test_b9_what_the_base_library_lets_in_stays_out(oauth: OAuthClient) -> None:
    for body, content_type in (
        (document(), "text/plain"),
        (document(client_name={"a": 1}), "application/json"),
        (document(redirect_uris=["https://a.example/"] * 5000), "application/json"),
        (document(redirect_uris=["https://a.example/ https://b.example/"]), "application/json"),
        (document(redirect_uris=["http://a.example/"]), "application/json"),
    ):
        assert send(oauth, body, content_type).status_code in (400, 413, 415)
    assert Client.objects.count() == 0
