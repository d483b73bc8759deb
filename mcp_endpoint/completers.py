"""Who suggests values for a prompt's argument or a template's variable.

A completer is asked while a person types, with what they typed so far, and suggests only what
this caller may see (MCP 2026-07-28 completion).
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolDefinitionError

MAX_VALUES = 100


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Some of the values; ``total`` is None if counting all of them would cost too much."""

    values: Sequence[str]
    has_more: bool = False
    total: int | None = None


Completer = Callable[[CallContext, str], Sequence[str] | Suggestions]


def check_completers(
    place: str, complete: Mapping[str, Completer], names: Iterable[str]
) -> dict[str, Completer]:
    """The completers, each for a name that exists and taking what it will be given."""
    known = tuple(names)
    for name, completer in complete.items():
        if name not in known:
            raise ToolDefinitionError(
                f"{place}: complete= names {name}, which the function does not take. Write one "
                f"of: {', '.join(known) or 'nothing, it takes none'}."
            )
        if not callable(completer) or count_parameters(completer) != 2:
            raise ToolDefinitionError(
                f"{place}: write complete={{{name!r}: function}} with a function(context, "
                "typed_so_far) that returns a list of texts."
            )
    return dict(complete)


def count_parameters(function: Callable[..., Any]) -> int:
    """How many parameters a function takes."""
    return len(inspect.signature(function).parameters)


def build_completion(suggested: Sequence[str] | Suggestions) -> dict[str, Any]:
    """The suggestions as the wire has them: 100 at most, and how many there are beyond.

    Raises:
        TypeError: the completer returned something else than texts.
    """
    if not isinstance(suggested, Suggestions):
        suggested = Suggestions(suggested, total=len(suggested))
    values = suggested.values
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise TypeError("a completer returns a list of texts")
    completion: dict[str, Any] = {
        "values": list(values[:MAX_VALUES]),
        "hasMore": suggested.has_more or len(values) > MAX_VALUES,
    }
    return completion if suggested.total is None else {**completion, "total": suggested.total}
