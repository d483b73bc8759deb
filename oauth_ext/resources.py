"""The one resource of this deployment (RFC 8707): tolerant of what clients send, strict in what
tokens say. Pure but for the configured URL.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings

from oauth_ext.errors import InvalidTargetError

PRINTABLE = re.compile(r"[!-~]+")
DEFAULT_PORTS = {"https": 443, "http": 80}


def resolve_resource(requested: Sequence[str]) -> str:
    """The audience for these ``resource`` parameters: always the MCP URL.

    Real clients send nothing, the URL, the URL with a slash, or only the origin; all mean us.

    Raises:
        InvalidTargetError: any of them is somebody else's.
    """
    for resource in requested:
        if not is_ours(resource):
            raise InvalidTargetError("resource")
    return str(settings.MCP_RESOURCE)


def is_ours(resource: str) -> bool:
    """Whether a resource parameter names the MCP URL or its origin."""
    ours = urlsplit(settings.MCP_RESOURCE)
    # urlsplit drops line breaks and tabs; what it cannot see must not pass.
    if not PRINTABLE.fullmatch(resource):
        return False
    try:
        parts = urlsplit(resource)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme.lower())
    except ValueError:
        return False
    if "#" in resource or "?" in resource or "@" in parts.netloc:
        return False
    same_origin = (
        parts.scheme.lower() == ours.scheme
        and (parts.hostname or "").lower() == ours.hostname
        and port == (ours.port or DEFAULT_PORTS[ours.scheme])
    )
    return same_origin and parts.path in ("", "/", ours.path, f"{ours.path}/")
