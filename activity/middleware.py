"""Gives every request the reference that its answer, its rows and its log lines share."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed

from activity.references import new_reference
from activity.views import method_not_allowed, unreadable

HEADER = "Reference-Id"


class ReferenceMiddleware:
    """Outside everything that answers. Always ours: a client's own id is not taken."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.reference = new_reference()  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(reference=request.reference)  # type: ignore[attr-defined]
        response = self.get_response(request)
        if is_bare(response):
            response = explain_bare(request, response)
        # A view may have replaced it by the summary's (activity.noise).
        response[HEADER] = request.reference  # type: ignore[attr-defined]
        return response


def is_bare(response: HttpResponseBase) -> bool:
    """Whether it is a refusal without words and without a row.

    That is Django's own 405, and whatever the server of static files does not like.
    """
    return isinstance(response, HttpResponseNotAllowed) or (
        response.streaming and response.status_code >= 400
    )


def explain_bare(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The same refusal in our own words."""
    if response.status_code == 405:
        return method_not_allowed(request, response["Allow"])
    return unreadable(request, status=response.status_code)
