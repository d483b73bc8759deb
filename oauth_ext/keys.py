"""The keys that sign access tokens: current signs, next and previous are accepted too.

Private keys come from files (``SIGNING_KEYS_DIR``: current.pem, and next.pem or previous.pem
around a rotation), never from the database. A key's algorithm follows from the key, so a token
cannot choose it (RFC 8725 §2.1); its id is its thumbprint (RFC 7638).
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair with the one algorithm it is used with."""

    kid: str
    algorithm: str
    private_key: EllipticCurvePrivateKey | RSAPrivateKey
    public_key: EllipticCurvePublicKey | RSAPublicKey
    public_jwk: dict[str, str]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """What signs, and everything that verifies, by key id."""

    current: SigningKey
    by_kid: dict[str, SigningKey]


@cache
def get_key_ring() -> KeyRing:
    """The key ring, read once a process.

    Raises:
        ImproperlyConfigured: there is no current key, or a file is not a usable private key.
    """
    directory: Path = settings.SIGNING_KEYS_DIR
    keys = [
        read_signing_key(directory / f"{name}.pem")
        for name in ("current", "next", "previous")
        if name == "current" or (directory / f"{name}.pem").exists()
    ]
    return KeyRing(current=keys[0], by_kid={key.kid: key for key in keys})


def read_signing_key(path: Path) -> SigningKey:
    """A P-256 key (ES256) or an RSA key of at least 2048 bits (RS256), PEM without password."""
    try:
        private_key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{path.name} is not a readable PEM private key") from error
    if isinstance(private_key, EllipticCurvePrivateKey):
        if not isinstance(private_key.curve, SECP256R1):
            raise ImproperlyConfigured(f"{path.name}: the curve must be P-256")
        public = private_key.public_key()
        point = public.public_numbers()
        members = {"crv": "P-256", "kty": "EC", "x": encode(point.x, 32), "y": encode(point.y, 32)}
        return build_key("ES256", private_key, public, members)
    if isinstance(private_key, RSAPrivateKey) and private_key.key_size >= MIN_RSA_BITS:
        rsa = private_key.public_key()
        numbers = rsa.public_numbers()
        members = {
            "e": encode(numbers.e, (numbers.e.bit_length() + 7) // 8),
            "kty": "RSA",
            "n": encode(numbers.n, (rsa.key_size + 7) // 8),
        }
        return build_key("RS256", private_key, rsa, members)
    raise ImproperlyConfigured(f"{path.name} must be a P-256 or an RSA (2048 bits or more) key")


def build_key(
    algorithm: str,
    private_key: EllipticCurvePrivateKey | RSAPrivateKey,
    public_key: EllipticCurvePublicKey | RSAPublicKey,
    members: dict[str, str],
) -> SigningKey:
    """A signing key under its thumbprint (RFC 7638 §3: required members, sorted, no spaces)."""
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    kid = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    jwk = {**members, "kid": kid, "alg": algorithm, "use": "sig"}
    return SigningKey(kid, algorithm, private_key, public_key, jwk)


def encode(number: int, size: int) -> str:
    """An integer as unpadded base64url of ``size`` bytes (RFC 7518 §6)."""
    return base64.urlsafe_b64encode(number.to_bytes(size, "big")).rstrip(b"=").decode()


def build_jwks() -> dict[str, Any]:
    """The key set (RFC 7517 §5): public members only."""
    return {"keys": [key.public_jwk for key in get_key_ring().by_kid.values()]}
