"""Addresses that are too long for ``next`` and wait in the session to be come back to.

Each has a name of its own, so that several tabs do not take each other's place. Signing out ends
the session; what the person is about to come back to as somebody else is carried over, and nothing
else is.
"""

import hashlib
from collections.abc import Mapping

from django.contrib.sessions.backends.base import SessionBase

WAITING = "waiting_requests"
# More tabs than anybody signs in from at once; each may be 8 KiB.
MOST_WAITING = 5


def keep_waiting(session: SessionBase, path: str) -> str:
    """Keep an address of ours, and return the name that finds it; the oldest make room."""
    name = hashlib.sha256(path.encode()).hexdigest()[:32]
    earlier = {other: kept for other, kept in find_all(session).items() if other != name}
    session[WAITING] = dict([*earlier.items(), (name, path)][-MOST_WAITING:])
    return name


def find_waiting(session: SessionBase, name: str) -> str | None:
    """The address that waits under this name in this browser."""
    return find_all(session).get(name)


def find_waiting_for(session: SessionBase, next_url: str) -> dict[str, str]:
    """What waits in this browser to be come back to by this address."""
    return {name: path for name, path in find_all(session).items() if name in next_url}


def carry_over(session: SessionBase, waiting: Mapping[str, str]) -> None:
    """Let it wait on in a new session; none is begun for nothing."""
    if waiting:
        session[WAITING] = dict(waiting)


def find_all(session: SessionBase) -> dict[str, str]:
    """All that wait, the oldest first."""
    waiting: dict[str, str] = session.get(WAITING, {})
    return waiting
