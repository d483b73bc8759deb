"""What a metadata document may say, and for how long it counts."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oauth_ext.client_documents import compute_expiry, parse_client_document
from oauth_ext.document_connection import DocumentRefusedError
from tests.document_host import URL, build_document

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTES = timedelta(minutes=1)
CHATGPT = {
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
    "token_endpoint_auth_signing_alg": "RS256",
    "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
}


def parse(**changes: Any) -> Any:
    """The test document with changes, judged."""
    return parse_client_document(json.dumps(build_document(**changes)).encode(), url=URL)


def refusal(**changes: Any) -> tuple[str, str]:
    """Why the test document with changes is refused."""
    with pytest.raises(DocumentRefusedError) as error:
        parse(**changes)
    return error.value.reason, error.value.details.get("cause", "")


@pytest.mark.case(60)
@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": None},
        {"token_endpoint_auth_method": None, "token_endpoint_auth_methods_supported": ["none"]},
        {"token_endpoint_auth_method": "none", "token_endpoint_auth_methods_supported": []},
        CHATGPT,
    ],
)
def test_a_client_that_can_do_without_a_secret_is_accepted(changes: dict[str, Any]) -> None:
    assert parse(**changes).client_name == "Test assistant"


@pytest.mark.case(60)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_secret": "x"}, "cimd_secret"),
        ({"client_secret": None, "client_secret_expires_at": 0}, "cimd_secret"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "cimd_secret"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "cimd_secret"),
        (
            {
                "token_endpoint_auth_method": "client_secret_basic",
                "token_endpoint_auth_methods_supported": ["none"],
            },
            "cimd_secret",
        ),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "cimd_auth_method"),
        (
            CHATGPT | {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
            "cimd_auth_method",
        ),
        (
            {
                "token_endpoint_auth_method": None,
                "token_endpoint_auth_methods_supported": ["tls_client_auth"],
            },
            "cimd_auth_method",
        ),
        ({"token_endpoint_auth_method": 1}, "cimd_metadata"),
        ({"token_endpoint_auth_methods_supported": "none"}, "cimd_metadata"),
    ],
)
def test_a_client_that_needs_a_secret_is_refused(changes: dict[str, Any], reason: str) -> None:
    assert refusal(**changes)[0] == reason


@pytest.mark.case(58)
@pytest.mark.parametrize(
    "client_id",
    [
        None,
        "",
        URL + "/",
        URL.upper(),
        URL.replace("app", "App"),
        URL.replace(".example/", ".example:443/"),
        URL.replace("client.json", "clien%74.json"),
        URL + "?",
        URL + "#",
        "http" + URL[5:],
        [URL],
        7,
    ],
)
def test_a_document_speaks_for_its_own_address_only(client_id: Any) -> None:
    assert refusal(client_id=client_id)[0] == "cimd_mismatch"


@pytest.mark.case(57)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b'{"client_id": "a", "client_id": "b"}',
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\u0000"}',
        b"[" * 8000 + b"]" * 8000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
    ],
)
def test_only_one_strict_json_object_is_a_document(body: bytes) -> None:
    with pytest.raises(DocumentRefusedError) as error:
        parse_client_document(body, url=URL)
    assert error.value.reason == "cimd_json"


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"client_name": None}, "name_missing"),
        ({"client_name": ""}, "name_missing"),
        ({"client_name": " \u200b\u202e "}, "name_missing"),
        ({"client_name": "x" * 121}, "name_rejected"),
        ({"client_name": {"en": "x"}}, "bad_type"),
        ({"redirect_uris": None}, "redirect_missing"),
        ({"redirect_uris": []}, "redirect_missing"),
        ({"redirect_uris": "https://client.example/"}, "redirect_missing"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_scheme"),
        ({"redirect_uris": ["http://client.example/"]}, "redirect_loopback"),
        ({"redirect_uris": ["unknown:/callback"]}, "redirect_scheme"),
        ({"redirect_uris": ["https://client.example/#"]}, "redirect_chars"),
        ({"grant_types": ["client_credentials"]}, "grant_type"),
        ({"response_types": ["token"]}, "inconsistent"),
    ],
)
def test_the_policy_of_registration_holds(changes: dict[str, Any], cause: str) -> None:
    assert refusal(**changes) == ("cimd_metadata", cause)


def test_what_is_unknown_is_ignored() -> None:
    metadata = parse(
        grant_types=["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
        redirect_uris=["https://client.example/callback", "unknown:/callback"],
        unheard_of={"deep": [1]},
        logo_uri="http://client.example/logo.png",
        client_uri="https://client.example",
    )
    assert metadata.redirect_uris == ("https://client.example/callback",)
    assert metadata.dropped == ("unknown:/callback",)
    assert dict(metadata.extras) == {"client_uri": "https://client.example"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 60 * MINUTES),
        ({"cache-control": "max-age=600"}, 10 * MINUTES),
        ({"cache-control": 'public, Max-Age="600", s-maxage=7200'}, 10 * MINUTES),
        ({"cache-control": "s-maxage=7200"}, 60 * MINUTES),
        ({"cache-control": "max-age=0"}, 5 * MINUTES),
        ({"cache-control": "max-age=9999999999"}, 24 * 60 * MINUTES),
        ({"cache-control": "max-age=99999999999999999999"}, 60 * MINUTES),
        ({"cache-control": "max-age=-5"}, 60 * MINUTES),
        ({"cache-control": "no-store, max-age=86400"}, 5 * MINUTES),
        ({"cache-control": "max-age=86400, no-cache"}, 5 * MINUTES),
        ({"cache-control": 'no-cache="Set-Cookie"'}, 5 * MINUTES),
        ({"expires": "Sun, 01 Mar 2026 12:30:00 GMT"}, 30 * MINUTES),
        ({"expires": "Sun, 01 Mar 2026 11:30:00 GMT"}, 5 * MINUTES),
        ({"expires": "Sun, 01 Mar 2026 12:30:00 -0000"}, 30 * MINUTES),
        ({"expires": "Fri, 01 Mar 2126 12:30:00 GMT"}, 24 * 60 * MINUTES),
        ({"expires": "0"}, 5 * MINUTES),
        ({"expires": "Sun, 99 Mar 99999 12:30:00 GMT"}, 5 * MINUTES),
        ({"expires": "Sun, 01 Mar 2026 12:30:00 +99999999999999999999"}, 5 * MINUTES),
        ({"expires": "Mon, 01 Jan 0001 00:00:00 +2359"}, 5 * MINUTES),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 -2359"}, 24 * 60 * MINUTES),
        (
            {"cache-control": "max-age=600", "expires": "Sun, 01 Mar 2026 18:00:00 GMT"},
            10 * MINUTES,
        ),
    ],
)
def test_a_copy_counts_as_long_as_its_host_says_within_limits(
    headers: dict[str, str], expected: timedelta
) -> None:
    assert compute_expiry(headers, NOW) == NOW + expected
