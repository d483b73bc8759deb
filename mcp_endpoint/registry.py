"""The tools: one decorator, one registry, one order.

A host application writes ``mcp_tools.py`` beside its ``models.py``; it is found at start.
MCP 2026-07-28 server/tools.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mcp_endpoint.definitions import Tool, ToolFunction, define_tool, name_place
from mcp_endpoint.errors import ToolDefinitionError

Function = TypeVar("Function", bound=ToolFunction)


class ToolRegistry:
    """All tools by name; lists them in alphabetical order, whoever registered first."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self._definitions: list[dict[str, Any]] = []

    def add(self, tool: Tool) -> None:
        """Register a tool; a name can be taken once."""
        if tool.name in self._tools:
            raise ToolDefinitionError(
                f"Two tools are called {tool.name!r}: {name_place(self._tools[tool.name].function)}"
                f" and {name_place(tool.function)}. Give one of them another name=…."
            )
        self._tools[tool.name] = tool
        self._arrange()

    def remove(self, name: str) -> None:
        """Forget a tool; for tests that add their own."""
        del self._tools[name]
        self._arrange()

    def find(self, name: str) -> Tool | None:
        """The tool of this name, or None."""
        return self._tools.get(name)

    def list_tools(self) -> list[Tool]:
        """All tools in alphabetical order."""
        return [self._tools[name] for name in sorted(self._tools)]

    def list_definitions(self) -> list[dict[str, Any]]:
        """All tools as ``tools/list`` shows them, built once."""
        return self._definitions

    def _arrange(self) -> None:
        self._definitions = [tool.definition for tool in self.list_tools()]


registry = ToolRegistry()


def tool(
    *,
    scope: str | None = None,
    title: str | None = None,
    read_only: bool | None = None,
    destructive: bool | None = None,
    idempotent: bool | None = None,
    open_world: bool | None = None,
    redact: Iterable[str] = (),
    name: str | None = None,
) -> Callable[[Function], Function]:
    """Register a function as a tool.

    The function takes ``(context: CallContext, arguments: <a pydantic model>)`` and returns a
    pydantic model; its docstring is what the model reads. A tool that is not ``read_only`` runs
    in one transaction with its activity row. ``open_world`` tools act outside our database and
    leave a row before they start. Values of arguments named in ``redact`` never reach the log.

    Raises:
        ToolDefinitionError: something is missing or wrong; the text says what to write.
    """

    def register(function: Function) -> Function:
        registry.add(
            define_tool(
                function,
                name=name or function.__name__,
                scope=scope,
                title=title,
                hints={
                    "read_only": read_only,
                    "destructive": destructive,
                    "idempotent": idempotent,
                    "open_world": open_world,
                },
                redact=frozenset([redact] if isinstance(redact, str) else redact),
            )
        )
        return function

    return register
