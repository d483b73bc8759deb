"""What must hold between settings for the endpoint to be safe; run by ``manage.py check``."""

import re
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from mcp_endpoint.registry import registry
from mcp_endpoint.responses import encode_json

MIDDLEWARE = "mcp_endpoint.middleware.McpMiddleware"
PAGE_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGES = ("/", "/authorize", "/accounts/login", "/settings/ai-access", "/admin/")
SMALLEST_BODY, LARGEST_BODY = 1024, 16 * 1024 * 1024
SMALLEST_RATE = 10
# What a model can still read as its list of tools.
LIST_BYTES = 256 * 1024
MODULES = ("mcp_tools", "mcp_resources", "mcp_prompts")


@register("mcp")
def check_resource(**kwargs: Any) -> list[CheckMessage]:
    """The resource that tokens are for is the URL that is served."""
    if f"{settings.PUBLIC_URL}/mcp" == settings.MCP_RESOURCE:
        return []
    return [
        Error(
            "MCP_RESOURCE must be PUBLIC_URL + '/mcp'; tokens are bound to it.",
            id="mcp_endpoint.E001",
        )
    ]


@register("mcp")
def check_origins(**kwargs: Any) -> list[CheckMessage]:
    """Each allowed origin is one origin, spelled as browsers send it."""
    return [
        Error(
            f"MCP_ALLOWED_ORIGINS: {origin!r} is not an origin.",
            hint="Write scheme://host or scheme://host:port in lower case, without a path.",
            id="mcp_endpoint.E002",
        )
        for origin in settings.MCP_ALLOWED_ORIGINS
        if not is_origin(origin)
    ]


@register("mcp")
def check_body_limit(**kwargs: Any) -> list[CheckMessage]:
    """The body limit is neither useless nor absent."""
    if SMALLEST_BODY <= settings.MCP_MAX_BODY_BYTES <= LARGEST_BODY:
        return []
    return [
        Error(
            f"MCP_MAX_BODY_BYTES must be between {SMALLEST_BODY} and {LARGEST_BODY}.",
            id="mcp_endpoint.E003",
        )
    ]


@register("mcp")
def check_call_rates(**kwargs: Any) -> list[CheckMessage]:
    """The limits on calls are off, or such that somebody can work."""
    return [
        Error(
            f"{name} must be 0, for no limit, or at least {SMALLEST_RATE} a minute.",
            id="mcp_endpoint.E008",
        )
        for name in ("MCP_CONNECTION_RATE", "MCP_ORGANIZATION_RATE")
        if getattr(settings, name) and getattr(settings, name) < SMALLEST_RATE
    ]


@register("mcp")
def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """The endpoint is answered before sessions exist."""
    order = list(settings.MIDDLEWARE)
    if MIDDLEWARE in order and (
        PAGE_MIDDLEWARE not in order or order.index(MIDDLEWARE) < order.index(PAGE_MIDDLEWARE)
    ):
        return []
    return [
        Error(
            f"{MIDDLEWARE} must be in MIDDLEWARE, above {PAGE_MIDDLEWARE}.",
            id="mcp_endpoint.E004",
        )
    ]


@register("mcp")
def check_cors(**kwargs: Any) -> list[CheckMessage]:
    """Pages of other origins never act with a person's cookies, and never read our pages."""
    problems: list[CheckMessage] = []
    if settings.CORS_ALLOW_CREDENTIALS:
        problems.append(
            Error("CORS_ALLOW_CREDENTIALS is on.", hint="Leave it off.", id="mcp_endpoint.E005")
        )
    readable = [path for path in PAGES if re.match(settings.CORS_URLS_REGEX, path)]
    if readable:
        problems.append(
            Error(
                f"CORS_URLS_REGEX takes in pages: {', '.join(readable)}.",
                hint="Only paths that programs call may be in it.",
                id="mcp_endpoint.E006",
            )
        )
    return problems


@register("mcp", deploy=True)
def check_origins_are_safe(**kwargs: Any) -> list[CheckMessage]:
    """A page that came in the clear may be anybody's, unless it came from this computer."""
    return [
        Error(
            f"MCP_ALLOWED_ORIGINS: {origin!r} is not https.",
            hint="Plain http is for loopback addresses only.",
            id="mcp_endpoint.E007",
        )
        for origin in settings.MCP_ALLOWED_ORIGINS
        if urlsplit(origin).scheme == "http" and urlsplit(origin).hostname not in LOOPBACK
    ]


@register("mcp")
def check_list_size(**kwargs: Any) -> list[CheckMessage]:
    """All tools are listed on one page, because many clients never ask for a second."""
    size = len(encode_json({"tools": registry.list_definitions()}))
    if size <= LIST_BYTES:
        return []
    return [
        Warning(
            f"tools/list is {size} bytes; models read it whole. Shorten descriptions or models.",
            id="mcp_endpoint.W001",
        )
    ]


@register("mcp")
def check_host_applications(**kwargs: Any) -> list[CheckMessage]:
    """Each application that is named has something for the endpoint, in a file that is found."""
    return [
        Warning(
            f"HOST_APPS: {application} has none of {', '.join(f'{name}.py' for name in MODULES)}.",
            hint="Only files of these names are looked for.",
            id="mcp_endpoint.W002",
        )
        for application in settings.HOST_APPS
        if not any(find_spec(f"{application}.{name}") for name in MODULES)
    ]


def is_origin(text: str) -> bool:
    """Whether the text is exactly how a browser would spell the origin."""
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and text == f"{parts.scheme}://{parts.netloc}".lower()
