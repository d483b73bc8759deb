"""JWTs made by hand: a good one, changed in one place at a time."""

import base64
import json
import time
import uuid
from typing import Any

import jwt

from oauth_ext.keys import get_key_ring
from tests.conftest import Connected

ABSENT = object()


def claims_of(connected: Connected) -> dict[str, Any]:
    """The claims that the server would sign for this connection now."""
    now = int(time.time())
    connection = connected.connection
    return {
        "iss": "http://127.0.0.1:8000",
        "sub": str(connection.user_id),
        "aud": "http://127.0.0.1:8000/mcp",
        "iat": now,
        "exp": now + 3600,
        "jti": str(uuid.uuid4()),
        "client_id": connected.client.client_id,
        "scope": "read",
        "org_id": str(connection.organization_id),
        "cid": str(connection.id),
        "fid": str(connected.family.id),
    }


def header() -> dict[str, Any]:
    """The header that the server would write."""
    return {"alg": "ES256", "typ": "at+jwt", "kid": get_key_ring().current.kid}


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """With these members changed, and those that are ABSENT left out."""
    return {n: v for n, v in (document | changes).items() if v is not ABSENT}


def encode(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(segment: str) -> bytes:
    """The bytes of an unpadded base64url segment."""
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def sign_text(header_text: str, payload_text: str) -> str:
    """A token over exactly these texts, with a good ES256 signature by the current key."""
    return sign_bytes(header_text.encode(), payload_text.encode())


def sign_bytes(header_bytes: bytes, payload_bytes: bytes) -> str:
    """The same over bytes that need not be text."""
    signing_input = f"{encode(header_bytes)}.{encode(payload_bytes)}"
    signature = jwt.get_algorithm_by_name("ES256").sign(
        signing_input.encode(), get_key_ring().current.private_key
    )
    return f"{signing_input}.{encode(signature)}"


def sign(claims: dict[str, Any], **header_changes: Any) -> str:
    """A token with these claims, with a good signature whatever the header says."""
    return sign_text(json.dumps(changed(header(), header_changes)), json.dumps(claims))


def expire(token: str) -> str:
    """A token of this server as it would be two hours later."""
    claims = json.loads(decode(token.split(".")[1]))
    return sign(claims | {"iat": claims["iat"] - 7200, "exp": claims["exp"] - 7200})
