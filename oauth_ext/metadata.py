"""The discovery documents, built from configuration alone and once a process.

Nothing of the request enters them: a document that echoes a Host or a path can be poisoned.
"""

import json
from functools import cache
from typing import Any

from django.conf import settings

from oauth_ext.client_identification import AUTH_METHODS
from oauth_ext.client_metadata import GRANT_TYPES, RESPONSE_TYPES
from oauth_ext.keys import build_jwks
from oauth_ext.scopes import SUPPORTED


def build_authorization_server_metadata() -> dict[str, Any]:
    """RFC 8414 §2. Every field is stated: the defaults of the RFC are not ours."""
    url = settings.PUBLIC_URL
    return {
        "issuer": settings.ISSUER,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        **({"registration_endpoint": f"{url}/register"} if settings.DCR_ENABLED else {}),
        "revocation_endpoint": f"{url}/revoke",
        "jwks_uri": f"{url}/.well-known/jwks.json",
        "scopes_supported": list(SUPPORTED),
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": settings.CIMD_ENABLED,
        "protected_resources": [settings.MCP_RESOURCE],
    }


def build_protected_resource_metadata() -> dict[str, Any]:
    """RFC 9728 §2, the same at both of its addresses: clients compare ``resource`` exactly."""
    return {
        "resource": settings.MCP_RESOURCE,
        "authorization_servers": [settings.ISSUER],
        "scopes_supported": list(SUPPORTED),
        "bearer_methods_supported": ["header"],
        "resource_name": f"{settings.PRODUCT_NAME} MCP",
    }


@cache
def render_authorization_server_metadata() -> bytes:
    """The document as it is sent."""
    return json.dumps(build_authorization_server_metadata()).encode()


@cache
def render_protected_resource_metadata() -> bytes:
    """The document as it is sent."""
    return json.dumps(build_protected_resource_metadata()).encode()


def render_jwks() -> bytes:
    """The key set as it is sent (RFC 7517 §5); made anew, because keys rotate."""
    return json.dumps(build_jwks()).encode()
