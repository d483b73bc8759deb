"""Secrets that machines carry: authorization codes, refresh tokens, personal access tokens.

256 random bits each, told apart by a prefix, with a CRC-32 tail so that scanners recognize them
and a typing error costs no database access. Only a keyed hash is stored: a stolen table yields
nothing, and a written one plants nothing.
"""

import hashlib
import hmac
import secrets
import zlib
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_LENGTH = 43
CHECKSUM_LENGTH = 6
NONCE_LENGTH = 12


class SecretKind(StrEnum):
    """The prefix that names what a secret is for."""

    AUTHORIZATION_CODE = "mcp_ac_"
    REFRESH_TOKEN = "mcp_rt_"
    PERSONAL_TOKEN = "mcp_at_"
    CLIENT_SECRET = "mcp_cs_"


def mint_secret(kind: SecretKind) -> str:
    """Prefix, 43 random base62 characters, 6 of checksum."""
    body = kind.value + "".join(secrets.choice(BASE62) for _ in range(RANDOM_LENGTH))
    return body + compute_checksum(body)


def derive_secret(kind: SecretKind, *, under: str) -> str:
    """The one secret of this kind that belongs to ``under``; the pepper alone cannot find it.

    Args:
        under: at least 128 random bits.
    """
    key = _derive_key(settings.TOKEN_PEPPER, under, purpose=kind.value)
    body = kind.value + _write_base62(int.from_bytes(key), RANDOM_LENGTH)
    return body + compute_checksum(body)


def compute_checksum(body: str) -> str:
    """CRC-32 as six base62 characters: for scanners and cheap refusals, never for security."""
    return _write_base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _write_base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(BASE62))
        digits.append(BASE62[digit])
    return "".join(reversed(digits))


def is_well_formed(secret: str, kind: SecretKind) -> bool:
    """Whether the text can be a secret of this kind at all."""
    body, checksum = secret[:-CHECKSUM_LENGTH], secret[-CHECKSUM_LENGTH:]
    return (
        len(secret) == len(kind.value) + RANDOM_LENGTH + CHECKSUM_LENGTH
        and secret.startswith(kind.value)
        and secret.isascii()
        and hmac.compare_digest(compute_checksum(body), checksum)
    )


def hash_secret(secret: str) -> str:
    """HMAC-SHA-256 under the current pepper, in hexadecimal: what is stored."""
    return _hash_under(settings.TOKEN_PEPPER, secret)


def hash_candidates(secret: str) -> list[str]:
    """What may be stored of this secret: its hash under the current pepper and each former one."""
    return [_hash_under(pepper, secret) for pepper in list_peppers()]


def list_peppers() -> tuple[str, ...]:
    """The current pepper, then those that are being phased out."""
    return (settings.TOKEN_PEPPER, *settings.TOKEN_PEPPER_FALLBACKS)


def name_pepper(pepper: str | None = None) -> str:
    """Eight hexadecimal characters that tell peppers apart, of the current one unless told.

    Stored beside each hash, so that an operator sees what still depends on a former pepper.
    """
    return _hash_under(pepper or settings.TOKEN_PEPPER, "name of this pepper")[:8]


def _hash_under(pepper: str, secret: str) -> str:
    return hmac.digest(
        pepper.encode(), secret.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hex()


def seal(plaintext: str, *, under: str) -> bytes:
    """Encrypt so that only a holder of ``under`` can open it; the pepper alone cannot."""
    nonce = secrets.token_bytes(NONCE_LENGTH)
    key = _derive_key(settings.TOKEN_PEPPER, under)
    return nonce + AESGCM(key).encrypt(nonce, plaintext.encode(), None)


def unseal(sealed: bytes, *, under: str) -> str | None:
    """What was sealed under the same secret, or None."""
    nonce, ciphertext = sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:]
    for pepper in list_peppers():
        try:
            return AESGCM(_derive_key(pepper, under)).decrypt(nonce, ciphertext, None).decode()
        except InvalidTag:
            continue
    return None


def _derive_key(pepper: str, secret: str, *, purpose: str = "successor") -> bytes:
    salt = pepper.encode()
    derivation = HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose.encode())
    return derivation.derive(secret.encode())
