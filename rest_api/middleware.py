"""Answers ``/api/`` before the machinery of pages: no session, no CSRF, no messages.

It sits beside the middleware that does so for ``/mcp``. No cookie is read, so none can
authenticate a call, and nothing under these paths is ever answered by a page.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import Resolver404, resolve

from mcp_endpoint.client_presence import find_presence
from mcp_endpoint.http_checks import is_allowed_origin
from mcp_endpoint.middleware import McpCorsMiddleware
from mcp_endpoint.paced_body import PIECE_BYTES, send_in_pieces
from rest_api.views.nowhere import Nowhere

PREFIX = "/api/"
METHODS = "GET, POST, PATCH, DELETE, OPTIONS"

nowhere = Nowhere.as_view()


class ApiMiddleware:
    """Calls the views of the API directly."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PREFIX):
            return serve_api(request)
        return self.get_response(request)


def serve_api(request: HttpRequest) -> HttpResponseBase:
    """The answer to one request; what is at no path is refused like what is hidden."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        response: HttpResponseBase = nowhere(request)
    else:
        request.resolver_match = match
        response = match.func(request, *match.args, **match.kwargs)
    if isinstance(response, HttpResponse):
        return finish(request, response)
    if isinstance(response, StreamingHttpResponse) and request.method == "HEAD":
        response.streaming_content = ()
    return response


def finish(request: HttpRequest, response: HttpResponse) -> HttpResponse | StreamingHttpResponse:
    """An answer that is not sent in pieces by its operation, which are those that anybody may get.

    A large one goes out in pieces all the same: a reader who stops reading holds no thread.
    """
    if response.status_code != 204:
        # Without a length the server would answer in chunks.
        response.headers.setdefault("Content-Length", str(len(response.content)))
    if request.method == "HEAD":
        # RFC 9110 §9.3.2: the headers of the answer, and no body.
        response.content = b""
    reader = find_presence(request)
    if reader.is_known and len(response.content) > PIECE_BYTES:
        pieces = send_in_pieces(reader, response.content)
        return StreamingHttpResponse(pieces, status=response.status_code, headers=response.headers)
    return response


class ApiCorsMiddleware(McpCorsMiddleware):
    """CORS of the API: the origins that may call ``/mcp`` and no others.

    It takes the same tokens. A person who pastes one into a strange page must not find that page
    able to use it.
    """

    def is_enabled(self, request: HttpRequest) -> bool:
        """Whether this response gets CORS headers."""
        if not super().is_enabled(request):
            return False
        if not request.path_info.startswith(PREFIX):
            return True
        return is_allowed_origin(request.META.get("HTTP_ORIGIN"))

    def add_response_headers(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """The headers of a CORS response; only the API has methods beside GET and POST."""
        answered = super().add_response_headers(request, response)
        if "Access-Control-Allow-Methods" in answered and request.path_info.startswith(PREFIX):
            answered["Access-Control-Allow-Methods"] = METHODS
        return answered
