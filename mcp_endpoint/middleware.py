"""Answers ``/mcp`` before the machinery of pages: no session, no CSRF, no messages, no templates.

It sits below the middleware that draws references and answers CORS preflights, and above
everything that only pages need. A call costs what its two statements cost, and no cookie can ever
authenticate one.
"""

from collections.abc import Callable

from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest, HttpResponseBase

from mcp_endpoint.http_checks import is_allowed_origin
from mcp_endpoint.views import serve_mcp

# With and without the slash: a redirect would turn a client's POST into a GET and drop its token.
PATHS = frozenset({"/mcp", "/mcp/"})


class McpCorsMiddleware(CorsMiddleware):
    """CORS for every machine endpoint; on ``/mcp`` only for the origins whose calls it answers.

    A green preflight followed by a refused call would be the worst of both (MCP transports).
    """

    def is_enabled(self, request: HttpRequest) -> bool:
        """Whether this response gets CORS headers."""
        enabled: bool = super().is_enabled(request)
        if request.path_info not in PATHS:
            return enabled
        return enabled and is_allowed_origin(request.META.get("HTTP_ORIGIN"))


class McpMiddleware:
    """Calls the endpoint's view directly for its two paths."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in PATHS:
            return serve_mcp(request)
        return self.get_response(request)
