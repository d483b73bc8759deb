"""The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2): ordered checks.

The order is part of the security. Until the client and the redirect URI are certain, an error is
a page; after that it goes back to the client. The toolkit's own view is not used here: it checks
PKCE after consent, lets the query skip consent, and leaves ``iss`` out of errors.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings

from accounts.login_hints import parse_login_hint
from oauth_ext.document_clients import is_from_document
from oauth_ext.errors import (
    InteractionRequiredError,
    InvalidRequestError,
    OAuthError,
    RequestNotSupportedError,
    RequestUriNotSupportedError,
    UnredirectableError,
    UnsupportedResponseTypeError,
)
from oauth_ext.models import Client
from oauth_ext.parameters import Parameters, refuse_repeated
from oauth_ext.redirect_uris import is_match
from oauth_ext.resources import resolve_resource
from oauth_ext.scopes import BASELINE, find_unknown_scopes, parse_scope

# RFC 7636 §4.2: the base64url of a SHA-256 is exactly this long.
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_STATE = 4096
MAX_CLIENT_ID = 255


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the answer goes; known to be the client's own. ``state`` is echoed byte for byte."""

    client: Client
    redirect_uri: str
    state: str


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that may be put before a person."""

    destination: Destination
    scopes: tuple[str, ...]
    resource: str
    code_challenge: str
    # What was asked for and means nothing here; never granted.
    unknown_scopes: tuple[str, ...] = ()
    login_hint: str = ""
    # Whether the client wants the person to choose whom to be (OpenID Connect Core §3.1.2.1).
    asks_for_account: bool = False


class RedirectableError(Exception):
    """An error that the client at this destination is told of."""

    def __init__(self, destination: Destination, error: OAuthError) -> None:
        super().__init__(error.reason)
        self.destination = destination
        self.error = error


def parse_authorization_request(parameters: Parameters) -> AuthorizationRequest:
    """An untrusted query to a request that may be shown to a person.

    Raises:
        UnredirectableError: the client or the redirect URI is not certain.
        RedirectableError: anything else.
    """
    destination = find_destination(parameters)
    try:
        refuse_repeated(parameters)
        check_state(parameters)
        check_response(parameters)
        check_prompt(parameters)
        return AuthorizationRequest(
            destination=destination,
            code_challenge=check_pkce(parameters),
            resource=resolve_resource(parameters.resources),
            # RFC 6749 §3.3: the server may narrow; a scope that means nothing here is left out.
            scopes=parse_scope(parameters.get("scope")) or BASELINE,
            unknown_scopes=find_unknown_scopes(parameters.get("scope")),
            login_hint=parse_login_hint(parameters.get("login_hint")),
            asks_for_account=bool(
                {"login", "select_account"} & set(parameters.get("prompt").split())
            ),
        )
    except OAuthError as error:
        raise RedirectableError(destination, error) from error


def find_destination(parameters: Parameters) -> Destination:
    """The client and its redirect URI (RFC 6749 §3.1.2.4: never redirect on an error here)."""
    if parameters.repeated & {"client_id", "redirect_uri"}:
        raise UnredirectableError("duplicate_param", "The application sent a mixed-up request.")
    client_id = parameters.get("client_id")
    if not client_id:
        raise UnredirectableError(
            "client_missing",
            "The application did not say which one it is, so nothing was allowed. "
            "For its developer: client_id is missing.",
        )
    client = Client.objects.filter(client_id=client_id[:MAX_CLIENT_ID]).first()
    if client is None or client.client_id != client_id or is_left_out(client):
        raise UnredirectableError(
            "client_unknown",
            "We do not know the application that sent you here. "
            "Remove the connection in the application and add it again.",
            client_id=client_id,
        )
    if not client.is_usable(None):
        raise UnredirectableError(
            "client_disabled",
            "This application has been switched off here, so nothing was allowed. "
            "Ask support whether it will be back.",
            client_id=client.client_id,
        )
    return Destination(
        client=client,
        redirect_uri=find_redirect_uri(client, parameters.get("redirect_uri")),
        state=parameters.get("state"),
    )


def is_left_out(client: Client) -> bool:
    """Whether the client is known by its document only, and documents are switched off."""
    return is_from_document(client) and not settings.CIMD_ENABLED


def find_redirect_uri(client: Client, requested: str) -> str:
    """The requested redirect URI if it is registered; the only one if none was requested."""
    registered = client.redirect_uri_list
    if not requested and len(registered) == 1:
        return registered[0]
    if any(is_match(uri, requested) for uri in registered):
        return requested
    raise UnredirectableError(
        "redirect_mismatch",
        "The application wants the answer at an address that it did not register, so we stop "
        "here. Remove the connection in the application and add it again.",
        client_id=client.client_id,
        details={"redirect_uri": requested},
    )


def check_state(parameters: Parameters) -> None:
    """An oversized state is refused, never cut: the client compares it byte for byte."""
    if len(parameters.get("state")) > MAX_STATE:
        raise InvalidRequestError("state_limit", "state is too long.")


def check_response(parameters: Parameters) -> None:
    """Only a code, only in the query, and no request objects (OAuth 2.1)."""
    if not parameters.get("response_type"):
        raise InvalidRequestError("response_type", "response_type is missing.")
    if parameters.get("response_type") != "code":
        raise UnsupportedResponseTypeError("response_type")
    if parameters.get("response_mode") not in ("", "query"):
        raise InvalidRequestError("response_mode", "response_mode must be query.")
    if parameters.get("request"):
        raise RequestNotSupportedError("request_object")
    if parameters.get("request_uri"):
        raise RequestUriNotSupportedError("request_object")


def check_prompt(parameters: Parameters) -> None:
    """Consent is always shown, so ``prompt`` can only ask for what cannot be had."""
    if "none" in parameters.get("prompt").split():
        raise InteractionRequiredError("prompt_none")


def check_pkce(parameters: Parameters) -> str:
    """RFC 7636 §4.4.1: the server MUST refuse a request without the challenge it requires."""
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if not challenge:
        raise InvalidRequestError("pkce_missing", "code_challenge is required (PKCE with S256).")
    # An absent method means plain (RFC 7636 §4.3), which is not accepted.
    if method != "S256":
        raise InvalidRequestError("pkce_method", "code_challenge_method must be S256.")
    if not CHALLENGE.fullmatch(challenge):
        raise InvalidRequestError("pkce_format", "code_challenge must be 43 base64url characters.")
    return challenge


def build_redirect(destination: Destination, **answer: str) -> str:
    """The client's redirect URI with the answer, ``state`` and ``iss`` (RFC 9207 §2) appended.

    The registered query is kept as it is (RFC 6749 §3.1.2).
    """
    if destination.state:
        answer["state"] = destination.state
    answer["iss"] = settings.ISSUER
    joint = "&" if "?" in destination.redirect_uri else "?"
    return f"{destination.redirect_uri}{joint}{urlencode(answer)}"
