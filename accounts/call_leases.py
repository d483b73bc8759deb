"""Limits on calls, counted without a round trip of their own.

A process draws a few tokens at a time from the buckets that all processes share, and spends them
from memory; the statement that draws is part of the one that verifies the caller. What is drawn is
good for ``LEASE_SECONDS``, and the buckets are smaller by what refills in that time, so that all
processes together never answer more than the burst and the rate allow.

How much is drawn follows how much was spent lately: whoever calls now and then draws single
tokens, because what is drawn and not spent is lost to them.
"""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

LEASE_SECONDS = 3.0
# What a process remembers at most; the longest unused is forgotten, at worst with a few tokens.
MOST_KEYS = 20_000


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How often one key may call; half of a minute's calls may come at once.

    ``largest`` is what one process draws at a time at most.
    """

    name: str
    per_minute: int
    largest: int

    @property
    def capacity(self) -> int:
        """What a full bucket holds: the burst, less what refills while a lease is good."""
        return max(1, self.per_minute // 2 - math.ceil(self.rate * LEASE_SECONDS))

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.per_minute / 60


@dataclass(frozen=True, slots=True)
class Draw:
    """What a process has for one call: a token that is good until then, or how long there will be
    none, or else what to ask the shared bucket for.
    """

    good_until: float = 0.0
    wait: float = 0.0
    ask: int = 0


@dataclass(slots=True)
class Lease:
    """What one key has left in this process; ``spent`` are the times of its latest calls."""

    spent: deque[float]
    tokens: int = 0
    good_until: float = 0.0
    empty_until: float = 0.0


@dataclass(slots=True)
class LeaseBook:
    """The leases of this process, by key."""

    clock: Callable[[], float] = time.monotonic
    leases: OrderedDict[str, Lease] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self, policy: CallPolicy, key: str) -> Draw:
        """A token from what this process has, or what to ask for."""
        now = self.clock()
        with self.lock:
            lease = self.find_lease(policy, key)
            if now < lease.good_until and lease.tokens > 0:
                lease.tokens -= 1
                return Draw(good_until=lease.good_until)
            if now < lease.empty_until:
                return Draw(wait=lease.empty_until - now)
            recent = sum(1 for at in lease.spent if now - at < LEASE_SECONDS)
            return Draw(ask=max(1, min(policy.largest, recent // 2)))

    def receive(self, policy: CallPolicy, key: str, granted: int, left: float) -> Draw:
        """A token from what the shared bucket has just given.

        Args:
            left: what the bucket held when it gave nothing, less than one.
        """
        now = self.clock()
        with self.lock:
            lease = self.find_lease(policy, key)
            if granted < 1:
                # Somebody else may have been quicker; then the next question comes soon.
                wait = max(0.1, (1 - left) / policy.rate)
                lease.empty_until = now + wait
                return Draw(wait=wait)
            # What is left of an older lease must not grow older by a new one.
            kept = lease.tokens if now < lease.good_until else 0
            lease.tokens = kept + granted - 1
            lease.good_until = (
                min(lease.good_until, now + LEASE_SECONDS) if kept else (now + LEASE_SECONDS)
            )
            return Draw(good_until=lease.good_until)

    def note_spent(self, policy: CallPolicy, key: str) -> None:
        """A token that was drawn was used."""
        with self.lock:
            self.find_lease(policy, key).spent.append(self.clock())

    def give_back(self, policy: CallPolicy, key: str, good_until: float) -> None:
        """A token that was drawn was not needed; if its lease is over, it is lost."""
        with self.lock:
            lease = self.find_lease(policy, key)
            if lease.good_until == good_until:
                lease.tokens += 1

    def find_lease(self, policy: CallPolicy, key: str) -> Lease:
        """The lease of this key, made if there is none; call it with the lock held."""
        lease = self.leases.get(key)
        if lease is None:
            lease = self.leases[key] = Lease(deque(maxlen=2 * policy.largest))
            if len(self.leases) > MOST_KEYS:
                self.leases.popitem(last=False)
        self.leases.move_to_end(key)
        return lease
