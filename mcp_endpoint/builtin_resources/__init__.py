"""The built-in resources, over the product's own data; importing this package registers them."""

from mcp_endpoint.builtin_resources import activity_event, connection

__all__ = ["activity_event", "connection"]
