"""Access tokens: JWTs of the RFC 9068 profile, minted and parsed here and nowhere else.

Parsing proves that we signed the claims, for this resource, and that they have not expired. It
says nothing about permission: ``oauth_ext.verification`` asks the database on every request.
"""

import base64
import hashlib
import threading
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import jwt
from django.conf import settings

from oauth_ext.keys import SigningKey, get_key_ring
from oauth_ext.strict_json import parse_json

TYPE = "at+jwt"
# Clocks of two of our nodes may differ by this much, in seconds.
LEEWAY = 10
MAX_LENGTH = 8192
# The year 9999: what lies beyond is no time that anything here can hold.
MAX_TIME = 253_402_300_799
# Seconds; what ACCESS_TOKEN_TTL may be at most (oauth_ext.E004).
LONGEST_LIFETIME = 86_400
REQUIRED_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope")


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """The claims of a token that we signed. ``organization_id`` is None if it names none."""

    user_id: uuid.UUID
    organization_id: uuid.UUID | None
    client_id: str
    connection_id: uuid.UUID
    family_id: uuid.UUID
    jti: str
    scopes: frozenset[str]
    expires_at: int
    kid: str


class AccessTokenInvalidError(Exception):
    """Not a token of ours for this resource, or no longer.

    Args:
        reason: the slug for the log; nobody outside learns which check failed.
        claims: what it says, if we did sign it and it has only expired.
    """

    def __init__(self, reason: str, claims: AccessTokenClaims | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.claims = claims


def mint_access_token(
    *,
    user_id: uuid.UUID,
    organization_id: uuid.UUID,
    client_id: str,
    connection_id: uuid.UUID,
    family_id: uuid.UUID,
    scope: str,
) -> str:
    """Sign a token for the MCP resource (RFC 9068 §2.2); its life is ``ACCESS_TOKEN_TTL``.

    It names the connection (``cid``) and the token family (``fid``) that it stands or falls with.
    """
    now = int(time.time())
    key = get_key_ring().current
    claims = {
        "iss": settings.ISSUER,
        "sub": str(user_id),
        "aud": settings.MCP_RESOURCE,
        "iat": now,
        "exp": now + settings.ACCESS_TOKEN_TTL,
        "jti": str(uuid.uuid4()),
        "client_id": client_id,
        "scope": scope,
        "org_id": str(organization_id),
        "cid": str(connection_id),
        "fid": str(family_id),
    }
    headers = {"typ": TYPE, "kid": key.kid}
    return jwt.encode(claims, key.private_key, algorithm=key.algorithm, headers=headers)


class SignatureMemo:
    """Tokens whose signature was found good, by hash, until they expire.

    Only that result is kept, which cannot change; the permission never is.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._claims: OrderedDict[bytes, AccessTokenClaims] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, digest: bytes) -> AccessTokenClaims | None:
        """The claims behind this digest, unless they have expired."""
        with self._lock:
            claims = self._claims.get(digest)
            if claims is not None and claims.expires_at + LEEWAY <= time.time():
                del self._claims[digest]
                return None
            return claims

    def keep(self, digest: bytes, claims: AccessTokenClaims) -> None:
        """Remember; the oldest goes when the memo is full."""
        with self._lock:
            self._claims[digest] = claims
            if len(self._claims) > self._capacity:
                self._claims.popitem(last=False)


MEMO = SignatureMemo()


def parse_access_token(token: str) -> AccessTokenClaims:
    """The claims of a token that we signed for this resource and that has not expired.

    Raises:
        AccessTokenInvalidError: with the check that failed.
    """
    if len(token) > MAX_LENGTH or not token.isascii():
        raise AccessTokenInvalidError("jwt_format")
    digest = hashlib.sha256(token.encode()).digest()
    claims = MEMO.find(digest)
    # A key that was taken away takes its tokens along, remembered or not.
    if claims is None or claims.kid not in get_key_ring().by_kid:
        claims = _verify_signature(token)
        if claims.expires_at + LEEWAY <= time.time():
            raise AccessTokenInvalidError("jwt_expired", claims)
        MEMO.keep(digest, claims)
    return claims


def _verify_signature(token: str) -> AccessTokenClaims:
    check_spelling(token)
    key = _find_key(token)
    try:
        payload = jwt.decode(
            token,
            key.public_key,
            algorithms=[key.algorithm],
            issuer=settings.ISSUER,
            audience=settings.MCP_RESOURCE,
            leeway=LEEWAY,
            # Expiry is looked at by the caller: whose token has expired is worth knowing.
            options={"require": list(REQUIRED_CLAIMS), "strict_aud": True, "verify_exp": False},
        )
    except jwt.InvalidAudienceError as error:
        raise AccessTokenInvalidError("jwt_aud") from error
    except jwt.InvalidIssuerError as error:
        raise AccessTokenInvalidError("jwt_iss") from error
    except jwt.InvalidSignatureError as error:
        raise AccessTokenInvalidError("jwt_signature") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise AccessTokenInvalidError("jwt_claims") from error
    return _read_claims(payload, key.kid)


def check_spelling(token: str) -> None:
    """Three parts, each in its one base64url spelling, the first two strict JSON objects.

    Two spellings of one token would be two tokens to whatever counts or blocks them, and two
    parsers could read a repeated member differently (RFC 7515 §2, §4).
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise AccessTokenInvalidError("jwt_format")
    try:
        decoded = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts]
        for document in decoded[:2]:
            parse_json(document)
    except ValueError as error:
        raise AccessTokenInvalidError("jwt_format") from error
    spelled = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in decoded]
    if spelled != parts:
        raise AccessTokenInvalidError("jwt_format")


def _find_key(token: str) -> SigningKey:
    """The key that the header names, after the checks that need no cryptography."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise AccessTokenInvalidError("jwt_format") from error
    # RFC 9068 §4: other JWTs signed by the same issuer must not pass as access tokens.
    if str(header.get("typ")).lower() not in (TYPE, f"application/{TYPE}"):
        raise AccessTokenInvalidError("jwt_typ")
    if "crit" in header or "b64" in header:
        raise AccessTokenInvalidError("jwt_crit")
    kid = header.get("kid")
    key = get_key_ring().by_kid.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise AccessTokenInvalidError("jwt_kid")
    # The key decides the algorithm, never the token (RFC 8725 §3.1).
    if header.get("alg") != key.algorithm:
        raise AccessTokenInvalidError("jwt_alg")
    return key


def _read_claims(payload: dict[str, Any], kid: str) -> AccessTokenClaims:
    expires_at = payload["exp"]
    if type(expires_at) is not int or expires_at >= MAX_TIME:
        raise AccessTokenInvalidError("jwt_claims")
    # Whatever a clock said when it was minted: no access token of ours lives longer.
    if expires_at - payload["iat"] > LONGEST_LIFETIME:
        raise AccessTokenInvalidError("jwt_claims")
    if not isinstance(payload["scope"], str):
        raise AccessTokenInvalidError("jwt_claims")
    try:
        organization = payload.get("org_id")
        return AccessTokenClaims(
            user_id=uuid.UUID(payload["sub"]),
            organization_id=uuid.UUID(organization) if organization is not None else None,
            client_id=str(payload["client_id"]),
            connection_id=uuid.UUID(payload["cid"]),
            family_id=uuid.UUID(payload["fid"]),
            jti=str(payload["jti"]),
            scopes=frozenset(payload["scope"].split()),
            expires_at=expires_at,
            kid=kid,
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise AccessTokenInvalidError("jwt_claims") from error
