"""Tells the floor below which tools there are, for tokens that are made for some of them only."""

from mcp_endpoint.registry import registry
from oauth_ext.grantable_tools import GrantableTool, announce_tools


def announce_registered_tools() -> None:
    """Announce every tool that is registered now."""
    announce_tools(
        GrantableTool(tool.name, tool.title, tool.scope) for tool in registry.list_tools()
    )
