"""Answers ``/mcp`` before the machinery of pages: no session, no CSRF, no messages, no templates.

It sits below the middleware that draws references and answers CORS preflights, and above
everything that only pages need. A call costs what its two statements cost, and no cookie can ever
authenticate one.
"""

import re
from collections.abc import Callable
from typing import cast

from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers

from mcp_endpoint.http_checks import is_allowed_origin
from mcp_endpoint.views import serve_mcp

# With and without the slash: a redirect would turn a client's POST into a GET and drop its token.
PATHS = frozenset({"/mcp", "/mcp/"})


ALLOWED_HEADERS = "Access-Control-Allow-Headers"
# MCP 2026-07-28 transports: a tool's own headers, whose names nobody can list beforehand.
PARAMETER_HEADER = re.compile(r"mcp-param-[a-z0-9-]{1,64}")
MAX_PARAMETER_HEADERS = 32


class McpCorsMiddleware(CorsMiddleware):
    """CORS for every machine endpoint; on ``/mcp`` only for the origins whose calls it answers.

    A green preflight followed by a refused call would be the worst of both (MCP transports).
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Programs send no ``Origin``: all they are told is that the answer depends on it."""
        if request.method != "POST" or "HTTP_ORIGIN" in request.META:
            return cast(HttpResponseBase, super().__call__(request))
        response = cast(HttpResponseBase, self.get_response(request))
        if not self.is_enabled(request):
            return response
        if "Vary" in response.headers:
            patch_vary_headers(response, ("origin",))
        else:
            response.headers["Vary"] = "origin"
        return response

    def is_enabled(self, request: HttpRequest) -> bool:
        """Whether this response gets CORS headers."""
        enabled: bool = super().is_enabled(request)
        if request.path_info not in PATHS:
            return enabled
        return enabled and is_allowed_origin(request.META.get("HTTP_ORIGIN"))

    def add_response_headers(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """The headers of a CORS response; a preflight may name parameters of tools as well."""
        answered = super().add_response_headers(request, response)
        if ALLOWED_HEADERS in answered and request.path_info in PATHS:
            wanted = find_parameter_headers(request)
            answered[ALLOWED_HEADERS] = ", ".join([answered[ALLOWED_HEADERS], *wanted])
        return answered


def find_parameter_headers(request: HttpRequest) -> list[str]:
    """The parameter headers that a preflight asks for, in lower case."""
    asked = request.META.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "").lower().split(",")
    names = [name.strip(" \t") for name in asked[:MAX_PARAMETER_HEADERS]]
    return [name for name in names if PARAMETER_HEADER.fullmatch(name)]


class McpMiddleware:
    """Calls the endpoint's view directly for its two paths."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in PATHS:
            return serve_mcp(request)
        return self.get_response(request)
