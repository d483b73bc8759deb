"""The OpenAPI 3.1 document of the API: the same for everybody, built once in a process."""

from functools import lru_cache
from threading import Lock
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from mcp_endpoint import VERSION
from mcp_endpoint.responses import encode_json
from oauth_ext.scopes import TIERS
from rest_api.openapi import BEARER, OAUTH
from rest_api.problems import TITLES

DESCRIPTION = """\
The same tokens as for the MCP endpoint, for scripts and for programs that do not speak MCP. Send
the token in the `Authorization` header and nowhere else. Errors are `application/problem+json`
(RFC 9457), each with a reference that leads support to its cause.
"""

# drf-spectacular loads its registry while it builds, and a cache lets several build at once.
building = Lock()


@lru_cache(maxsize=1)
def render_schema() -> bytes:
    """The document as it is served."""
    return encode_json(get_schema())


def get_schema() -> dict[str, Any]:
    """The document, which one thread builds while the others wait."""
    with building:
        return build_schema()


@lru_cache(maxsize=1)
def build_schema() -> dict[str, Any]:
    """The document: what drf-spectacular finds, and where this deployment is."""
    generator = SchemaGenerator(urlconf="rest_api.urls")  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(public=True)  # type: ignore[no-untyped-call]
    document["info"] = {
        "title": f"{settings.PRODUCT_NAME} REST API",
        "version": VERSION,
        "description": DESCRIPTION,
    }
    document["servers"] = [{"url": settings.PUBLIC_URL}]
    document["components"]["securitySchemes"] = {
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "A personal access token, made on the settings page.",
        },
        OAUTH: {
            "type": "oauth2",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"{settings.PUBLIC_URL}/authorize",
                    "tokenUrl": f"{settings.PUBLIC_URL}/token",
                    "refreshUrl": f"{settings.PUBLIC_URL}/token",
                    "scopes": {tier.name: tier.description for tier in TIERS.values()},
                }
            },
        },
    }
    document["x-problem-types"] = TITLES
    return document
