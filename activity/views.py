"""Error pages. Each shows a reference, and each reference leads to a row."""

import logging
import sys
from collections.abc import Mapping
from uuid import UUID

from django import db
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from activity.events import Event, Outcome
from activity.origin import Origin, origin_of
from activity.recorder import record_event
from activity.refusals import record_refusal

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
# Programs' paths: also what is not there, or not like that, is said in JSON.
MACHINE_PATHS = (
    "/.well-known/",
    "/mcp",
    "/token",
    "/register",
    "/revoke",
    "/leaked-tokens",
    "/api/",
)
# What a program is told of a refusal; all others are an ``invalid_request``.
PUBLIC_ERRORS = {
    403: "access_denied",
    404: "not_found",
    429: "temporarily_unavailable",
    503: "temporarily_unavailable",
}


def render_refusal(
    request: HttpRequest,
    *,
    status: int,
    title: str,
    message: str,
    reason: str,
    event: Event = Event.PAGE_REFUSED,
    client_id: str = "",
    details: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A refusal as a page (or JSON for a program), after its row was written."""
    # The pattern rather than the path: a reset link's path is a secret.
    path = request.resolver_match.route if request.resolver_match else request.path
    reference = record_refusal(
        request,
        event,
        reason=reason,
        user_id=find_user_id(request),
        client_id=client_id,
        http_status=status,
        details={"path": path, **(details or {})},
    )
    return render_error(
        request,
        status=status,
        title=title,
        message=message,
        reference=reference,
        # Why an application was turned away is more than the page says.
        is_in_own_log=event is Event.AUTHORIZATION_REFUSED and find_user_id(request) is not None,
    )


def render_error(
    request: HttpRequest,
    *,
    status: int,
    title: str,
    message: str,
    reference: str,
    is_in_own_log: bool = False,
) -> HttpResponse:
    """The error page; programs, which do not ask for HTML, get the same as JSON.

    Neither says more than the status does: the reason is for the log.
    """
    if not wants_html(request):
        error = PUBLIC_ERRORS.get(status, "invalid_request")
        body = {"error": error, "error_description": f"{title}. {message}", "reference": reference}
        response: HttpResponse = JsonResponse(body, status=status)
    else:
        context = {
            "status": status,
            "title": title,
            "message": message,
            "reference": reference,
            "is_in_own_log": is_in_own_log,
        }
        response = render(request, "error.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def wants_html(request: HttpRequest) -> bool:
    """Whether a browser asks; programs' paths answer JSON whatever is accepted."""
    if request.path.startswith(MACHINE_PATHS):
        return False
    return "text/html" in request.META.get("HTTP_ACCEPT", "")


def find_user_id(request: HttpRequest) -> UUID | None:
    """The signed-in person's id, if the request got as far as having one."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    return user.pk  # type: ignore[no-any-return]


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: also for other people's things, which look exactly like things that never were."""
    return render_refusal(
        request,
        status=404,
        title="There is nothing at this address",
        message="Check the address, or start again from the start page.",
        reason="not_found",
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 for a signed-in person who may not see a page."""
    return render_refusal(
        request,
        status=403,
        title="This page is not yours to see",
        message=f"You are signed in as {request.user}. Sign out from the start page's menu and "
        "sign in with an account that may, or ask your administrator.",
        reason="permission_denied",
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 for requests that Django itself could not accept (host, size, encoding)."""
    if isinstance(exception, DisallowedHost):
        return render_refusal(
            request,
            status=400,
            title="This is not our address",
            message=f"This server answers at {settings.PUBLIC_URL} only. Open that instead.",
            reason="bad_host",
        )
    return unreadable(request)


def unreadable(request: HttpRequest, *, status: int = 400) -> HttpResponse:
    """A request of a form that nothing here takes."""
    return render_refusal(
        request,
        status=status,
        title="We could not read this request",
        message="Go back and try again.",
        reason="bad_request",
    )


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """405 for an address that does something else; mostly a form's, opened by hand."""
    response = render_refusal(
        request,
        status=405,
        title="This address cannot be opened like that",
        message="Start again from the start page. Nothing was changed.",
        reason="method_not_allowed",
    )
    response["Allow"] = allowed
    return response


def too_many_requests(
    request: HttpRequest,
    *,
    policy: str = "",
    retry_after: int = 60,
    event: Event = Event.PAGE_REFUSED,
) -> HttpResponse:
    """429 for somebody who tries too often; the row names the policy, the page does not.

    Args:
        retry_after: seconds.
    """
    response = render_refusal(
        request,
        status=429,
        title="Too many attempts",
        message="Wait a few minutes, then try again. Nothing was changed.",
        reason="too_many_attempts",
        event=event,
        details={"policy": policy} if policy else None,
    )
    response["Retry-After"] = str(retry_after)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that this browser did not get from us."""
    return render_refusal(
        request,
        status=403,
        title="This form has expired",
        message="Nothing was changed. Go back, reload the page and try again.",
        reason="csrf",
    )


def server_fault(request: HttpRequest) -> HttpResponse:
    """A fault of ours: 503 while the database is away, else 500. Never a credential error."""
    fault = sys.exception()
    if isinstance(fault, db.DataError):
        # A value that no column can hold, such as a NUL in a filter: theirs, not ours.
        return bad_request(request, fault)
    infrastructure = isinstance(fault, db.Error)
    status = 503 if infrastructure else 500
    origin = origin_of(request)
    record_fault(origin, fault, status)
    logger.error("request failed", exc_info=fault)
    title = "We are having trouble" if infrastructure else "Something went wrong on our side"
    message = "Nothing was lost. Please try again in a moment."
    if wants_html(request):
        context = {
            "reference": origin.reference,
            "title": title,
            "message": message,
            "product_name": settings.PRODUCT_NAME,
            "support_email": settings.SUPPORT_EMAIL,
        }
        # No request context: whatever broke may be what the context processors need.
        response = HttpResponse(render_to_string("500.html", context), status=status)
    else:
        body = {
            "error": "temporarily_unavailable" if infrastructure else "server_error",
            "error_description": message,
            "reference": origin.reference,
        }
        response = JsonResponse(body, status=status)
    if infrastructure:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


def record_fault(origin: Origin, fault: BaseException | None, status: int) -> None:
    """Leave a row for the reference if the database can still take one; never raises."""
    try:
        record_event(
            Event.SERVER_FAULT,
            origin=origin,
            outcome=Outcome.FAILED,
            reason=type(fault).__name__ if fault else "unknown",
            http_status=status,
        )
    except db.Error:
        logger.error("the fault could not be recorded", extra={"reference": origin.reference})
