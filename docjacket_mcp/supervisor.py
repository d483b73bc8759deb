"""Runs the quick start's steps and services until somebody asks for the end.

The end is asked for by Ctrl-C, SIGTERM, a closed terminal, the death of the parent (``make``) or
the death of any service. Signals only leave a note; every wait reads it, so nothing is ever
interrupted halfway and one place decides what stops in which order.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

from docjacket_mcp.guardian import GuardedProcess, Guardian, StopSteps

POLL_SECONDS = 0.1
STEP_STOP: StopSteps = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


class StopRequestedError(Exception):
    """Not a fault: the person, or the parent's end, wants everything stopped."""


class StepFailedError(Exception):
    """A step or a service failed; the text is its output or one sentence."""


class Supervisor:
    """Watches the parent, the signals and the services while work goes on."""

    def __init__(self, guardian: Guardian) -> None:
        self._guardian = guardian
        self._parent = os.getppid()
        self._signals = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_signal)

    def run_step(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
        """Run a command to its end; what it said, which is shown by itself only if it fails."""
        with tempfile.TemporaryFile() as output:
            step = self._guardian.start(
                name, arguments, STEP_STOP, env=environment, stdout=output, stderr=output
            )
            self.wait_until(lambda: not step.is_running(), watch_services=False)
            self._guardian.stop(step)
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
            if step.process.returncode != 0:
                raise StepFailedError(f"{name} failed. It said:\n{said}")
            return said

    def wait_until(
        self,
        is_done: Callable[[], bool],
        *,
        seconds: float = float("inf"),
        watch_services: bool = True,
    ) -> bool:
        """Wait; false when the time is up first.

        Raises ``StopRequestedError`` when the end is asked for and ``StepFailedError`` when a
        service ends.
        """
        deadline = time.monotonic() + seconds
        while True:
            if self._signals or os.getppid() != self._parent:
                raise StopRequestedError
            if is_done():
                return True
            ended = self._guardian.find_ended() if watch_services else None
            if ended is not None:
                raise StepFailedError(describe_end(ended))
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)

    def stop_all(self) -> None:
        """Stop every service, newest first; each further Ctrl-C stops waiting for one signal."""
        self._signals = 0
        self._guardian.stop_all(self._take_signal)

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _take_signal(self) -> bool:
        if self._signals:
            self._signals -= 1
            return True
        return False


def describe_end(ended: GuardedProcess) -> str:
    """One sentence about a service that ended by itself."""
    code = ended.process.returncode
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"{ended.name} ended unexpectedly ({how})."
