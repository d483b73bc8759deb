"""The built-in tools, over the product's own data; importing this package registers them."""

from mcp_endpoint.tools import (
    activity_summary,
    disconnect_application,
    explain_reference,
    health_check,
    list_connected_applications,
    list_personal_access_tokens,
    list_tools_for_me,
    pause_application,
    rename_application,
    resume_application,
    revoke_personal_access_token,
    search_activity,
    whoami,
)

__all__ = [
    "activity_summary",
    "disconnect_application",
    "explain_reference",
    "health_check",
    "list_connected_applications",
    "list_personal_access_tokens",
    "list_tools_for_me",
    "pause_application",
    "rename_application",
    "resume_application",
    "revoke_personal_access_token",
    "search_activity",
    "whoami",
]
