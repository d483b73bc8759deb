"""The tools that a personal access token may be narrowed to.

The floor above has the tools and announces their names here when the process starts; this floor
only needs to know which names exist, what they are called and which scope each one needs.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GrantableTool:
    """A tool as the form for a new token shows it."""

    name: str
    title: str
    scope: str


_announced: dict[str, GrantableTool] = {}


def announce_tools(tools: Iterable[GrantableTool]) -> None:
    """Say which tools there are, instead of those that were announced before."""
    _announced.clear()
    _announced.update((tool.name, tool) for tool in sorted(tools, key=lambda tool: tool.name))


def list_grantable_tools() -> tuple[GrantableTool, ...]:
    """All tools, by name."""
    return tuple(_announced.values())


def find_grantable_tool(name: str) -> GrantableTool | None:
    """The tool of this name, or None."""
    return _announced.get(name)
