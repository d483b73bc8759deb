"""How many passwords a host hashes at once: two, whatever the number of processes and threads.

A hash is meant to be slow and large. Without this, fifty parallel sign-ins would take the
processors and the memory that the calls of connected clients need.

A slot is a lock on a file, taken on a descriptor of its own, so that threads exclude each other
too. The kernel frees it when its process ends, however it ends; a counter in shared memory or in
the database would have to be repaired after a kill. Whoever can open a file can lock it, so the
files lie in a directory for temporary files (local, writable) that only our account may enter.
"""

import fcntl
import hashlib
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

SLOTS = ("first", "second")
# Another checkout is another deployment, whose sign-ins are not to wait for ours.
CHECKOUT = hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:16]
WAIT_SECONDS = 1.0
PAUSE_SECONDS = 0.01
# So many threads of a process may hash or wait; the others go on with what is not sign-in.
MOST_THREADS = 3
RETRY_AFTER_SECONDS = 5

logger = logging.getLogger(__name__)
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
        for name in SLOTS:
            descriptor = try_slot(find_directory() / name)
            if descriptor is not None:
                return descriptor
        if time.monotonic() >= deadline:
            raise HashingBusyError
        time.sleep(PAUSE_SECONDS)


def find_directory() -> Path:
    """Where the slots lie: the same for all our processes.

    When somebody else has taken its name, each process has one of its own, so that sign-in goes on.
    """
    path = Path(tempfile.gettempdir()) / f"docjacket-{os.geteuid()}-{CHECKOUT}"
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    status = path.lstat()
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if is_ours and stat.S_IMODE(status.st_mode) == 0o700:
        return path
    return make_directory()


@cache
def make_directory() -> Path:
    """One that nobody can have taken before, for this process."""
    logger.error("the directory for hash slots is not ours alone; slots count for one process only")
    return Path(tempfile.mkdtemp(prefix="docjacket-"))


def try_slot(path: Path) -> int | None:
    """The descriptor of this slot, locked; None while another holds it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
