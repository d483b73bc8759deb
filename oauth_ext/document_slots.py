"""How many metadata documents are fetched at once, and by whom.

A fetch holds its thread for up to five seconds at a stranger's pleasure. So only half of a
process's threads may be in one, at most ten in all processes of a host, and one for each URL. The
counting between processes is done with PostgreSQL's advisory locks: they need no transaction, and
the server frees them when their holder dies. They belong to the session, so the database must not
be behind a pooler that gives each statement another one.
"""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from oauth_ext.document_connection import DocumentPostponedError

MAX_IN_FLIGHT = 10
POLL_SECONDS = 0.05
HERE = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


@contextmanager
def hold_slot() -> Iterator[None]:
    """Be one of the few who fetch at this moment.

    Raises:
        DocumentPostponedError: ``cimd_capacity``; there are enough of them.
    """
    if not HERE.acquire(blocking=False):
        raise DocumentPostponedError("cimd_capacity")
    try:
        node = derive_key("cimd.node", socket.gethostname()) >> 32
        for slot in range(MAX_IN_FLIGHT):
            if take_lock(node, slot):
                break
        else:
            raise DocumentPostponedError("cimd_capacity")
        try:
            yield
        finally:
            release_lock(node, slot)
    finally:
        HERE.release()


@contextmanager
def hold_url(url: str, *, wait_seconds: float) -> Iterator[None]:
    """Be the only one who fetches this URL, after those who were at it.

    Raises:
        DocumentPostponedError: ``cimd_capacity``; somebody else still is.
    """
    key = derive_key("cimd.url", url)
    ends_at = time.monotonic() + wait_seconds
    while not take_lock(key):
        if time.monotonic() >= ends_at:
            raise DocumentPostponedError("cimd_capacity")
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        release_lock(key)


def derive_key(purpose: str, name: str) -> int:
    """A signed 64-bit number that stands for the name."""
    digest = hashlib.sha256(f"{purpose}\x1f{name}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def take_lock(*key: int) -> bool:
    """Take an advisory lock of this session, if nobody has it."""
    return ask("pg_try_advisory_lock", key)


def release_lock(*key: int) -> bool:
    """Give it back; false if the session that had it is gone."""
    return ask("pg_advisory_unlock", key)


def ask(function: str, key: tuple[int, ...]) -> bool:
    """Call a lock function with its one or two numbers."""
    kinds = ["%s::bigint"] if len(key) == 1 else ["%s::int"] * 2
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({', '.join(kinds)})", key)
        answer: bool = cursor.fetchone()[0]
    return answer
