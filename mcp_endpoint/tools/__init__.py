"""The built-in tools, over the product's own data; importing this package registers them."""

from mcp_endpoint.tools import (
    disconnect_application,
    list_connected_applications,
    search_activity,
    whoami,
)

__all__ = ["disconnect_application", "list_connected_applications", "search_activity", "whoami"]
