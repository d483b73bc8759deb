"""What a call that asks for input leaves with the client until it comes back: ``requestState``.

MCP 2026-07-28 basic/patterns/mrtr §Server Requirements. Nothing is kept here: the state is
encrypted and authenticated under a key of its own, and opens only for the same person,
organization and connection, the same method, name and arguments, and for ten minutes. It must
never be read before all of that is verified.

It may be presented more than once within its time. What a call changes it changes in its last
round, so presenting the last round again repeats the call, as sending any call twice does.
"""

import base64
import binascii
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from mcp_endpoint.errors import InvalidParamsError
from mcp_endpoint.exchange import Exchange

SECONDS = 600
NONCE_LENGTH = 12
MAX_LENGTH = 64 * 1024
PURPOSE = b"docjacket mcp request state 1"


@dataclass(frozen=True, slots=True)
class KeptState:
    """What an earlier round left.

    ``asked`` has the digest of each open question, ``answered`` the digest and the answer of each
    settled one, ``own`` what the tool wanted to keep.
    """

    asked: Mapping[str, str] = field(default_factory=dict)
    answered: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    own: Any = None


def build_binding(exchange: Exchange, name: str, arguments: Mapping[str, Any]) -> bytes:
    """Whose call of what this is; a state is good for exactly this."""
    principal = exchange.principal
    parts = [
        str(principal.user_id),
        str(principal.organization_id),
        str(principal.connection_id),
        str(principal.personal_token_id),
        exchange.message.method,
        name,
        digest_json(arguments),
    ]
    return json.dumps(parts).encode()


def seal_state(state: KeptState, binding: bytes) -> str:
    """The state as the client gets it.

    Raises:
        InvalidParamsError: what was answered is too much to carry on.
    """
    document = {
        "until": int(time.time()) + SECONDS,
        "asked": state.asked,
        "answered": state.answered,
        "own": state.own,
    }
    nonce = secrets.token_bytes(NONCE_LENGTH)
    plaintext = json.dumps(document, separators=(",", ":")).encode()
    sealed = nonce + AESGCM(derive_key(settings.SECRET_KEY)).encrypt(nonce, plaintext, binding)
    encoded = base64.urlsafe_b64encode(sealed).decode()
    if len(encoded) > MAX_LENGTH:
        raise InvalidParamsError("The answers so far are too long. Give shorter ones.")
    return encoded


def open_state(encoded: Any, binding: bytes) -> KeptState | None:
    """What was sealed for this very call; None if edited, another's, another call's or too old."""
    document = decrypt_state(encoded, binding) if isinstance(encoded, str) else None
    if document is None or document["until"] < time.time():
        return None
    return KeptState(
        document["asked"],
        {key: (digest, answer) for key, (digest, answer) in document["answered"].items()},
        document["own"],
    )


def decrypt_state(encoded: str, binding: bytes) -> dict[str, Any] | None:
    """The document inside, or None; former keys count as long as they are configured."""
    if len(encoded) > MAX_LENGTH:
        return None
    try:
        sealed = base64.b64decode(encoded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    nonce, ciphertext = sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:]
    if len(nonce) < NONCE_LENGTH:
        return None
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            plaintext = AESGCM(derive_key(secret)).decrypt(nonce, ciphertext, binding)
        except InvalidTag:
            continue
        document: dict[str, Any] = json.loads(plaintext)
        return document
    return None


@lru_cache(maxsize=8)
def derive_key(secret: str) -> bytes:
    """The key for this purpose only."""
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE)
    return derivation.derive(secret.encode())


def digest_json(document: Any) -> str:
    """Equal documents have equal digests, in whatever order their members were sent."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
