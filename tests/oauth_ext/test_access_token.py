"""JWT access tokens (RFC 9068) at the resource: one that we signed, unchanged, is accepted.

Every other one, changed in one place, is refused with 401 and says no more than the next.
"""

import hashlib
import hmac
import json
import time
import zlib
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from oauth_ext.keys import get_key_ring
from tests.conftest import Connected
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import refused_at_mcp
from tests.oauth_ext.tokens_by_hand import (
    ABSENT,
    decode,
    encode,
    header,
    sign,
    sign_text,
)

pytestmark = pytest.mark.django_db


@pytest.mark.case(240)
def test_a_token_has_the_claims_of_rfc_9068_and_nothing_personal(
    alice_acme: Connected, claims: dict[str, Any]
) -> None:
    token = alice_acme.access_token
    assert jwt.get_unverified_header(token) == header()
    payload = json.loads(decode(token.split(".")[1]))
    assert set(payload) == set(claims)
    for name in set(claims) - {"iat", "exp", "jti", "scope"}:
        assert payload[name] == claims[name], name
    assert payload["scope"] == "read draft"
    assert payload["exp"] - payload["iat"] == 3600
    assert abs(payload["iat"] - time.time()) < 60
    assert "alice" not in json.dumps(payload).lower() and "acme" not in json.dumps(payload).lower()


@pytest.mark.case(226)
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"nbf": 1},
        {"iat": 5},
        {"iat": -5},
        {"extra": {"a": 1}},
        {"exp": -5},
    ],
)
def test_a_token_made_by_hand_is_accepted_so_that_its_neighbours_mean_something(
    oauth: OAuthClient, claims: dict[str, Any], change: dict[str, Any]
) -> None:
    # Numbers are seconds from now: clocks of two nodes may differ by ten.
    now = int(time.time())
    change = {n: now + v if n in ("iat", "exp") else v for n, v in change.items()}
    assert oauth.call(sign(claims | change)).status_code == 200


@pytest.mark.case(217)
def test_typ_may_be_spelled_in_full_and_in_any_case(
    oauth: OAuthClient, claims: dict[str, Any]
) -> None:
    for typ in ("at+jwt", "application/at+jwt", "AT+JWT"):
        assert oauth.call(sign(claims, typ=typ)).status_code == 200


@pytest.mark.case(214, 216, 217, 218, 220, 221)
@pytest.mark.parametrize(
    "change",
    [
        {"typ": ABSENT},
        {"typ": "JWT"},
        {"typ": "jwt"},
        {"typ": "id+jwt"},
        {"typ": "consent+jwt"},
        {"typ": "at+jwt "},
        {"typ": ["at+jwt"]},
        {"typ": None},
        {"kid": ABSENT},
        {"kid": "unknown"},
        {"kid": ""},
        {"kid": None},
        {"kid": 0},
        {"kid": ["x"]},
        {"kid": {"x": 1}},
        {"kid": "../../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": "k" * 4000},
        {"kid": "http://evil.example/keys"},
        {"alg": ABSENT},
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "ES384"},
        {"alg": "es256"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"crit": []},
        {"crit": ["exp"]},
        {"crit": ["x"], "x": 1},
        {"crit": ["x", "x"], "x": 1},
        {"crit": "x"},
        {"crit": None},
        {"b64": False, "crit": ["b64"]},
        {"b64": False},
        {"b64": True},
    ],
)
def test_any_other_header_is_refused_although_the_signature_is_good(
    oauth: OAuthClient, claims: dict[str, Any], change: dict[str, Any]
) -> None:
    assert refused_at_mcp(oauth, sign(claims, **change)).startswith("jwt_")


@pytest.mark.case(218)
@pytest.mark.parametrize("change", [{"jku": "https://evil.example/keys"}, {"x5u": "https://e"}])
def test_keys_that_a_token_brings_along_are_not_looked_at(
    oauth: OAuthClient, claims: dict[str, Any], change: dict[str, Any]
) -> None:
    attacker = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(attacker.public_key()))
    extra = change | {"jwk": jwk, "typ": "at+jwt", "kid": get_key_ring().current.kid}
    token = jwt.encode(claims, attacker, algorithm="ES256", headers=extra)
    assert refused_at_mcp(oauth, token) == "jwt_signature"
    by_own_kid = jwt.encode(claims, attacker, algorithm="ES256", headers=extra | {"kid": "mine"})
    assert refused_at_mcp(oauth, by_own_kid) == "jwt_kid"


@pytest.mark.case(215)
def test_the_public_key_is_no_shared_secret(oauth: OAuthClient, claims: dict[str, Any]) -> None:
    public = get_key_ring().current.public_key
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(get_key_ring().current.public_jwk).encode(),
        b"",
    ]
    for secret in secrets:
        for alg in ("HS256", "ES256"):
            text = encode(json.dumps(header() | {"alg": alg}).encode())
            signed = f"{text}.{encode(json.dumps(claims).encode())}"
            mac = encode(hmac.digest(secret, signed.encode(), hashlib.sha256))
            assert refused_at_mcp(oauth, f"{signed}.{mac}") in ("jwt_alg", "jwt_signature")


@pytest.mark.case(214, 222)
def test_a_token_without_a_signature_is_refused(
    oauth: OAuthClient, alice_acme: Connected, claims: dict[str, Any]
) -> None:
    head, payload, signature = sign(claims).split(".")
    unsigned = encode(json.dumps(header() | {"alg": "none"}).encode())
    for token in (
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f"{head}.{payload}.{signature[:-4]}",
        f"{head}.{payload}.{encode(bytes(64))}",
        f"{head}.{payload}.{'_' * 86}",
        f"{unsigned}.{payload}.",
        f"{unsigned}.{payload}.{signature}",
        f".{payload}.{signature}",
        f"{head}..{signature}",
        f"{head}.{payload}.{signature}.{signature}",
        f"{head}.{payload}.{signature}.{payload}.{signature}",
        "...",
        "a.b.c",
        "x",
    ):
        assert refused_at_mcp(oauth, token).startswith("jwt_")
    # The payload of one token under the signature of another.
    other = sign(claims | {"scope": "read draft actions"}).split(".")[1]
    assert refused_at_mcp(oauth, f"{head}.{other}.{signature}") == "jwt_signature"


@pytest.mark.case(234)
def test_a_token_has_one_spelling(oauth: OAuthClient, claims: dict[str, Any]) -> None:
    head, payload, signature = sign(claims).split(".")
    assert oauth.call(f"{head}.{payload}.{signature}").status_code == 200
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(signature[-1]) ^ 1]
    spellings = [
        f"{head}.{payload}.{signature}=",
        f"{head}.{payload}.{signature}==",
        f"{head}.{payload}.{signature[:-1]}{last}",
        f"{head}.{payload}.{signature[:9]}~{signature[9:]}",
    ]
    assert decode(spellings[2].split(".")[2]) == decode(signature)
    for spelling in spellings:
        assert refused_at_mcp(oauth, spelling).startswith("jwt_")


@pytest.mark.case(222, 223)
def test_json_serialization_and_nesting_are_refused(
    oauth: OAuthClient, claims: dict[str, Any]
) -> None:
    head, payload, signature = sign(claims).split(".")
    flattened = json.dumps({"protected": head, "payload": payload, "signature": signature})
    answer = oauth.call(flattened)
    assert answer.status_code == 401
    nested = sign_text(json.dumps(header() | {"cty": "JWT"}), f'"{head}.{payload}.{signature}"')
    assert refused_at_mcp(oauth, nested).startswith("jwt_")
    packed = zlib.compress(json.dumps(claims).encode(), wbits=-15)
    head = encode(json.dumps(header() | {"zip": "DEF"}).encode())
    assert refused_at_mcp(oauth, f"{head}.{encode(packed)}.{signature}").startswith("jwt_")


@pytest.mark.case(234)
def test_a_member_that_comes_twice_is_refused(oauth: OAuthClient, claims: dict[str, Any]) -> None:
    repeated = json.dumps(claims)[:-1] + ', "scope": "read draft actions"}'
    assert refused_at_mcp(oauth, sign_text(json.dumps(header()), repeated)).startswith("jwt_")


@pytest.mark.case(232)
@pytest.mark.parametrize(
    ("length", "reason"), [(8192, "jwt_signature"), (8193, "malformed_credentials")]
)
def test_a_token_is_at_most_eight_kibibytes(
    oauth: OAuthClient, claims: dict[str, Any], length: int, reason: str
) -> None:
    token = sign(claims)
    token += "A" * (length - len(token))
    assert refused_at_mcp(oauth, token) == reason
