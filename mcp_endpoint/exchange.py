"""A verified caller's message on its way to a method, and what comes back."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from activity.origin import Origin
from mcp_endpoint.client_presence import ClientPresence
from mcp_endpoint.errors import RefusedError
from mcp_endpoint.progress import Progress
from mcp_endpoint.protocol import Message
from oauth_ext.verification import Principal


def never_ends() -> None:
    """For callers whose permission is not asked about again."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The one who waits: whether they are there, take a stream, and still may.

    ``find_end`` asks the database whether the permission has ended since the call began.
    """

    presence: ClientPresence = field(default_factory=ClientPresence)
    accepts_stream: bool = False
    find_end: Callable[[], RefusedError | None] = never_ends


@dataclass(frozen=True, slots=True)
class Exchange:
    """A verified caller's message and everything that is known about it.

    ``started`` is the reading of ``time.perf_counter`` when the request came in.
    """

    message: Message
    principal: Principal
    origin: Origin
    started: float
    caller: Caller = field(default_factory=Caller)


Result = Mapping[str, Any]
# A result that takes its time: what to tell meanwhile (None is a mere sign of life), then it.
Steps = Generator[Progress | None, None, Result]
Handler = Callable[[Exchange], Result | Steps]
