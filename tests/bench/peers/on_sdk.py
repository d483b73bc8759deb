"""The peer on the official Python SDK: stateless, JSON answers, its own bearer check."""

import logging

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer

from tests.bench.peers import work

logging.disable(logging.INFO)


class Verifier:
    """The token check that the SDK asks for."""

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
            resource=caller["aud"],
            subject=caller["sub"],
            claims=caller,
        )


server = MCPServer(
    "peer",
    token_verifier=Verifier(),
    auth=AuthSettings(
        issuer_url=work.ORDER["issuer"],
        resource_server_url=work.ORDER["audience"],
        required_scopes=["read"],
        # The verifier checks the audience.
        validate_token_resource=False,
    ),
    log_level="ERROR",
)


@server.tool()
async def whoami() -> work.WhoamiResult:
    """Show who you act for."""
    token = get_access_token()
    return await work.whoami(token.claims)


# Not its own host: the check of Host headers for servers on this computer would only cost it time.
app = server.streamable_http_app(json_response=True, stateless_http=True, host="0.0.0.0")  # noqa: S104
