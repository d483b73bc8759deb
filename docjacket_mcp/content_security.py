"""The Content-Security-Policy of a response: one for our pages, one for the stock admin."""

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ContentSecurityMiddleware(CSPMiddleware):
    """Our pages run no script at all; the admin needs its own."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Swap the whole policy under /admin/; a view's own change stays otherwise."""
        if request.path_info.startswith("/admin/"):
            inherited = dict.fromkeys(settings.CONTENT_SECURITY_POLICY["DIRECTIVES"])
            response._csp_replace = inherited | settings.ADMIN_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]
        return super().process_response(request, response)  # type: ignore[no-any-return]
