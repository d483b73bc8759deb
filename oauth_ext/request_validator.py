"""The adapter between the toolkit (oauthlib) and our own rules for the token endpoints.

oauthlib dispatches by grant type and asks this class one question at a time. The answers come
from ``codes``, ``refresh`` and ``families``, which do all the work at the first question that
concerns them, in the view's transaction; the later questions only read what they left.

oauthlib's request falls back to the client's own parameters for unknown attributes, so nothing
of ours is ever kept there: it travels as an object in the headers, which a client cannot name.
"""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator

from activity.origin import Origin
from oauth_ext.client_identification import Credentials, find_client, verify_client
from oauth_ext.codes import CodeRedemption, redeem_code
from oauth_ext.errors import (
    InvalidClientError,
    InvalidRequestError,
    OAuthError,
    UnsupportedGrantTypeError,
)
from oauth_ext.families import IssuedTokens
from oauth_ext.models import Client
from oauth_ext.parameters import Parameters
from oauth_ext.refresh import RefreshRequest, refresh
from oauth_ext.revocation import revoke_token

HEADER = "oauth_ext.exchange"
GRANTS = frozenset({"authorization_code", "refresh_token"})


@dataclass(slots=True)
class Exchange:
    """One request to a token endpoint: what came in, and what our rules made of it."""

    parameters: Parameters
    credentials: Credentials
    origin: Origin
    client: Client | None = None
    issued: IssuedTokens | None = None
    refusal: OAuthError | None = field(default=None)

    def refuse(self, error: OAuthError) -> OAuthError:
        """Keep the error for the log, and hand it back to be raised."""
        self.refusal = error
        return error


class ToolkitBackend(OAuthLibCore):
    """Carries our exchange object past the toolkit's parsing."""

    def extract_headers(self, request: HttpRequest) -> dict[str, Any]:
        """The headers, and the exchange under a name that no HTTP header can have."""
        headers: dict[str, Any] = super().extract_headers(request)
        headers[HEADER] = request.exchange  # type: ignore[attr-defined]
        return headers


def exchange_of(request: Any) -> Exchange:
    """The exchange behind an oauthlib request."""
    exchange = request.headers[HEADER]
    assert isinstance(exchange, Exchange)
    return exchange


def issued_of(request: Any) -> IssuedTokens:
    """What was issued for an oauthlib request."""
    issued = exchange_of(request).issued
    assert issued is not None
    return issued


def issued_access_token(request: Any, *args: Any) -> str:
    """The toolkit's access token generator: the one that is minted already."""
    return issued_of(request).access_token


def issued_refresh_token(request: Any, *args: Any) -> str:
    """The toolkit's refresh token generator: the successor that is stored already."""
    return issued_of(request).refresh_token


class RequestValidator(OAuth2Validator):
    """Every rule lives elsewhere."""

    # --- client -----------------------------------------------------------------------------

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """``authenticate_client`` answers for public clients too: they prove nothing."""
        return True

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """RFC 6749 §3.2.1; a refusal happens before the code or the token is looked at."""
        exchange = exchange_of(request)
        # The row names the client that was claimed, also when it was somebody else.
        exchange.client = find_client(exchange.credentials)
        try:
            client = verify_client(exchange.client, exchange.credentials)
        except InvalidClientError as error:
            raise exchange.refuse(error) from error
        request.client = client
        request.client_id = client.client_id
        return True

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Every client may use both grants; refresh tokens are never withheld."""
        return grant_type in GRANTS

    # --- authorization code -------------------------------------------------------------------

    def validate_code(
        self, client_id: str, code: str, client: Client, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Redeem the code; the tokens exist when this returns."""
        exchange = exchange_of(request)
        parameters = exchange.parameters
        redemption = CodeRedemption(
            code=parameters.get("code"),
            client=client,
            redirect_uri=parameters.get("redirect_uri"),
            code_verifier=parameters.get("code_verifier"),
            resources=parameters.resources,
            scope=parameters.get("scope"),
        )
        try:
            exchange.issued = redeem_code(redemption, origin=exchange.origin)
        except OAuthError as error:
            raise exchange.refuse(error) from error
        request.user = None
        request.scopes = exchange.issued.scope.split()
        return True

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        """``redeem_code`` has checked the verifier already."""
        return False

    def get_code_challenge(self, code: str, request: Any) -> None:
        """``redeem_code`` has checked the verifier already."""

    def get_default_redirect_uri(
        self, client_id: str, request: Any, *args: Any, **kwargs: Any
    ) -> str:
        """Anything but empty: PKCE binds the request, so the URI may be left out (OAuth 2.1)."""
        return "checked"

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """``redeem_code`` has compared it already."""
        return True

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """``redeem_code`` has consumed it already."""

    # --- refresh token ------------------------------------------------------------------------

    def validate_refresh_token(
        self, refresh_token: str, client: Client, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Rotate; the successor exists when this returns."""
        exchange = exchange_of(request)
        parameters = exchange.parameters
        presented = RefreshRequest(
            refresh_token=parameters.get("refresh_token"),
            client=client,
            scope=parameters.get("scope"),
            resources=parameters.resources,
        )
        try:
            exchange.issued = refresh(presented, origin=exchange.origin)
        except OAuthError as error:
            raise exchange.refuse(error) from error
        # oauthlib compares a requested scope again; ``refresh`` has narrowed it already.
        request.scope = exchange.issued.scope
        request.user = None
        return True

    def get_original_scopes(
        self, refresh_token: str, request: Any, *args: Any, **kwargs: Any
    ) -> str:
        """What this answer grants."""
        return issued_of(request).scope

    def rotate_refresh_token(self, request: Any) -> bool:
        """Always."""
        return True

    # --- both ---------------------------------------------------------------------------------

    def save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Everything is stored already, in the transaction that decided it."""

    def revoke_token(
        self, token: str, token_type_hint: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """RFC 7009 §2.1."""
        exchange = exchange_of(request)
        assert exchange.client is not None
        try:
            revoke_token(
                exchange.parameters.get("token"), client=exchange.client, origin=exchange.origin
            )
        except OAuthError as error:
            raise exchange.refuse(error) from error


def check_token_request(parameters: Parameters, credentials: Credentials) -> None:
    """What must hold before the toolkit is asked (RFC 6749 §3.2, §4.1.3, §6).

    Raises:
        OAuthError: a parameter that every such request has is missing.
    """
    grant_type = parameters.get("grant_type")
    if not grant_type:
        raise InvalidRequestError("grant_type", "grant_type is missing.")
    if grant_type not in GRANTS:
        raise UnsupportedGrantTypeError("grant_type")
    if not credentials.client_id:
        raise InvalidClientError("client_missing", "client_id is missing.")
    wanted = "code" if grant_type == "authorization_code" else "refresh_token"
    if not parameters.get(wanted):
        raise InvalidRequestError(f"{wanted}_missing", f"{wanted} is missing.")
