"""How far a tool has come, for the person who waits (MCP 2026-07-28 basic/utilities/progress)."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of a tool. ``progress`` must grow from one to the next; ``total`` may be unknown."""

    progress: float
    total: float | None = None
    message: str = ""


ProgressReporter = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """For calls whose client did not ask to hear of it."""
