"""Which client is speaking at the token endpoints (RFC 6749 §2.3, §3.2.1)."""

import base64
from dataclasses import replace
from urllib.parse import unquote_plus

from django.http import HttpRequest

from oauth_ext.errors import InvalidClientError
from oauth_ext.parameters import CONTROL, Parameters


class InvalidClientHeaderError(InvalidClientError):
    """The Authorization header does not identify a client."""

    @property
    def headers(self) -> dict[str, str]:
        """RFC 6749 §5.2: answer in the scheme that the client used."""
        return {"WWW-Authenticate": 'Basic realm="token"'}


def identify_client(request: HttpRequest, parameters: Parameters) -> Parameters:
    """The parameters with the ``client_id`` that a Basic header names, if there is one.

    Some libraries send a public client's id that way, with an empty password.

    Raises:
        InvalidClientHeaderError: unreadable, or not the client of the body.
    """
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if not header:
        return parameters
    client_id = read_basic(header)
    if parameters.get("client_id") not in ("", client_id):
        raise InvalidClientHeaderError("client_auth")
    return replace(parameters, values={**parameters.values, "client_id": client_id})


def read_basic(header: str) -> str:
    """The user part of a Basic header (RFC 7617 §2), form-decoded (RFC 6749 §2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClientHeaderError("client_auth")
    try:
        user, colon, _ = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError as error:
        raise InvalidClientHeaderError("client_auth") from error
    client_id = unquote_plus(user)
    if not colon or not client_id or CONTROL.search(client_id):
        raise InvalidClientHeaderError("client_auth")
    return client_id
