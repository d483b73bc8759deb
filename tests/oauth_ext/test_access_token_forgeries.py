"""Forgeries at the edges of JWS: algorithms of one key, ECDSA values, spellings, other artifacts.

Each is one change away from a token that is accepted.
"""

import json
import re
import zlib
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from django.core import mail
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from oauth_ext.keys import KeyRing, build_key, get_key_ring
from oauth_ext.machine_secrets import seal
from oauth_ext.models import TokenFamily
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient, find_input
from tests.oauth_ext.conftest import METADATA, refused_at_mcp, row_behind
from tests.oauth_ext.tokens_by_hand import decode, encode, header, sign, sign_bytes, sign_text

pytestmark = pytest.mark.django_db

# The order of the group of P-256 (FIPS 186-4, D.1.2.3).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.case(216)
def test_a_key_is_used_with_its_one_algorithm_and_no_other_of_its_family(
    oauth: OAuthClient, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(private.public_key()))
    members = {name: jwk[name] for name in ("e", "kty", "n")}
    key = build_key("RS256", private, private.public_key(), members)
    current = get_key_ring().current
    ring = KeyRing(current, {current.kid: current, key.kid: key})
    monkeypatch.setattr("oauth_ext.tokens.get_key_ring", lambda: ring)
    headers = {"typ": "at+jwt", "kid": key.kid}
    good = jwt.encode(claims, private, algorithm="RS256", headers=headers)
    assert oauth.call(good).status_code == 200
    for algorithm in ("RS384", "RS512", "PS256", "PS384", "PS512"):
        token = jwt.encode(claims, private, algorithm=algorithm, headers=headers)
        assert refused_at_mcp(oauth, token) == "jwt_alg"


@pytest.mark.case(218)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kid": "unknown"}, "jwt_kid"),
        ({"kid": "../../../../etc/passwd"}, "jwt_kid"),
        ({"kid": "' UNION SELECT client_secret FROM oauth_ext_client --"}, "jwt_kid"),
        ({"alg": "none"}, "jwt_alg"),
        ({"typ": "JWT"}, "jwt_typ"),
    ],
)
def test_nothing_is_looked_up_for_a_token_whose_header_is_not_ours(
    oauth: OAuthClient, claims: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    with CaptureQueriesContext(database) as captured:
        assert refused_at_mcp(oauth, sign(claims, **change)) == reason
        assert refused_at_mcp(oauth, sign(claims)[:-8] + "AAAAAAAA") == "jwt_signature"
    statements = " ".join(query["sql"] for query in captured)
    assert "oauth_ext_" not in statements and "accounts_user" not in statements


@pytest.mark.case(220, 234)
@pytest.mark.parametrize(
    "member",
    [
        '"crit": ["x"], "crit": ["x"]',
        '"typ": "at+jwt"',
        '"alg": "none"',
        '"kid": "another"',
    ],
)
def test_a_member_of_the_header_that_comes_twice_is_refused(
    oauth: OAuthClient, claims: dict[str, Any], member: str
) -> None:
    payload = json.dumps(claims)
    assert oauth.call(sign_text(json.dumps(header()), payload)).status_code == 200
    for text in (
        json.dumps(header())[:-1] + f", {member}}}",
        f"{{{member}, " + json.dumps(header())[1:],
    ):
        assert refused_at_mcp(oauth, sign_text(text, payload)) == "jwt_format"


@pytest.mark.case(222)
def test_an_encrypted_token_is_refused_before_anything_is_unpacked(
    oauth: OAuthClient, claims: dict[str, Any]
) -> None:
    bomb = zlib.compress(b"0" * 6_000_000, wbits=-15)
    protected = {"alg": "dir", "enc": "A256GCM", "zip": "DEF", "kid": header()["kid"]}
    parts = [json.dumps(protected).encode(), b"", b"i" * 12, bomb[:4000], b"t" * 16]
    assert refused_at_mcp(oauth, ".".join(map(encode, parts))) == "jwt_format"
    # Packed under a good signature of ours: still no claims.
    packed = zlib.compress(json.dumps(claims).encode(), wbits=-15)
    signed = sign_bytes(json.dumps(header() | {"zip": "DEF"}).encode(), packed)
    assert refused_at_mcp(oauth, signed) == "jwt_format"


@pytest.mark.case(223)
def test_a_detached_payload_is_refused(oauth: OAuthClient, claims: dict[str, Any]) -> None:
    head, _, signature = sign(claims).split(".")
    assert refused_at_mcp(oauth, f"{head}..{signature}") == "jwt_format"
    general = {"payload": "e30", "signatures": [{"protected": head, "signature": signature}]}
    answer = oauth.call(json.dumps(general, separators=(";", ":")))
    assert answer.status_code == 401
    assert row_behind(answer).reason == "malformed_credentials"


@pytest.mark.case(231)
def test_ecdsa_values_at_the_edges_are_no_signature(
    oauth: OAuthClient, claims: dict[str, Any]
) -> None:
    signed, _, signature = sign(claims).rpartition(".")
    raw = decode(signature)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])

    def spell(first: int, second: int, size: int = 32) -> str:
        return encode(first.to_bytes(size) + second.to_bytes(size))

    wrong = [
        spell(0, s),
        spell(r, 0),
        spell(0, 0),
        spell(ORDER, s),
        spell(r, ORDER),
        spell(2**256 - 1, 2**256 - 1),
        spell(r + ORDER, s, 33),
        spell(r, s + ORDER, 33),
        spell(r, s, 33),
        spell(r, s, 64),
        spell(s, r),
        encode(encode_dss_signature(r, s)),
    ]
    for value in wrong:
        assert refused_at_mcp(oauth, f"{signed}.{value}") == "jwt_signature"


@pytest.mark.case(231)
def test_a_negated_signature_is_no_way_around_a_revocation(
    oauth: OAuthClient, alice_acme: Connected, claims: dict[str, Any]
) -> None:
    signed, _, signature = sign(claims).rpartition(".")
    raw = decode(signature)
    negated = encode(raw[:32] + (ORDER - int.from_bytes(raw[32:])).to_bytes(32))
    # Mathematics has two signatures for one text; what counts is what hangs on the family.
    assert oauth.call(f"{signed}.{negated}").status_code == 200
    TokenFamily.objects.update(revoked_at=timezone.now())
    for token in (f"{signed}.{negated}", f"{signed}.{signature}"):
        assert refused_at_mcp(oauth, token, "Token is revoked or expired") == "token_revoked"


@pytest.mark.case(232)
def test_a_giant_token_is_refused_before_it_is_read(
    oauth: OAuthClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(token: str) -> Any:
        raise AssertionError("it was parsed")

    monkeypatch.setattr("oauth_ext.verification.parse_access_token", read)
    for token in ("A" * 8193, "A" * 1_000_000, "a.b." + "c" * 9000):
        assert refused_at_mcp(oauth, token) == "malformed_credentials"


@pytest.mark.case(234)
def test_a_good_signature_in_the_other_alphabet_is_refused(
    oauth: OAuthClient, claims: dict[str, Any]
) -> None:
    token = ""
    while not {"-", "_"} <= set(token.rpartition(".")[2]):
        token = sign(claims)
    signed, _, signature = token.rpartition(".")
    assert oauth.call(token).status_code == 200
    for spelling in (
        signature.replace("-", "+"),
        signature.replace("_", "/"),
        signature.replace("-", "+").replace("_", "/"),
    ):
        assert refused_at_mcp(oauth, f"{signed}.{spelling}").startswith("jwt_")
    for spaced in (
        f"{signed}. {signature}",
        f"{signed}.{signature}\t",
        f"{signed}.{signature}\x0b",
    ):
        assert oauth.call(spaced).status_code == 401


@pytest.mark.case(235)
def test_whatever_else_we_hand_out_is_no_access_token(
    oauth: OAuthClient, alice_acme: Connected, obtain_code: Callable[..., str], world: World
) -> None:
    oauth.sign_in(world.alice)
    page = oauth.open_consent()
    form = oauth.browser.get("/accounts/password/reset")
    csrf = find_input(form, "csrfmiddlewaretoken")
    oauth.browser.post(
        "/accounts/password/reset", {"email": "alice@acme.example", "csrfmiddlewaretoken": csrf}
    )
    (key,) = re.findall(r"/password/reset/key/(\S+)", mail.outbox[-1].body)
    artifacts = {
        "what was shown": find_input(page, "digest"),
        "form protection": csrf,
        "session": oauth.browser.cookies["sessionid"].value,
        "reset link": key,
        "code": obtain_code(),
        "refresh token": alice_acme.refresh_token,
        "sealed successor": encode(seal("x", under=alice_acme.refresh_token)),
        "client": oauth.client_id,
    }
    for name, artifact in artifacts.items():
        answer = oauth.call(artifact)
        assert answer.status_code == 401, name
        assert METADATA in answer["WWW-Authenticate"]
        assert row_behind(answer).user_id is None, name
    assert oauth.call(alice_acme.access_token).status_code == 200
