"""How the machine endpoints answer: JSON, never cached, every error with its reference."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.limits import REVOCATION_REFUSALS, TOKEN_REFUSALS, allow_refusal
from activity.events import Event
from activity.origin import find_client_address
from activity.refusals import record_refusal
from oauth_ext.errors import (
    InvalidGrantError,
    InvalidScopeError,
    InvalidTargetError,
    OAuthError,
    TooManyRequestsError,
)
from oauth_ext.models import Client, Connection

# Beyond these, a refusal that nobody can act on only says when to come back.
REFUSAL_POLICIES = {
    Event.TOKEN_REQUEST_REFUSED: TOKEN_REFUSALS,
    Event.REVOCATION_REFUSED: REVOCATION_REFUSALS,
}

# A client is told these however often others at its address were refused: it must register anew,
# ask the person again, or ask for less. A 429 would leave it with what does not work any more.
TELLING = (InvalidGrantError, InvalidScopeError, InvalidTargetError, TooManyRequestsError)
TELLING_REASONS = frozenset({"client_unknown", "client_disabled"})


def is_telling(error: OAuthError) -> bool:
    """Whether the answer says what to do next; not so a wrong secret or a malformed request."""
    return isinstance(error, TELLING) or error.reason in TELLING_REASONS


def answer_json(body: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A JSON answer that no cache keeps (RFC 6749 §5.1)."""
    response = JsonResponse(body, status=status)
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response


def answer_refusal(
    request: HttpRequest, error: OAuthError, *, event: Event, client: Client | None = None
) -> HttpResponse:
    """The error response of RFC 6749 §5.2, after its row was written."""
    client_id = client.client_id if client else ""
    policy, details = None if is_telling(error) else REFUSAL_POLICIES.get(event), {}
    if policy and not allow_refusal(policy, client_id, find_client_address(request)):
        details = {"policy": policy.name, "otherwise": error.reason}
        connection = error.connection
        error = TooManyRequestsError("too_many_refusals", retry_after=policy.retry_after)
        error.connection = connection
    reference = record_refusal(
        request,
        event,
        reason=error.reason,
        client_id=client_id,
        **name_subject(error.connection),
        http_status=error.status_code,
        details=details,
    )
    body = {
        "error": error.error,
        "error_description": error.description,
        "reference": reference,
    }
    response = answer_json(body, status=error.status_code)
    for name, value in error.headers.items():
        response[name] = value
    return response


def name_subject(connection: Connection | None) -> dict[str, UUID | None]:
    """Whom a refusal concerns, in the columns of its row."""
    if connection is None:
        return {}
    return {
        "user_id": connection.user_id,
        "organization_id": connection.organization_id,
        "connection_id": connection.id,
    }


def answer_document(document: bytes, *, max_age: int) -> HttpResponse:
    """A precomputed public document."""
    response = HttpResponse(document, content_type="application/json")
    response["Cache-Control"] = f"public, max-age={max_age}"
    return response


def answer_method_not_allowed(request: HttpRequest, *allowed: str) -> HttpResponse:
    """405 in the form that programs read."""
    reference = record_refusal(
        request,
        Event.PAGE_REFUSED,
        reason="method_not_allowed",
        http_status=405,
        details={"path": request.path},
    )
    body = {
        "error": "invalid_request",
        "error_description": f"Use {' or '.join(allowed)}.",
        "reference": reference,
    }
    response = answer_json(body, status=405)
    response["Allow"] = ", ".join(allowed)
    return response
