"""How far a tool has come, for the person who waits (MCP 2026-07-28 basic/patterns/progress)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from mcp_endpoint.envelope import MessageId, is_message_id

# More than anybody can watch; a tool that tells more is not slowed down by it.
MAX_PENDING = 64


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of a tool. ``progress`` must grow from one to the next; ``total`` may be unknown."""

    progress: float
    total: float | None = None
    message: str = ""


ProgressReporter = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """For calls whose client did not ask to hear of it."""


class ProgressFeed:
    """From the thread of a tool to the thread that answers; ends with ``close``."""

    def __init__(self) -> None:
        self._steps: SimpleQueue[Progress | None] = SimpleQueue()
        self._furthest = -math.inf
        self.is_closed = False

    def report(self, step: Progress) -> None:
        """Hand on a step; one that is no progress is dropped (it MUST increase each time).

        Raises:
            Exception: it can't be sent. Raised in the tool, whose failure it is.
        """
        step = read_step(step)
        if math.isfinite(step.progress) and step.progress > self._furthest:
            self._furthest = step.progress
            if self._steps.qsize() < MAX_PENDING:
                self._steps.put(step)

    def close(self) -> None:
        """Nothing more will come."""
        self._steps.put(None)

    def wait(self, seconds: float) -> Progress | None:
        """The next step, or None if there was none within this time or will be none."""
        try:
            step = self._steps.get(timeout=seconds)
        except Empty:
            return None
        self.is_closed = step is None
        return step


def read_step(step: Progress) -> Progress:
    """The step as JSON has it, whatever kinds of numbers and texts a tool reports.

    Raises:
        TypeError, ValueError, OverflowError: a number that is none, or a text that is not UTF-8.
    """
    total = None if step.total is None else float(step.total)
    message = str(step.message or "")
    message.encode()
    return Progress(float(step.progress), total, message)


def find_progress_token(params: Mapping[str, Any]) -> MessageId | None:
    """What the client wants its progress to be named by, if it wants any."""
    meta = params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return token if is_message_id(token) else None


def build_progress(token: MessageId, step: Progress) -> dict[str, Any]:
    """A ``notifications/progress``."""
    params: dict[str, Any] = {"progressToken": token, "progress": step.progress}
    if step.total is not None and math.isfinite(step.total):
        params["total"] = step.total
    if step.message:
        params["message"] = step.message
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
