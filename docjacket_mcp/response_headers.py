"""What every answer tells browsers: a Content-Security-Policy, a Permissions-Policy, no caching.

It stands outside everything that answers, so that refusals, faults and static files have them too;
Django's own middleware beside it adds the other headers.
"""

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"
HTML = "text/html"
# What no page may do: JSON, a document of a client, a file.
NOTHING = "default-src 'none'; frame-ancestors 'none'"
FEATURES = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "clipboard-write",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "xr-spatial-tracking",
)
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in FEATURES)


class ResponseHeadersMiddleware(CSPMiddleware):
    """Our pages run no script at all; the admin needs its own; programs need nothing."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Set what is missing; a view's own change of the policy stays, except under /admin/."""
        # Only documents and files that are the same for everybody say that they may be kept.
        response.headers.setdefault("Cache-Control", "no-store")
        if not response.get("Content-Type", "").startswith(HTML):
            response.headers.setdefault(HEADER, NOTHING)
            return response
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        if request.path_info.startswith("/admin/"):
            inherited = dict.fromkeys(settings.CONTENT_SECURITY_POLICY["DIRECTIVES"])
            response._csp_replace = inherited | settings.ADMIN_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]
        return super().process_response(request, response)  # type: ignore[no-any-return]
