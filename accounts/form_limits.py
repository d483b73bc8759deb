"""Limits on the forms about passwords: how often each may be sent, and how much at once.

What is refused is refused before the form is looked at, with 429 or 503, ``Retry-After`` and a row.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from accounts.hash_slots import RETRY_AFTER_SECONDS, HashingBusyError
from accounts.known_browsers import find_known_browser
from accounts.limits import (
    PASSWORD_CHANGE,
    RESET_KNOWN,
    RESET_LINK_SOURCE,
    SIGN_IN_KNOWN,
    Bucket,
    Policy,
    list_reset_buckets,
    list_sign_in_buckets,
    name_bucket_of_source,
    take_tokens,
)
from activity.events import Event
from activity.origin import find_client_address
from activity.views import render_refusal, too_many_requests

View = Callable[..., HttpResponseBase]


def limit_posts(view: View, list_buckets: Callable[[HttpRequest], list[Bucket]]) -> View:
    """The view, whose form may only be sent while each of its buckets has a token."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        exhausted = take_tokens(list_buckets(request)) if request.method == "POST" else None
        if exhausted is not None:
            return refuse_attempt(request, exhausted)
        return view(request, *args, **kwargs)

    return wrapped


def refuse_attempt(
    request: HttpRequest, policy: Policy, event: Event = Event.PASSWORD_REFUSED
) -> HttpResponseBase:
    """429, with the row that names the policy."""
    return too_many_requests(
        request, policy=policy.name, retry_after=policy.retry_after, event=event
    )


def refuse_while_busy(request: HttpRequest) -> HttpResponseBase:
    """503: as many passwords are being hashed as there may be at once."""
    response = render_refusal(
        request,
        status=503,
        title="Too many people are signing in right now",
        message="Nothing was changed. Wait a few seconds, then try again.",
        reason="hashing_busy",
        event=Event.PASSWORD_BUSY,
    )
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def list_buckets_of_sign_in(request: HttpRequest, email: str) -> list[Bucket]:
    """A password typed in: by the browser if the person used it before, else by all the others."""
    browser = find_known_browser(request, email)
    if browser is not None:
        return [(SIGN_IN_KNOWN, browser)]
    return list_sign_in_buckets(email, find_client_address(request))


def list_buckets_of_reset(request: HttpRequest) -> list[Bucket]:
    """Asking for a reset mail: by source, also with the address that it would go to."""
    email = request.POST.get("email", "")
    browser = find_known_browser(request, email)
    if browser is not None:
        return [(RESET_KNOWN, browser)]
    return list_reset_buckets(email, find_client_address(request))


def list_buckets_of_reset_link(request: HttpRequest) -> list[Bucket]:
    """Choosing a new password from a reset mail: by source."""
    return [name_bucket_of_source(RESET_LINK_SOURCE, find_client_address(request))]


def list_buckets_of_change(request: HttpRequest) -> list[Bucket]:
    """Changing a password: by person, since the form asks for the old one."""
    return [(PASSWORD_CHANGE, str(request.user.pk))] if request.user.is_authenticated else []


class HashingBusyMiddleware:
    """Answers for every view, ours or the admin's, that found no slot to hash in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """The answer, if that is what went wrong."""
        return refuse_while_busy(request) if isinstance(exception, HashingBusyError) else None
