"""The WWW-Authenticate header of the MCP resource (RFC 6750 §3, RFC 9728 §5.1)."""

from collections.abc import Iterable

from django.conf import settings

from oauth_ext.scopes import CHALLENGED, format_scope
from oauth_ext.verification import TokenRefusedError


def build_challenge(refused: TokenRefusedError | None) -> str:
    """The challenge of a 401; None when the request carried no credential at all.

    RFC 6750 §3.1: without credentials the challenge has no error code.
    """
    parts = [
        f'resource_metadata="{build_metadata_url()}"',
        f'scope="{format_scope(CHALLENGED)}"',
    ]
    if refused is not None:
        parts = [
            'error="invalid_token"',
            f'error_description="{refused.description}"',
            *parts,
        ]
    return "Bearer " + ", ".join(parts)


def build_insufficient_scope_challenge(scopes: Iterable[str]) -> str:
    """The challenge of a 403: every scope that the operation needs, at once."""
    return (
        'Bearer error="insufficient_scope", '
        f'scope="{format_scope(scopes)}", '
        f'resource_metadata="{build_metadata_url()}", '
        'error_description="The token does not have the scope that this call needs"'
    )


def build_metadata_url() -> str:
    """Where RFC 9728 §3.1 puts the metadata of a resource with a path."""
    return f"{settings.PUBLIC_URL}/.well-known/oauth-protected-resource/mcp"
