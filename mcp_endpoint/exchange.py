"""A verified caller's message on its way to a method."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from activity.origin import Origin
from mcp_endpoint.protocol import Message
from oauth_ext.verification import Principal


@dataclass(frozen=True, slots=True)
class Exchange:
    """A verified caller's message and everything that is known about it.

    ``started`` is the reading of ``time.perf_counter`` when the request came in.
    """

    message: Message
    principal: Principal
    origin: Origin
    started: float


Handler = Callable[[Exchange], Mapping[str, Any]]
