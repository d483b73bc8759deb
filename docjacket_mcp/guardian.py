"""Starts processes that must never outlive the one that started them, and stops them in order.

A ``Guardian`` keeps a twin: this very file, run as a small process of its own. The twin reads a
pipe that ends when the owner of the guardian ends, however that happens, ``kill -9`` included.
Unless the owner said goodbye first, the twin then stops what was started, newest first. Nothing
but the standard library, because the twin runs without Django and without an import path.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.05

# Each signal with the seconds it may take before the next one is tried.
StopSteps = tuple[tuple[signal.Signals, float], ...]


@dataclass(frozen=True, slots=True)
class GuardedProcess:
    """One running process and the polite way to end it."""

    name: str
    process: subprocess.Popen[bytes]
    stop_steps: StopSteps

    def is_running(self) -> bool:
        """False as soon as the process has ended; reaps it."""
        return self.process.poll() is None


class Guardian:
    """Owns child processes: whatever becomes of the owner, they are stopped."""

    def __init__(self) -> None:
        self._guarded: list[GuardedProcess] = []
        self._twin = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def start(
        self, name: str, arguments: Sequence[str], stop_steps: StopSteps, **options: Any
    ) -> GuardedProcess:
        """Start a process in a session of its own, so that Ctrl-C reaches only its owner."""
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, start_new_session=True, **options
        )
        guarded = GuardedProcess(name, process, stop_steps)
        self._guarded.append(guarded)
        self._tell({"pid": process.pid, "stop_steps": stop_steps})
        return guarded

    def find_ended(self) -> GuardedProcess | None:
        """The first process that ended although nobody asked it to."""
        return next((each for each in self._guarded if not each.is_running()), None)

    def stop(self, guarded: GuardedProcess, is_urgent: Callable[[], bool] = lambda: False) -> None:
        """Stop one process; ``is_urgent`` answering true cuts the wait for the current signal."""
        stop_process(guarded.process.pid, guarded.stop_steps, guarded.is_running, is_urgent)
        self._guarded.remove(guarded)
        self._tell({"pid": guarded.process.pid, "stop_steps": []})

    def stop_all(self, is_urgent: Callable[[], bool] = lambda: False) -> None:
        """Stop everything, newest first, and let the twin go."""
        for guarded in reversed(self._guarded[:]):
            self.stop(guarded, is_urgent)
        if self._twin.stdin is not None:
            # Broken: somebody killed the twin, and there is nothing left for it to do.
            with contextlib.suppress(BrokenPipeError):
                self._twin.stdin.close()
        self._twin.wait()

    def _tell(self, message: dict[str, Any]) -> None:
        if self._twin.stdin is None:
            return
        # Without its twin a guardian still stops everything, unless it is killed as well.
        with contextlib.suppress(BrokenPipeError):
            self._twin.stdin.write(json.dumps(message).encode() + b"\n")
            self._twin.stdin.flush()


def stop_process(
    pid: int,
    stop_steps: Iterable[tuple[int, float]],
    is_running: Callable[[], bool],
    is_urgent: Callable[[], bool] = lambda: False,
) -> None:
    """Send each signal in turn until the process is gone."""
    for number, seconds in stop_steps:
        if not is_running():
            return
        deadline = time.monotonic() + seconds
        try:
            if number == signal.SIGKILL:
                os.killpg(pid, number)  # its own session: the children go with it
            else:
                os.kill(pid, number)
        except ProcessLookupError:
            return
        while is_running() and time.monotonic() < deadline and not is_urgent():
            time.sleep(POLL_SECONDS)


def is_process_running(pid: int) -> bool:
    """Whether another process's child lives; an unreaped one counts as gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        # Containers often have a first process that never reaps orphans.
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state != "Z"


def run_twin() -> None:
    """Wait for the owner's end of the pipe to close, then stop what is left."""
    guarded: dict[int, list[tuple[int, float]]] = {}
    for line in sys.stdin:
        message = json.loads(line)
        guarded[message["pid"]] = message["stop_steps"]
    for pid, stop_steps in reversed(guarded.items()):
        stop_process(pid, stop_steps, partial(is_process_running, pid))


if __name__ == "__main__":
    run_twin()
