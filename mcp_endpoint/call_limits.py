"""How often and how many at once one connection and one organization may call.

A person's personal access tokens for an organization count as one connection. Calls are counted
over all processes (``accounts.call_allowances``). What costs nothing, and what is no call at all,
is bounded more widely and by each process alone, as is how many calls of one connection run at
once: no connection holds all threads of a process. RFC 6585 §4.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from django.conf import settings

from mcp_endpoint.errors import RateLimitedError
from mcp_endpoint.protocol import Message
from mcp_endpoint.registry import registry
from mcp_endpoint.visibility import find_obstacle
from oauth_ext.verification import Principal

# A client that opens, discovers and asks who it is before each call is still far below it.
WIDER = 5
MOST_AT_ONCE = 8
OPENINGS = frozenset({"initialize", "server/discover"})
REASONS = {"mcp.connection": "connection_rate", "mcp.organization": "organization_rate"}
WORDS = {
    "connection_rate": "This connection has made too many calls.",
    "organization_rate": "Everybody in this organization together has made too many calls.",
    "connection_attempts": "This connection has sent far too many requests.",
    "connection_concurrency": "This connection has too many calls running at once.",
}


class Cost(Enum):
    """What a message takes from its caller's limits.

    A row takes no call; but as it stays in the log, each process writes no more of them for a
    caller than a connection may make calls.
    """

    CALL = "call"
    ROW = "row"
    NOTHING = "nothing"


def charge(principal: Principal, cost: Cost) -> None:
    """Take what a message costs from what the caller and their organization have.

    Raises:
        RateLimitedError: there is too little left; the call must not be made.
    """
    allowance = principal.allowance
    if cost is Cost.CALL:
        if allowance.exhausted is not None:
            raise build_refusal(REASONS[allowance.exhausted.name], allowance.retry_after)
        allowance.spend()
        return
    allowance.give_back()
    if cost is Cost.ROW:
        wait = free_rows.take(principal.caller, settings.MCP_CONNECTION_RATE)
        if wait:
            raise build_refusal("connection_rate", math.ceil(wait))


def find_cost(principal: Principal, message: Message) -> Cost:
    """What a request costs; a tool says so itself."""
    if message.method == "tools/call":
        return find_tool_cost(principal, message.params.get("name"))
    if message.method in OPENINGS:
        return Cost.ROW
    return Cost.NOTHING if message.method == "ping" else Cost.CALL


def find_tool_cost(principal: Principal, name: object) -> Cost:
    """What a call of it costs: the same for a tool that is absent and one that is hidden."""
    tool = registry.find(name) if isinstance(name, str) else None
    if tool is None or find_obstacle(principal, scope=tool.scope, tool=tool.name) is not None:
        return Cost.CALL
    return Cost.CALL if tool.metered else Cost.ROW


def check_attempts(principal: Principal) -> None:
    """The wider limit, on everything that a caller sends, well-formed or not.

    Raises:
        RateLimitedError: too many in a short time.
    """
    wait = attempts.take(principal.caller, WIDER * settings.MCP_CONNECTION_RATE)
    if wait:
        raise build_refusal("connection_attempts", math.ceil(wait))


class Slot:
    """One of the calls that a caller has running; free again at the latest when nobody knows it."""

    def __init__(self, slots: "Slots", caller: str) -> None:
        self._free: Callable[[], None] | None = partial(slots.leave, caller)
        self.is_kept = False

    def keep_for(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces of a body, which hold the slot until the last is sent."""
        self.is_kept = True
        return self._hold(pieces)

    def _hold(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from pieces
        finally:
            self.release()

    def release(self) -> None:
        """Free it; again is no harm."""
        free, self._free = self._free, None
        if free is not None:
            free()

    def __del__(self) -> None:
        # A body that is dropped before its first piece never comes to its end.
        self.release()


@contextmanager
def hold_slot(principal: Principal) -> Iterator[Slot]:
    """One of the calls that the caller may have running in this process.

    Raises:
        RateLimitedError: as many as may be are running.
    """
    if not slots.enter(principal.caller, find_most_at_once()):
        principal.allowance.give_back()
        raise build_refusal("connection_concurrency", 1)
    slot = Slot(slots, principal.caller)
    try:
        yield slot
    finally:
        if not slot.is_kept:
            slot.release()


def find_most_at_once() -> int:
    """Calls of one caller that may run at once in this process, however many a minute: never all
    of its threads, if it has more than one.
    """
    threads: int = settings.WEB_THREADS
    return max(1, min(MOST_AT_ONCE, threads // 2))


def build_refusal(reason: str, retry_after: int) -> RateLimitedError:
    """429, in words that tell a model what to do."""
    seconds = "1 second" if retry_after == 1 else f"{retry_after} seconds"
    return RateLimitedError(
        f"{WORDS[reason]} Nothing was done. Wait {seconds}, then send it again.",
        limit=reason,
        retry_after=retry_after,
    )


@dataclass(slots=True)
class Attempts:
    """A bucket for each caller in this process, the longest unused forgotten first."""

    clock: Callable[[], float] = time.monotonic
    most: int = 20_000
    buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, caller: str, per_minute: int) -> float:
        """Take one of so many a minute, half of them at once; else the seconds to wait."""
        if not per_minute:
            return 0.0
        now, rate, capacity = self.clock(), per_minute / 60, per_minute / 2
        with self.lock:
            tokens, at = self.buckets.pop(caller, (capacity, now))
            tokens = min(capacity, tokens + (now - at) * rate)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / rate
            self.buckets[caller] = (tokens if wait else tokens - 1, now)
            if len(self.buckets) > self.most:
                self.buckets.popitem(last=False)
        return wait


@dataclass(slots=True)
class Slots:
    """How many calls of each caller are running in this process."""

    running: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, caller: str, most: int) -> bool:
        """Take a slot; whether there was one."""
        with self.lock:
            count = self.running.get(caller, 0)
            if count >= most:
                return False
            self.running[caller] = count + 1
        return True

    def leave(self, caller: str) -> None:
        """Free a slot."""
        with self.lock:
            count = self.running[caller] - 1
            if count:
                self.running[caller] = count
            else:
                del self.running[caller]


attempts = Attempts()
free_rows = Attempts()
slots = Slots()
