"""Authlib: metadata, the code flow with PKCE, refresh, revocation, and our tokens (RFC 9068)."""

from collections.abc import Callable
from typing import Any

import httpx
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet

from tests.live.server import LiveServer
from tests.oauth_client import CALLBACK, VERIFIER

Decide = Callable[[str], str]


class TokenValidator(JWTBearerTokenValidator):
    """A resource server that knows nothing but the published key set."""

    def __init__(self, issuer: str, resource: str, keys: dict[str, Any]) -> None:
        super().__init__(issuer=issuer, resource_server=resource)
        self.keys = KeySet.import_key_set(keys)

    def get_jwks(self) -> KeySet:
        """The keys."""
        return self.keys


def test_authlib_goes_the_whole_way(server: LiveServer, decide: Decide) -> None:
    assert server.certificate is not None
    trust = server.certificate.trust()
    with httpx.Client(base_url=server.url, verify=trust, trust_env=False) as http:
        document = http.get("/.well-known/oauth-authorization-server").json()
        AuthorizationServerMetadata(document).validate()
        body = {"client_name": "Authlib", "redirect_uris": [CALLBACK]}
        client_id = http.post("/register", json=body).json()["client_id"]
        keys = http.get(document["jwks_uri"]).json()

    with OAuth2Client(
        client_id,
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
        code_challenge_method="S256",
        redirect_uri=CALLBACK,
        scope="read",
        verify=trust,
        trust_env=False,
    ) as client:
        url, state = client.create_authorization_url(
            document["authorization_endpoint"], code_verifier=VERIFIER, resource=server.mcp_url
        )
        token = client.fetch_token(
            document["token_endpoint"],
            authorization_response=decide(url),
            state=state,
            code_verifier=VERIFIER,
        )
        validator = TokenValidator(server.url, server.mcp_url, keys)
        claims = validator.authenticate_token(token["access_token"])
        validator.validate_token(claims, ["read"], None)
        assert (claims["client_id"], claims["aud"]) == (client_id, server.mcp_url)

        refreshed = client.refresh_token(document["token_endpoint"])
        assert refreshed["refresh_token"] != token["refresh_token"]
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        assert client.post(server.mcp_url, json=call).status_code == 200
        revoked = client.revoke_token(document["revocation_endpoint"], refreshed["refresh_token"])
        assert revoked.status_code == 200
        assert client.post(server.mcp_url, json=call).status_code == 401
