"""References: the 13 characters that lead from an error somebody sees to its row."""

import hashlib
import hmac
import secrets

# Crockford's base32: no I, L, O or U, so that a reference survives being read out on the phone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 13


def new_reference() -> str:
    """13 base32 characters, 65 random bits."""
    return encode_reference(secrets.randbits(65))


def derive_reference(key: str, *parts: str) -> str:
    """The reference that all callers with the same key and parts arrive at."""
    digest = hmac.digest(key.encode(), "\x1f".join(parts).encode(), hashlib.sha256)
    return encode_reference(int.from_bytes(digest[:9], "big") >> 7)


def encode_reference(number: int) -> str:
    """65 bits as 13 base32 characters."""
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(60, -1, -5))


def parse_reference(text: str) -> str | None:
    """What a person typed, made canonical (case, spaces, O for 0, I and L for 1), or None."""
    cleaned = text.strip().upper().replace("-", "").replace(" ", "")
    cleaned = cleaned.translate(str.maketrans("OIL", "011"))
    if len(cleaned) != LENGTH or any(letter not in ALPHABET for letter in cleaned):
        return None
    return cleaned
