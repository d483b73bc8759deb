"""The peer on FastMCP: stateless, JSON answers, its own bearer check."""

import logging

from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.dependencies import get_access_token

from tests.bench.peers import work

logging.disable(logging.INFO)


class Verifier(TokenVerifier):
    """The token check that FastMCP asks for."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """The caller, or None."""
        caller = await work.verify(token)
        if caller is None:
            return None
        return AccessToken(
            token=token,
            client_id=caller["client_id"],
            scopes=caller["scope"].split(),
            expires_at=caller["exp"],
            claims=caller,
        )


server = FastMCP("peer", auth=Verifier(required_scopes=["read"]))


@server.tool
async def whoami() -> work.WhoamiResult:
    """Show who you act for."""
    token = get_access_token()
    return await work.whoami(token.claims)


app = server.http_app(
    path="/mcp", json_response=True, stateless_http=True, host_origin_protection=False
)
