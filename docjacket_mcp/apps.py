"""The composition as an application: its commands and its deployment checks."""

from importlib import import_module

from django.apps import AppConfig


class DocJacketMcpConfig(AppConfig):
    """Registers what only the whole can check."""

    name = "docjacket_mcp"
    verbose_name = "DocJacket MCP"

    def ready(self) -> None:
        """Register the deployment checks."""
        import_module("docjacket_mcp.checks")
