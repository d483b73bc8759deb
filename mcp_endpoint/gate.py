"""The one moment at which a call is kept or given up.

Several may want a say in it: the tool that has finished, the clock, the caller who went away,
whoever cut the connection. Under a lock the first of them decides, and the others learn that it is
decided: a call whose failure was told is never committed, and a call that is being committed is
not told to have failed.
"""

import threading
import time
from dataclasses import dataclass

from activity.events import Outcome
from mcp_endpoint.client_presence import ClientPresence


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a call ends before its tool did, as its row tells it."""

    outcome: Outcome
    reason: str


TIME_LIMIT = Stop(Outcome.FAILED, "time_limit")
CLIENT_GONE = Stop(Outcome.CANCELLED, "client_gone")


class StoppedError(BaseException):
    """Raised inside a tool that must not go on; its effects are rolled back.

    No ``Exception``, so that a tool which catches everything does not catch this.
    """

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.reason)
        self.stop = stop


class AbandonedError(BaseException):
    """Raised inside a tool whose call was answered and recorded without it."""


class Gate:
    """What one call has to pass before anything of it is kept.

    Args:
        seconds: how long it may take, from now.
        presence: whether the caller is still there.
        disconnect_cancels: whether hanging up means "stop" (since 2026-07-28) or nothing.
        acts_outside: what the tool did cannot be rolled back, so an end that was reached counts.
    """

    def __init__(
        self,
        *,
        seconds: float = float("inf"),
        presence: ClientPresence | None = None,
        disconnect_cancels: bool = False,
        acts_outside: bool = False,
    ) -> None:
        self._deadline = time.monotonic() + seconds
        self._presence = presence or ClientPresence()
        self._disconnect_cancels = disconnect_cancels
        self._acts_outside = acts_outside
        self._lock = threading.Lock()
        self._is_stopped = False
        self._is_settled = False
        self.client_gone = False

    @property
    def seconds_left(self) -> float:
        """Until the time is over; 0 if it is."""
        return max(0.0, self._deadline - time.monotonic())

    def find_stop(self) -> Stop | None:
        """Why the tool should not go on, if there is a reason."""
        if not self.seconds_left:
            return TIME_LIMIT
        if self._presence.is_gone():
            self.client_gone = True
            return CLIENT_GONE if self._disconnect_cancels else None
        return None

    def check(self) -> None:
        """Called from inside the tool, as often as it likes.

        Raises:
            StoppedError: there is nobody to work for, or no time left.
            AbandonedError: the call was answered without it.
        """
        if self._is_stopped:
            raise AbandonedError
        if stop := self.find_stop():
            raise StoppedError(stop)

    def stop(self) -> bool:
        """Give the call up from outside; False if its tool was first."""
        with self._lock:
            self._is_stopped = not self._is_settled
            return self._is_stopped

    def settle(self) -> None:
        """The tool's thread has an end to tell; from here on nobody else tells one.

        Raises:
            AbandonedError: somebody has.
        """
        with self._lock:
            if self._is_stopped:
                raise AbandonedError
            self._is_settled = True

    def settle_success(self) -> None:
        """The last thing before the row and the commit.

        Raises:
            StoppedError: it came too late, or for nobody; nothing may be kept.
            AbandonedError: the call was answered without it.
        """
        self.settle()
        stop = self.find_stop()
        if stop and not self._acts_outside:
            raise StoppedError(stop)
