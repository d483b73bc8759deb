"""The MCP endpoint application: finds tools, resources and prompts when the process starts."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.start_failures import describe_failure


class McpEndpointConfig(AppConfig):
    """Loads the built-in ones, then ``mcp_tools.py``, ``mcp_resources.py`` and ``mcp_prompts.py``
    of every installed application."""

    name = "mcp_endpoint"
    verbose_name = "MCP endpoint"

    def ready(self) -> None:
        """Register all of them now: one that is not well defined stops the process."""
        # By name, because tools read models and those exist only from here on.
        import_module("mcp_endpoint.checks")
        try:
            for package in ("tools", "builtin_resources", "builtin_prompts"):
                import_module(f"mcp_endpoint.{package}")
            autodiscover_modules("mcp_tools", "mcp_resources", "mcp_prompts")
        except ToolDefinitionError as error:
            # The sentence says what to write; a traceback of Django's start would bury it.
            raise SystemExit(f"A tool, resource or prompt is not well defined. {error}") from None
        except Exception as error:
            raise SystemExit(
                f"An application could not be loaded. {describe_failure(error)}"
            ) from None
        # Last, when all of them are known; personal access tokens can be narrowed to some.
        import_module("mcp_endpoint.announcement").announce_registered_tools()
