"""Every error of the authorization server, once: RFC code, status, wire text, log reason.

The wire text is the same for causes that a stranger must not tell apart; ``reason`` is the
difference, and only the log gets it. Whether an error may be sent by redirect is decided by
where it is raised: ``UnredirectableError`` never is.
"""

from collections.abc import Mapping

from oauthlib.oauth2 import OAuth2Error

from oauth_ext.models import Connection

NOT_GRANTABLE = "The person's role or the organization does not allow this scope."


class OAuthError(OAuth2Error):
    """An error response of RFC 6749 §5.2 (token) or §4.1.2.1 (authorization).

    Args:
        reason: the slug for the log, never sent.
        description: the wire text; plain ASCII, without quotes (RFC 6749 §5.2).

    ``connection`` is what the refused code or token belongs to, for the log; None if it is not
    certain.
    """

    error = "invalid_request"
    status_code = 400
    default_description = "The request is not valid."

    def __init__(self, reason: str, description: str = "") -> None:
        super().__init__(description=description or self.default_description)
        self.reason = reason
        self.connection: Connection | None = None

    @property
    def headers(self) -> dict[str, str]:
        """None: a challenge only answers a header that was used (RFC 6749 §5.2)."""
        return {}


class InvalidRequestError(OAuthError):
    """A parameter is missing, repeated, malformed or too long."""


class InvalidClientError(OAuthError):
    """The client is unknown, disabled or reaped; the answer makes clients register anew."""

    error = "invalid_client"
    status_code = 401
    default_description = "This client is not registered here. Register again."


class InvalidGrantError(OAuthError):
    """A code or refresh token that is unknown, expired, used, revoked or somebody else's."""

    error = "invalid_grant"
    default_description = "The code or refresh token is no longer valid. Authorize again."


class UnsupportedGrantTypeError(OAuthError):
    """Only authorization_code and refresh_token exist here (OAuth 2.1)."""

    error = "unsupported_grant_type"
    default_description = "grant_type must be authorization_code or refresh_token."


class InvalidScopeError(OAuthError):
    """More was asked for than was granted."""

    error = "invalid_scope"
    default_description = "The scope is wider than what was granted."


class InvalidTargetError(OAuthError):
    """The resource is not this server's (RFC 8707 §2)."""

    error = "invalid_target"
    default_description = "The resource is not served here."


class UnsupportedResponseTypeError(OAuthError):
    """Only ``code`` exists here (OAuth 2.1)."""

    error = "unsupported_response_type"
    default_description = "response_type must be code."


class RequestNotSupportedError(OAuthError):
    """Request objects by value (RFC 9101 §6.3, OpenID Connect Core §3.1.2.6)."""

    error = "request_not_supported"
    default_description = "Request objects are not supported."


class RequestUriNotSupportedError(OAuthError):
    """Request objects by reference, which would have to be fetched."""

    error = "request_uri_not_supported"
    default_description = "Request objects are not supported."


class AccessDeniedError(OAuthError):
    """The person pressed Cancel, or has no organization to connect."""

    error = "access_denied"
    default_description = "The person did not allow access."


class InteractionRequiredError(OAuthError):
    """``prompt=none``: consent is always shown, so nothing works without the person."""

    error = "interaction_required"
    default_description = "Consent is always asked for; prompt=none cannot be served."


class InvalidRedirectUriError(OAuthError):
    """A redirect URI that may not be registered (RFC 7591 §3.2.2)."""

    error = "invalid_redirect_uri"
    default_description = "Redirect URIs must be https, or http on a loopback address."


class InvalidClientMetadataError(OAuthError):
    """A registration that cannot be read or is inconsistent (RFC 7591 §3.2.2)."""

    error = "invalid_client_metadata"
    default_description = "The client metadata is not valid."


class RegistrationOffError(OAuthError):
    """The deployment lets no client register itself: there is nothing at this address."""

    error = "not_found"
    status_code = 404
    default_description = "Clients cannot register themselves here. Ask the operator for one."


class PayloadTooLargeError(OAuthError):
    """The body is over the limit."""

    status_code = 413
    default_description = "The request body is too large."


class UnsupportedMediaTypeError(OAuthError):
    """The body is of another content type than the endpoint takes."""

    status_code = 415
    default_description = "The content type is not supported here."


class TooManyRequestsError(OAuthError):
    """More of it than any honest client needs; the same request works later.

    Args:
        retry_after: seconds until it does.
    """

    error = "temporarily_unavailable"
    status_code = 429
    default_description = "Too many requests. Try again later."

    def __init__(self, reason: str, description: str = "", *, retry_after: int = 60) -> None:
        super().__init__(reason, description)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """When to come back (RFC 9110 §10.2.3)."""
        return {"Retry-After": str(self.retry_after)}


class RegistrationFullError(TooManyRequestsError):
    """Not this client's doing: too many others registered and were never used."""

    status_code = 503
    default_description = "No more clients can be registered for now. Try again later."


class OutOfStepError(TooManyRequestsError):
    """Another server of ours sealed it under a pepper that this one was not given: our fault."""

    status_code = 503
    default_description = "This cannot be answered for now. Try again later."


class UnredirectableError(Exception):
    """The client or the redirect URI is not certain: a page, never a redirect (RFC 6749 §4.1.2.1).

    Args:
        reason: the slug for the log.
        message: what the person reads.
        client_id, details: what support needs to know of it; for the log.
        status: of the page; 429 and 503 for what works later.
        retry_after: seconds until it does.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        client_id: str = "",
        details: Mapping[str, str] | None = None,
        status: int = 400,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.client_id = client_id
        self.details = details or {}
        self.status = status
        self.retry_after = retry_after
