"""How many passwords a host hashes at once: two, whatever the number of processes and threads.

A hash is meant to be slow and large. Without this, fifty parallel sign-ins would take the
processors and the memory that the calls of connected clients need.

A slot is a lock on a file of this package, taken on a descriptor of its own, so that threads
exclude each other too. The kernel frees it when its process ends, however it ends; a counter in
shared memory or in the database would have to be repaired after a kill. It needs no transaction,
no database and no writable directory.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Any two files would do; these exist wherever the code does.
SLOTS = (HERE / "hash_slots.py", HERE / "hashers.py")
WAIT_SECONDS = 1.0
PAUSE_SECONDS = 0.01
# So many threads of a process may hash or wait; the others go on with what is not sign-in.
MOST_THREADS = 3
RETRY_AFTER_SECONDS = 5

_threads = threading.BoundedSemaphore(MOST_THREADS)


class HashingBusyError(Exception):
    """No slot became free in time: the password was not looked at."""


@contextmanager
def hold_slot() -> Iterator[None]:
    """Hash inside this.

    Raises:
        HashingBusyError: every slot is taken, or too many wait for one here already.
    """
    if not _threads.acquire(blocking=False):
        raise HashingBusyError
    try:
        descriptor = take_slot()
        try:
            yield
        finally:
            # Closing it gives the lock back.
            os.close(descriptor)
    finally:
        _threads.release()


def take_slot() -> int:
    """The descriptor of a locked slot, after a second at most.

    Raises:
        HashingBusyError: none became free.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        for path in SLOTS:
            descriptor = try_slot(path)
            if descriptor is not None:
                return descriptor
        if time.monotonic() >= deadline:
            raise HashingBusyError
        time.sleep(PAUSE_SECONDS)


def try_slot(path: Path) -> int | None:
    """The descriptor of this slot, locked; None while another holds it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
