"""Many callers who go on until they have been refused for a while: when did it begin?"""

import itertools
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.live.application import prepare_call
from tests.live.server import LiveServer
from tests.live.wire import Wire
from tests.races.endings import Act

CALLS_AFTERWARDS = 5


@dataclass(frozen=True, slots=True)
class Call:
    """One call; the times are seconds from the answer that ended the access."""

    started: float
    finished: float
    status: int


def poll_until_refused(
    nodes: Sequence[LiveServer], access_tokens: Sequence[str], ending: Act
) -> list[Call]:
    """Call with each token without a pause, end the access on the first node, call on.

    The callers take the nodes by turns, each call on a connection of its own, so that any worker
    may get it.
    """
    ended = threading.Event()
    begun = threading.Barrier(len(access_tokens) + 1)

    def keep_calling(node: LiveServer, access_token: str) -> list[Call]:
        calls: list[Call] = []
        remaining = CALLS_AFTERWARDS
        while remaining:
            remaining -= ended.is_set()
            with Wire(node.address) as wire:
                started = time.monotonic()
                status = wire.post(prepare_call(access_token)).status
                calls.append(Call(started, time.monotonic(), status))
            if len(calls) == 1:
                begun.wait(30)
        return calls

    with ThreadPoolExecutor(len(access_tokens)) as pool:
        callers = [
            pool.submit(keep_calling, node, token)
            for node, token in zip(itertools.cycle(nodes), access_tokens, strict=False)
        ]
        begun.wait(30)
        with Wire(nodes[0].address) as wire:
            assert ending(wire).status in (200, 302)
        answered = time.monotonic()
        ended.set()
        calls = [call for caller in callers for call in caller.result()]
    return [Call(call.started - answered, call.finished - answered, call.status) for call in calls]
