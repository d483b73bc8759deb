"""Pages that a client may have opened in a popup, whose fate it follows."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponseBase

HEADER = "Cross-Origin-Opener-Policy"


def keep_opener(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let the window that opened this page keep its hold on it; every other page cuts it."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response: HttpResponseBase = view(request, *args, **kwargs)
        except ImmediateHttpResponse as stop:
            response = stop.response
        response[HEADER] = "unsafe-none"
        return response

    return wrapped
