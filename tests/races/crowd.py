"""Many connections that are open beforehand and speak at the same moment."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from tests.live.server import LiveServer
from tests.live.wire import Answer, Wire

SECONDS = 30
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Late:
    """An action that starts a little after the others, to try another order."""

    action: Callable[[Wire], Answer]
    seconds: float

    def __call__(self, wire: Wire) -> Answer:
        """Wait, then act."""
        time.sleep(self.seconds)
        return self.action(wire)


def race(server: LiveServer, actions: Sequence[Callable[[Wire], T]]) -> list[T]:
    """Each action on a thread and a connection of its own, all released at once; in order."""
    return race_across([server], actions)


def race_across(nodes: Sequence[LiveServer], actions: Sequence[Callable[[Wire], T]]) -> list[T]:
    """The same on several nodes, which take the actions by turns."""
    barrier = threading.Barrier(len(actions))

    def run(node: LiveServer, action: Callable[[Wire], T]) -> T:
        with Wire(node.address) as wire:
            barrier.wait(SECONDS)
            return action(wire)

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, itertools.cycle(nodes), actions))


def stagger(
    first: Callable[[Wire], Answer], second: Callable[[Wire], Answer], round_number: int
) -> list[Callable[[Wire], Answer]]:
    """The two at once, or either of them a few milliseconds ahead, by turns."""
    seconds = 0.002 * (1 + round_number // 3 % 4)
    turn = round_number % 3
    return [
        Late(first, seconds) if turn == 1 else first,
        Late(second, seconds) if turn == 2 else second,
    ]
