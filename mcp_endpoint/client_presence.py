"""Whether the caller still holds the connection that its answer goes to.

MCP 2026-07-28 transports §Cancellation: closing the connection cancels the request. gunicorn hands
its socket to the application; nothing here reads a byte from it. Where there is no socket (another
server, Django's test client), nobody ever seems to be gone.
"""

import select
import socket

from django.http import HttpRequest

# Linux tells of a caller that has hung up even while bytes of theirs are unread.
HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR | select.POLLNVAL


class ClientPresence:
    """The caller's end of one connection."""

    __slots__ = ("_gone", "_socket")

    def __init__(self, connection: socket.socket | None = None) -> None:
        self._socket = connection
        self._gone = False

    @property
    def is_known(self) -> bool:
        """Whether there is a socket to look at."""
        return self._socket is not None

    def is_gone(self) -> bool:
        """Whether they have hung up; costs one system call, waits for nothing."""
        if self._socket is not None and not self._gone:
            self._gone = has_hung_up(self._socket)
        return self._gone

    def note_gone(self) -> None:
        """The server found out while it wrote."""
        self._gone = True

    def is_writable(self, seconds: float = 0.0) -> bool:
        """Whether there is room for a small piece within this time; a slow reader leaves none."""
        if self._socket is None:
            return True
        return bool(poll(self._socket, select.POLLOUT, seconds) & select.POLLOUT)

    def hang_up(self) -> None:
        """Let go of a caller who does not read: whatever else is written fails at once."""
        self._gone = True
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def find_presence(request: HttpRequest) -> ClientPresence:
    """The presence of a request's caller."""
    return ClientPresence(request.META.get("gunicorn.socket"))


def has_hung_up(connection: socket.socket) -> bool:
    """Whether the other end is closed."""
    return bool(poll(connection, HUNG_UP & ~select.POLLNVAL, 0.0) & HUNG_UP)


def poll(connection: socket.socket, events: int, seconds: float) -> int:
    """What poll(2) says of one socket; POLLNVAL for one that was closed here."""
    descriptor = connection.fileno()
    if descriptor < 0:
        return select.POLLNVAL
    poller = select.poll()
    poller.register(descriptor, events)
    ready = poller.poll(seconds * 1000)
    return ready[0][1] if ready else 0
