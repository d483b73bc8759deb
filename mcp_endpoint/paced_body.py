"""A body for whoever reads it slowly, or not at all: bounded in time, so that no thread is held.

A server that writes to a full socket waits until the other end reads. Here each piece is handed
over only when there is room for it; who makes none is let go. A proxy in front that buffers never
comes to feel this (docs/operate.md).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mcp_endpoint.client_presence import ClientPresence

# Less than any socket has room for when it says that it has some.
PIECE_BYTES = 8 * 1024
# How long a client may take to make room for one piece, and to take all of them.
PIECE_SECONDS = 10.0
BODY_SECONDS = 60.0


def keep_nothing(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """For readers who are not counted."""
    return pieces


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a body is for: their end of the connection, and what they hold until all is sent."""

    presence: ClientPresence
    hold: Callable[[Iterator[bytes]], Iterator[bytes]] = keep_nothing


def send_in_pieces(presence: ClientPresence, body: bytes) -> Iterator[bytes]:
    """The pieces, each when there is room; ends early if nobody takes them.

    MCP 2026-07-28 transports §Cancellation: nothing MUST be sent to a client that has closed.
    """
    deadline = time.monotonic() + BODY_SECONDS
    for start in range(0, len(body), PIECE_BYTES):
        if presence.is_gone():
            return
        if time.monotonic() > deadline or not presence.is_writable(PIECE_SECONDS):
            presence.hang_up()
            return
        yield body[start : start + PIECE_BYTES]
