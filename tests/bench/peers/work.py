"""What every peer does for a call: verify a JWT, ask for the connection's state, write one row.

The two statements are our own, handed over by the run, on the same tables; each is prepared once
by asyncpg, the faster driver for a server on asyncio. A signature found good is remembered as ours
is, unless the run says that peers verify every time.
"""

import asyncio
import hashlib
import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import jwt
from pydantic import BaseModel

ORDER = json.loads(Path(os.environ["BENCH_WORK"]).read_text())
KEY = jwt.PyJWK(ORDER["jwk"]).key
CONNECTIONS = ORDER["connections"]
MEMORY: dict[bytes, dict[str, Any]] = {}


class WhoamiResult(BaseModel):
    """The same members as our tool's result."""

    name: str
    email: str
    organization: str
    organization_id: UUID
    role: str
    client: str
    client_id: str
    connection_id: UUID | None
    scopes: list[str]
    token_expires_at: datetime


class Database:
    """One pool a process, as many connections as our server has threads."""

    pool: asyncpg.Pool | None = None
    opening = asyncio.Lock()

    async def open(self) -> asyncpg.Pool:
        """The pool, which must be made inside the running loop."""
        async with self.opening:
            if self.pool is None:
                self.pool = await asyncpg.create_pool(
                    **ORDER["database"], min_size=CONNECTIONS, max_size=CONNECTIONS
                )
        return self.pool


database = Database()


def parse_token(token: str) -> dict[str, Any]:
    """The claims of a token that the run's key signed."""
    digest = hashlib.sha256(token.encode()).digest()
    claims = MEMORY.get(digest)
    if claims is None:
        claims = jwt.decode(
            token,
            KEY,
            algorithms=["ES256"],
            issuer=ORDER["issuer"],
            audience=ORDER["audience"],
        )
        if ORDER["memoize"]:
            MEMORY[digest] = claims
    return claims


async def verify(token: str) -> dict[str, Any] | None:
    """Whom the token stands for, asked of the database now; None if it stands for nobody."""
    try:
        claims = parse_token(token)
    except jwt.PyJWTError:
        return None
    pool = database.pool or await database.open()
    row = await pool.fetchrow(ORDER["verify"], claims["fid"], claims["cid"])
    if row is None or not row[3] or not row[6] or row[10] or row[11] or row[12] or row[13]:
        return None
    return {**claims, "row": row}


async def record(caller: dict[str, Any], protocol_version: str) -> None:
    """The call's row, durable when this returns."""
    row = caller["row"]
    pool = database.pool or await database.open()
    await pool.execute(
        ORDER["record"],
        secrets.token_hex(6) + "0",
        "tool_called",
        "succeeded",
        "",
        row[0],
        row[4],
        row[8],
        UUID(caller["cid"]),
        "whoami",
        protocol_version,
        200,
        1.0,
        "127.0.0.1",
        "bench",
        '{"arguments": {}}',
    )


async def whoami(caller: dict[str, Any]) -> WhoamiResult:
    """The tool."""
    row = caller["row"]
    result = WhoamiResult(
        name=row[2] or row[1],
        email=row[1],
        organization=row[5],
        organization_id=row[4],
        role=row[7],
        client=row[9],
        client_id=row[8],
        connection_id=UUID(caller["cid"]),
        scopes=caller["scope"].split(),
        token_expires_at=datetime.fromtimestamp(caller["exp"], UTC),
    )
    await record(caller, "2026-07-28")
    return result
