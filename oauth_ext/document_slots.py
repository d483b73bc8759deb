"""How many metadata documents are fetched at once, and by whom.

A fetch holds its thread for up to five seconds at a stranger's pleasure. So only half of a
process's threads may be in one and a quarter more may wait for somebody else's, at most ten in all
processes of a host, two for each person, and one for each URL. The counting between processes is
done with PostgreSQL's advisory locks: they need no transaction, and the server frees them when
their holder dies. They belong to the session, so the database must not be behind a pooler that
gives each statement another one.
"""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.db import connection

from oauth_ext.document_connection import DocumentPostponedError

MAX_IN_FLIGHT = 10
MAX_OF_A_PERSON = 2
POLL_SECONDS = 0.05
HERE = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))
# Apart from those who fetch: a wait for one slow URL must not stand in the way of other URLs.
WAITING_HERE = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 4))


@contextmanager
def hold_person(user_id: UUID) -> Iterator[None]:
    """Be one of the few requests that this person has at documents, waiting or fetching.

    Raises:
        DocumentPostponedError: ``cimd_user_limit``; there are enough of them.
    """
    with hold_one_of(MAX_OF_A_PERSON, "cimd.user", str(user_id), reason="cimd_user_limit"):
        yield


@contextmanager
def hold_slot() -> Iterator[None]:
    """Be one of the few who fetch at this moment.

    Raises:
        DocumentPostponedError: ``cimd_capacity``; there are enough of them.
    """
    with (
        hold_permit(HERE),
        hold_one_of(MAX_IN_FLIGHT, "cimd.node", socket.gethostname(), reason="cimd_capacity"),
    ):
        yield


@contextmanager
def hold_url(url: str, *, wait_seconds: float) -> Iterator[None]:
    """Be the only one who fetches this URL, after those who were at it.

    Raises:
        DocumentPostponedError: ``cimd_capacity``; somebody else still is, or enough others wait.
    """
    key = derive_key("cimd.url", url)
    if not take_lock(key):
        with hold_permit(WAITING_HERE):
            wait_for_lock(key, wait_seconds)
    try:
        yield
    finally:
        release_lock(key)


def wait_for_lock(key: int, seconds: float) -> None:
    """Take a lock as soon as nobody has it.

    Raises:
        DocumentPostponedError: ``cimd_capacity``; somebody still does.
    """
    ends_at = time.monotonic() + seconds
    while not take_lock(key):
        if time.monotonic() >= ends_at:
            raise DocumentPostponedError("cimd_capacity")
        time.sleep(POLL_SECONDS)


@contextmanager
def hold_permit(permits: threading.BoundedSemaphore) -> Iterator[None]:
    """Have one of this process's permits.

    Raises:
        DocumentPostponedError: ``cimd_capacity``; there is none left.
    """
    if not permits.acquire(blocking=False):
        raise DocumentPostponedError("cimd_capacity")
    try:
        yield
    finally:
        permits.release()


@contextmanager
def hold_one_of(count: int, purpose: str, name: str, *, reason: str) -> Iterator[None]:
    """Have one of so many locks of one name, in all processes.

    Raises:
        DocumentPostponedError: with this reason; others have them all.
    """
    group = derive_key(purpose, name) >> 32
    for number in range(count):
        if take_lock(group, number):
            break
    else:
        raise DocumentPostponedError(reason)
    try:
        yield
    finally:
        release_lock(group, number)


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
