"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docjacket_mcp.settings")

UNREADABLE = "application/octet-stream"

django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, with the charset of the content type out of its way.

    Django decodes by it while the request is built, before anything of ours can answer, so a
    charset that is none would end in an answer of the server's own. We read UTF-8 only.
    """
    environ["CONTENT_TYPE"] = clean_content_type(environ.get("CONTENT_TYPE", ""))
    return django_application(environ, start_response)


def clean_content_type(content_type: str) -> str:
    """The content type as it is, without a charset of UTF-8, or one that nobody takes.

    It is read as Django will read it: a parameter may name its own encoding (``charset*=``, RFC
    8187), and an unknown one stops Django as well.
    """
    try:
        media_type, parameters = parse_header_parameters(content_type)
    except (LookupError, ValueError):
        return UNREADABLE
    charset = parameters.get("charset")
    if charset is None:
        return content_type
    return media_type if charset.strip("\"' ").lower() in ("utf-8", "utf8") else UNREADABLE
