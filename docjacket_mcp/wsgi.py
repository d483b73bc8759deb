"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docjacket_mcp.settings")

django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, with the charset of the content type out of its way.

    Django decodes by it while the request is built, before anything of ours can answer, so a
    charset that is none would end in an answer of the server's own. We read UTF-8 only.
    """
    content_type = environ.get("CONTENT_TYPE", "")
    media_type, _, parameters = content_type.partition(";")
    charset = find_charset(parameters)
    if charset:
        is_utf8 = charset.strip("\"' ").lower() in ("utf-8", "utf8")
        environ["CONTENT_TYPE"] = media_type.strip() if is_utf8 else "application/octet-stream"
    return django_application(environ, start_response)


def find_charset(parameters: str) -> str:
    """The charset among the parameters of a content type, or nothing."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value or "none"
    return ""
