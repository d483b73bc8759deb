"""The built-in prompts; importing this package registers them."""

from mcp_endpoint.builtin_prompts import review_connected_applications

__all__ = ["review_connected_applications"]
