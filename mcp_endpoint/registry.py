"""The tools: one decorator, one registry, one order.

A host application writes ``mcp_tools.py`` beside its ``models.py``; it is found at start.
MCP 2026-07-28 server/tools.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mcp_endpoint.decorators import explained
from mcp_endpoint.definitions import DEFAULT_TIME_LIMIT, Tool, ToolOptions, define_tool
from mcp_endpoint.errors import ToolDefinitionError

Function = TypeVar("Function", bound=Callable[..., Any])


class ToolRegistry:
    """All tools by name; lists them in alphabetical order, whoever registered first."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self._definitions: list[dict[str, Any]] = []

    def add(self, tool: Tool) -> None:
        """Register a tool; a name can be taken once."""
        if tool.name in self._tools:
            raise ToolDefinitionError(
                f"Two tools are called {tool.name!r}: {self._tools[tool.name].place} and "
                f"{tool.place}. Give one of them another name=…."
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


@explained
def tool(
    *,
    scope: str | None = None,
    title: str | None = None,
    read_only: bool | None = None,
    destructive: bool | None = None,
    idempotent: bool | None = None,
    open_world: bool | None = None,
    redact: Iterable[str] = (),
    reports_progress: bool = False,
    time_limit: float = DEFAULT_TIME_LIMIT,
    metered: bool = True,
    hints: str = "",
    name: str | None = None,
) -> Callable[[Function], Function]:
    """Register a function as a tool.

    The function takes ``context: CallContext`` and then either plain typed parameters or one
    pydantic model called ``arguments``; it returns a pydantic model, content, or yields
    ``Progress`` and returns either. Its docstring is what the model reads.

    Args:
        scope: the tier without which it does not run: read, draft or actions; never read for a
            tool that changes something.
        title: a few words that people see.
        read_only: it changes nothing. Any other tool runs in one transaction with its row.
        destructive: it may end or overwrite something.
        idempotent: calling it twice does no more than calling it once.
        open_world: it acts outside our database, so it leaves a row before it starts.
        redact: arguments whose values never reach the log.
        reports_progress: it calls ``context.report_progress``; generators always do.
        time_limit: seconds after which a call is given up.
        metered: False for a tool that costs no quota.
        hints: for the catalogue: what to call before or after it, an example.

    Raises:
        ToolDefinitionError: something is missing or wrong; the text says what to write.
    """
    options = ToolOptions(
        scope=scope,
        title=title,
        read_only=read_only,
        destructive=destructive,
        idempotent=idempotent,
        open_world=open_world,
        redact=frozenset([redact] if isinstance(redact, str) else redact),
        reports_progress=reports_progress,
        time_limit=time_limit,
        metered=metered,
        hints=hints,
        name=name,
    )

    def register(function: Function) -> Function:
        registry.add(define_tool(function, options))
        return function

    return register
