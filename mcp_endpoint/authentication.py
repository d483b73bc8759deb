"""The bearer token of a request, and whom it stands for (RFC 6750 §2.1).

The ``Authorization`` header is the only place a token is taken from. It must never be read from
the query, the body or a cookie: those end up in logs, in history, and are sent by a browser
without anybody's intent (MCP 2026-07-28 authorization §Access Token Usage).
"""

import re

import django.db
from django.conf import settings
from django.db import InterfaceError, NotSupportedError, OperationalError, connection
from django.http import HttpRequest

from activity.subject import Subject
from mcp_endpoint.errors import PausedError, RefusedError, UnauthorizedError
from oauth_ext.challenges import build_challenge
from oauth_ext.continued_permission import find_end_of_permission
from oauth_ext.standing import CONNECTION_PAUSED
from oauth_ext.verification import Principal, TokenRefusedError, verify_bearer

MAX_TOKEN_LENGTH = 8192
AI_ACCESS = "/settings/ai-access"
PAUSED_REMEDY = (
    "It cannot resume itself, and connecting it again does not help. The person who connected it "
    "can resume it at {page}; an owner or admin of the organization can too, with "
    "resume_application in an application of theirs. Then the same token works again."
)
# Looked for as text: a query of too many fields can't be parsed, and nothing else is read of it.
TOKEN_IN_QUERY = re.compile(r"(?:^|&)access_token(?:=|&|$)")
TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def authenticate(request: HttpRequest) -> Principal:
    """The principal of the request's bearer token, checked against the database now.

    Raises:
        UnauthorizedError: 401 with a challenge; no ``error`` in it if no token was sent.
        PausedError: 403; the token is good again once the connection is resumed.
        django.db.Error: the check could not be made; it says nothing about the token.
    """
    try:
        return verify(read_bearer_token(request))
    except TokenRefusedError as error:
        raise build_refusal(error) from error


def find_end(principal: Principal) -> RefusedError | None:
    """Why the caller of a call that is under way may not go on, or None.

    A database that does not answer ends no call: it says nothing about the caller, and the call
    can keep nothing without it.
    """
    try:
        ended = find_end_of_permission(principal)
    except django.db.Error:
        connection.close()
        return None
    if ended is None:
        return None
    return build_refusal(
        TokenRefusedError(
            ended.reason,
            ended.description,
            user_id=principal.user_id,
            organization_id=principal.organization_id,
            client_id=principal.client_id,
            connection_id=principal.connection_id,
            details=principal.named_in_log,
        )
    )


def build_refusal(error: TokenRefusedError) -> RefusedError:
    """What the caller is told of a token that is not accepted."""
    subject = Subject(
        user_id=error.user_id,
        organization_id=error.organization_id,
        client_id=error.client_id,
        connection_id=error.connection_id,
        details=error.details,
    )
    if error.reason == CONNECTION_PAUSED:
        return PausedError(
            f"{error.description}. {PAUSED_REMEDY.format(page=settings.PUBLIC_URL + AI_ACCESS)}",
            data={"error": "paused", "error_description": error.description},
            subject=subject,
        )
    return UnauthorizedError(
        f"{error.description}.",
        reason=error.reason,
        data={"error": "invalid_token", "error_description": error.description},
        headers={"WWW-Authenticate": build_challenge(error)},
        subject=subject,
    )


def verify(token: str) -> Principal:
    """The principal of a token, with a second attempt if the connection had died while idle.

    It replaces Django's health check, a round trip of its own before every request: our query
    finds out as well, and repeating it is safe: verifying reads, and at most draws a few tokens of
    a limit once more.
    """
    was_connected = connection.connection is not None
    connection.health_check_done = True  # type: ignore[attr-defined]  # missing in the stubs
    try:
        return verify_bearer(token, is_counted=True)
    except (InterfaceError, NotSupportedError, OperationalError):
        connection.close_if_unusable_or_obsolete()
        if not was_connected or connection.connection is not None:
            raise
        return verify_bearer(token, is_counted=True)


def read_bearer_token(request: HttpRequest) -> str:
    """The one bearer token in the ``Authorization`` header.

    Raises:
        UnauthorizedError: there is none.
        TokenRefusedError: there are several, or it can't be a token.
    """
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, credentials = header.partition(" ")
    in_query = TOKEN_IN_QUERY.search(request.META.get("QUERY_STRING", "")) is not None
    if scheme.lower() != "bearer":
        raise build_missing_credential("token_in_query" if in_query else "missing_bearer_token")
    token = credentials.strip(" ")
    # Servers join repeated headers with a comma, which no token contains. RFC 6750 §2: a client
    # MUST NOT use more than one method; whoever does may mean another token than we read.
    if in_query or "," in token:
        raise TokenRefusedError("multiple_credentials", "Invalid token")
    if len(token) > MAX_TOKEN_LENGTH or not TOKEN68.fullmatch(token):
        raise TokenRefusedError("malformed_credentials", "Invalid token")
    return token


def build_missing_credential(reason: str) -> UnauthorizedError:
    """RFC 6750 §3.1: without a credential the challenge SHOULD NOT carry an error code."""
    return UnauthorizedError(
        "Missing bearer token.",
        reason=reason,
        data={"error_description": "Missing bearer token"},
        headers={"WWW-Authenticate": build_challenge(None)},
    )
