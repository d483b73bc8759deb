"""Which client is speaking at the token endpoints, and how it proves it (RFC 6749 §2.3, §3.2.1).

A public client only names itself; a confidential one proves it with its secret, in a Basic header
or in the body. One way a request: two ways could name two clients, and the first one would win.
The secret must never get into a log line or an error.
"""

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from django.http import HttpRequest

from oauth_ext.client_secrets import is_secret_of
from oauth_ext.errors import InvalidClientError, InvalidRequestError
from oauth_ext.models import Client
from oauth_ext.parameters import CONTROL, Parameters

# As registered in RFC 7591 §2. ``none`` comes first: clients without a secret look for it.
AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")


class InvalidClientHeaderError(InvalidClientError):
    """The client that the Authorization header names is not accepted."""

    @property
    def headers(self) -> dict[str, str]:
        """RFC 6749 §5.2: answer in the scheme that the client used."""
        return {"WWW-Authenticate": 'Basic realm="token"'}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a client says it is. ``secret`` is empty without one, and is never shown."""

    client_id: str
    secret: str = field(default="", repr=False)
    in_header: bool = False

    def refuse(self, reason: str, description: str = "") -> InvalidClientError:
        """RFC 6749 §5.2: 401, with a challenge if and only if the header was used."""
        kind = InvalidClientHeaderError if self.in_header else InvalidClientError
        return kind(reason, description)


def read_credentials(request: HttpRequest, parameters: Parameters) -> Credentials:
    """What the request says of its client, unverified; ``client_id`` may be empty.

    Some libraries send a public client's id in a Basic header with an empty password.

    Raises:
        InvalidClientError: an unreadable header, another client than the body's, or an assertion.
        InvalidRequestError: more than one way of authentication (RFC 6749 §2.3).
    """
    header = request.META.get("HTTP_AUTHORIZATION", "")
    named, secret = parameters.get("client_id"), parameters.get("client_secret")
    credentials = read_basic(header) if header else Credentials(named, secret)
    if parameters.get("client_assertion") or parameters.get("client_assertion_type"):
        # Not ignored: it would look as if it had been verified.
        raise credentials.refuse("client_assertion", "Client assertions are not supported.")
    if credentials.in_header and secret:
        raise InvalidRequestError("client_auth", "Authenticate in one way only.")
    if named not in ("", credentials.client_id):
        raise credentials.refuse("client_auth", "The header and the body name two clients.")
    return credentials


def read_basic(header: str) -> Credentials:
    """A Basic header (RFC 7617 §2), both parts form-decoded (RFC 6749 §2.3.1).

    Libraries that leave out the encoding send a client id that is a URL as it is. Such a client
    is public, so the last colon ends the id and nothing may follow it.
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClientHeaderError("client_auth", "Only Basic is taken here.")
    try:
        pair = base64.b64decode(encoded.lstrip(" "), validate=True).decode()
        if pair.startswith("https://") and pair.endswith(":") and not CONTROL.search(pair):
            return Credentials(pair[:-1], in_header=True)
        user, colon, password = pair.partition(":")
        client_id = unquote_plus(user, errors="strict")
        secret = unquote_plus(password, errors="strict")
    except ValueError as error:
        raise InvalidClientHeaderError("client_auth", "The header is not readable.") from error
    if not colon or not client_id or CONTROL.search(client_id):
        raise InvalidClientHeaderError("client_auth", "The header is not readable.")
    return Credentials(client_id, secret, in_header=True)


def find_client(credentials: Credentials) -> Client | None:
    """The client of this name, whether or not it is who it says."""
    if not credentials.client_id:
        return None
    found: Client | None = Client.objects.filter(client_id=credentials.client_id).first()
    return found


def verify_client(client: Client | None, credentials: Credentials) -> Client:
    """The client, if it is known, who it says, and not switched off.

    Raises:
        InvalidClientError: which makes a client that was reaped register again.
    """
    if client is None:
        raise credentials.refuse("client_unknown")
    if client.client_type == Client.CLIENT_PUBLIC:
        # A secret that nobody checks must not look like one that was right. An empty one is none.
        if credentials.secret:
            raise credentials.refuse("client_auth", "This client has no secret. Send none.")
    elif not is_secret_of(client, credentials.secret):
        raise credentials.refuse("client_auth", "The client secret is missing or wrong.")
    if not client.is_usable(None):
        raise credentials.refuse("client_disabled", "This client is switched off here.")
    return client
