"""Discovery: RFC 8414, RFC 9728 and the key set. No database, no request content."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from oauth_ext.metadata import (
    render_authorization_server_metadata,
    render_jwks,
    render_protected_resource_metadata,
)
from oauth_ext.views.answers import answer_document, answer_method_not_allowed

# Short enough that a change of keys or addresses is seen within the hour.
MAX_AGE = 3600


def serve_document(render: Callable[[], bytes]) -> Callable[[HttpRequest], HttpResponse]:
    """A view of one public document, for GET and HEAD."""

    # Nothing here takes a form; without this a POST would be told about a form, not a method.
    @csrf_exempt
    @wraps(render)
    def view(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return answer_method_not_allowed(request, "GET", "HEAD")
        return answer_document(render(), max_age=MAX_AGE)

    return view


authorization_server = serve_document(render_authorization_server_metadata)
protected_resource = serve_document(render_protected_resource_metadata)
jwks = serve_document(render_jwks)
