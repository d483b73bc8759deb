"""Keys of access tokens around a rotation, and what is remembered of a signature."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from django.core import signing
from django.utils import timezone

from oauth_ext.keys import KeyRing, build_key, get_key_ring
from oauth_ext.models import TokenFamily
from oauth_ext.tokens import MEMO
from tests.conftest import Connected
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import refused_at_mcp
from tests.oauth_ext.tokens_by_hand import (
    ABSENT,
    changed,
    sign,
)

pytestmark = pytest.mark.django_db


@pytest.mark.case(230)
def test_the_next_and_the_previous_key_verify_around_a_rotation(
    oauth: OAuthClient, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = get_key_ring()
    private = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(private.public_key()))
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    other = build_key("ES256", private, private.public_key(), members)
    token = jwt.encode(
        claims, private, algorithm="ES256", headers={"typ": "at+jwt", "kid": other.kid}
    )
    assert refused_at_mcp(oauth, token) == "jwt_kid"
    both = KeyRing(ring.current, ring.by_kid | {other.kid: other})
    monkeypatch.setattr("oauth_ext.tokens.get_key_ring", lambda: both)
    assert oauth.call(token).status_code == 200
    assert oauth.call(sign(claims)).status_code == 200
    # One key's id does not vouch for another key's signature.
    swapped = jwt.encode(
        claims, private, algorithm="ES256", headers={"typ": "at+jwt", "kid": ring.current.kid}
    )
    assert refused_at_mcp(oauth, swapped) == "jwt_signature"


@pytest.mark.case(235)
def test_other_things_that_we_sign_are_no_access_tokens(
    oauth: OAuthClient, claims: dict[str, Any], obtain_code: Callable[..., str]
) -> None:
    for artifact in (
        signing.dumps(["nonce", "shown"], salt="oauth_ext.consent"),
        jwt.encode(claims, "a-secret-key-that-only-the-tests-have", algorithm="HS256"),
        jwt.encode(claims, get_key_ring().current.private_key, algorithm="ES256"),
        obtain_code(),
    ):
        assert oauth.call(artifact).status_code == 401


@pytest.mark.case(237)
def test_a_remembered_signature_outlives_neither_its_token_nor_its_permission(
    oauth: OAuthClient, alice_acme: Connected, claims: dict[str, Any]
) -> None:
    token = sign(claims)
    digest = hashlib.sha256(token.encode()).digest()
    for _ in range(2):
        assert oauth.call(token).status_code == 200
    assert MEMO.find(digest) is not None
    with time_machine.travel(timezone.now() + timedelta(seconds=3605), tick=False):
        assert oauth.call(token).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=3611), tick=False):
        expired = "Token is revoked or expired"
        assert refused_at_mcp(oauth, token, expired) == "jwt_expired"
        assert MEMO.find(digest) is None
    assert oauth.call(token).status_code == 200
    TokenFamily.objects.update(revoked_at=timezone.now())
    assert refused_at_mcp(oauth, token, expired) == "token_revoked"


def test_a_refused_token_is_never_remembered(oauth: OAuthClient, claims: dict[str, Any]) -> None:
    forged = sign(claims)[:-8] + "AAAAAAAA"
    for _ in range(2):
        assert refused_at_mcp(oauth, forged) == "jwt_signature"
    assert MEMO.find(hashlib.sha256(forged.encode()).digest()) is None


def test_changes_leave_out_what_is_absent() -> None:
    assert changed({"a": 1, "b": 2}, {"a": ABSENT, "c": 3}) == {"b": 2, "c": 3}
