"""The keys that sign access tokens: current signs, next and previous are accepted too.

Private keys come from files (``SIGNING_KEYS_DIR``: current.pem, and next.pem or previous.pem
around a rotation), never from the database. They are read again whenever a file changes, so that
a rotation needs no restart. A key's algorithm follows from the key, so a token cannot choose it
(RFC 8725 §2.1); its id is its thumbprint (RFC 7638).
"""

import base64
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

MIN_RSA_BITS = 2048
NEW_RSA_BITS = 3072
NAMES = ("current", "next", "previous")

logger = logging.getLogger(__name__)


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


class KeyDirectory:
    """The key ring of a directory, as its files are now."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        # Asked for at every call: paths that are put together then cost more than the question.
        self._files = {name: str(directory / f"{name}.pem") for name in NAMES}
        self._stamp: object = None
        self._ring: KeyRing | None = None

    def get_ring(self) -> KeyRing:
        """The ring; a file that has become unreadable leaves the last good one in force."""
        stamp = [self._stamp_file(name) for name in NAMES]
        if self._ring is None or stamp != self._stamp:
            try:
                self._ring = self._read_ring()
            except ImproperlyConfigured:
                if self._ring is None:
                    raise
                logger.exception("the signing keys cannot be read; the former ones stay in force")
            self._stamp = stamp
        return self._ring

    def _read_ring(self) -> KeyRing:
        current = read_signing_key(self._directory / "current.pem")
        # A name may vanish between two looks while a rotation is on its way; its key is kept.
        others = [
            read_signing_key(self._directory / f"{name}.pem")
            for name in NAMES[1:]
            if self._stamp_file(name) is not None
        ]
        return KeyRing(current=current, by_kid={key.kid: key for key in (current, *others)})

    def _stamp_file(self, name: str) -> tuple[int, int] | None:
        try:
            status = os.stat(self._files[name])
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns


@cache
def open_key_directory(directory: Path) -> KeyDirectory:
    """One view of a directory for the whole process."""
    return KeyDirectory(directory)


def get_key_ring() -> KeyRing:
    """The key ring of this deployment.

    Raises:
        ImproperlyConfigured: there is no current key, or a file is not a usable private key.
    """
    return open_key_directory(settings.SIGNING_KEYS_DIR).get_ring()


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
        public_rsa = private_key.public_key()
        numbers = public_rsa.public_numbers()
        members = {
            "e": encode(numbers.e, (numbers.e.bit_length() + 7) // 8),
            "kty": "RSA",
            "n": encode(numbers.n, (public_rsa.key_size + 7) // 8),
        }
        return build_key("RS256", private_key, public_rsa, members)
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


def build_private_key(algorithm: str) -> str:
    """A new private key for ES256 or RS256, as PEM (PKCS 8) without password."""
    key: EllipticCurvePrivateKey | RSAPrivateKey
    if algorithm == "RS256":
        key = rsa.generate_private_key(public_exponent=65537, key_size=NEW_RSA_BITS)
    else:
        key = generate_private_key(SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode("ascii")
