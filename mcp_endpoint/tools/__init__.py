"""The built-in tools, over the product's own data; importing this package registers them."""

from mcp_endpoint.tools import (
    disconnect_application,
    list_connected_applications,
    list_personal_access_tokens,
    pause_application,
    rename_application,
    resume_application,
    revoke_personal_access_token,
    search_activity,
    whoami,
)

__all__ = [
    "disconnect_application",
    "list_connected_applications",
    "list_personal_access_tokens",
    "pause_application",
    "rename_application",
    "resume_application",
    "revoke_personal_access_token",
    "search_activity",
    "whoami",
]
