"""What proxies say about a request, believed only as far as ``TRUSTED_PROXY_HOPS`` reaches.

Anybody can send these headers. The address is read in ``activity.origin`` by the same rule; the
host is never taken from them.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

SCHEME = "HTTP_X_FORWARDED_PROTO"
# Nothing reads these; without them nothing can begin to.
NEVER_BELIEVED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT")


class ProxyHeadersMiddleware:
    """The outermost middleware: nothing below it sees a header that nobody vouches for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        for name in NEVER_BELIEVED:
            request.META.pop(name, None)
        scheme = choose_scheme(request.META.pop(SCHEME, ""), settings.TRUSTED_PROXY_HOPS)
        if scheme:
            request.META[SCHEME] = scheme
        return self.get_response(request)


def choose_scheme(header: str, hops: int) -> str:
    """The scheme that our outermost proxy saw.

    A proxy sets the header, or adds to it as to ``X-Forwarded-For``; Django would read the first
    of a list, which is the sender's own.
    """
    values = [value.strip() for value in header.split(",")]
    if not hops or len(values) == 1:
        return values[0] if hops else ""
    return values[-hops] if len(values) >= hops else ""
