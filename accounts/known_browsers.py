"""Browsers in which a person has given the right password or followed a reset link before.

A stranger can use up every limit that counts by account. What such a browser sends is counted in a
bucket of its own instead, so its person still gets in. The cookie is a signed random name; whom it
is for is in the signature's salt, with the password's hash, so that a new password ends them all.
A browser knows one person, the last.
"""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponseBase

from accounts.models import User

LIFETIME = 180 * 24 * 3600


def remember_browser(request: HttpRequest, user: User) -> None:
    """Let the answer to this request make the browser a known one."""
    request.remembered_for = user  # type: ignore[attr-defined]


def find_known_browser(request: HttpRequest, email: str) -> str | None:
    """The name of the browser, if the person with this address is known to use it."""
    cookie = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME)
    user = User.objects.find_by_email(email) if cookie else None
    if cookie is None or user is None:
        return None
    try:
        return build_signer(user).unsign(cookie, max_age=LIFETIME)
    except BadSignature:
        return None


def build_signer(user: User) -> TimestampSigner:
    """Signs what holds for this person as long as their password does."""
    parts = (str(user.pk), user.password, str(user.tokens_valid_from))
    return TimestampSigner(salt=" ".join(("accounts.known_browsers", *parts)))


class KnownBrowserMiddleware:
    """Gives the browser its cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        user = getattr(request, "remembered_for", None)
        if user is not None:
            response.set_cookie(
                settings.KNOWN_BROWSER_COOKIE_NAME,
                build_signer(user).sign(secrets.token_urlsafe(16)),
                max_age=LIFETIME,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
