"""Who decides whether a call is kept: the first, and only one."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from mcp_endpoint.client_presence import ClientPresence
from mcp_endpoint.gate import CLIENT_GONE, TIME_LIMIT, AbandonedError, Gate, StoppedError

LATE = -1.0


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Our end of a connection and the caller's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_tool_that_is_first_cannot_be_stopped() -> None:
    gate = Gate()
    gate.settle_success()
    assert gate.stop() is False
    # What it has settled it may settle again: the row could not be written, so it failed.
    gate.settle()


def test_a_tool_that_was_stopped_keeps_and_tells_nothing() -> None:
    gate = Gate()
    assert gate.stop() is True
    for attempt in (gate.check, gate.settle, gate.settle_success):
        with pytest.raises(AbandonedError):
            attempt()


def test_of_a_tool_and_a_stop_at_once_exactly_one_wins() -> None:
    def settle(gate: Gate, barrier: threading.Barrier) -> bool:
        barrier.wait(5)
        try:
            gate.settle()
        except AbandonedError:
            return False
        return True

    def stop(gate: Gate, barrier: threading.Barrier) -> bool:
        barrier.wait(5)
        return gate.stop()

    with ThreadPoolExecutor(2) as pool:
        for _ in range(300):
            shared = Gate(), threading.Barrier(2)
            tried = [pool.submit(act, *shared) for act in (settle, stop)]
            assert sorted(each.result() for each in tried) == [False, True]


def test_what_comes_too_late_is_not_kept() -> None:
    gate = Gate(seconds=LATE)
    with pytest.raises(StoppedError) as caught:
        gate.settle_success()
    assert caught.value.stop is TIME_LIMIT
    with pytest.raises(StoppedError):
        gate.check()
    # It has a failure to tell, and nobody else may tell another.
    assert gate.stop() is False
    Gate(seconds=60).settle_success()


@pytest.mark.parametrize("cancels", [True, False])
def test_hanging_up_counts_where_it_means_to_stop(
    ends: tuple[socket.socket, socket.socket], cancels: bool
) -> None:
    ours, theirs = ends
    gate = Gate(presence=ClientPresence(ours), disconnect_cancels=cancels)
    gate.check()
    assert gate.client_gone is False
    theirs.close()
    if cancels:
        with pytest.raises(StoppedError) as caught:
            gate.settle_success()
        assert caught.value.stop is CLIENT_GONE
    else:
        gate.settle_success()
    assert gate.client_gone is True


def test_what_has_happened_outside_is_not_denied(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    presence = ClientPresence(ours)
    gate = Gate(presence=presence, disconnect_cancels=True, acts_outside=True)
    theirs.close()
    # It may stop on the way, but an end that was reached is told as it is.
    with pytest.raises(StoppedError):
        gate.check()
    gate.settle_success()
    assert gate.client_gone is True
    Gate(seconds=LATE, acts_outside=True).settle_success()


@pytest.mark.parametrize("unread", [b"", b"the next request"])
def test_a_caller_who_hangs_up_is_gone_whatever_they_have_sent(
    ends: tuple[socket.socket, socket.socket], unread: bytes
) -> None:
    ours, theirs = ends
    theirs.sendall(unread)
    presence = ClientPresence(ours)
    assert (presence.is_gone(), presence.is_writable()) == (False, True)
    theirs.close()
    assert presence.is_gone() is True
    # Not a byte of theirs was taken.
    assert ours.recv(100) == unread


def test_a_caller_who_does_not_read_leaves_no_room_and_can_be_let_go(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, _ = ends
    ours.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            ours.send(b"x" * 65536)
    presence = ClientPresence(ours)
    assert presence.is_writable() is False
    presence.hang_up()
    assert presence.is_gone() is True
    with pytest.raises(BrokenPipeError):
        ours.send(b"x")


def test_without_a_socket_nobody_is_gone() -> None:
    presence = ClientPresence(None)
    assert (presence.is_known, presence.is_gone(), presence.is_writable()) == (False, False, True)
    presence.hang_up()
    assert presence.is_gone() is True


def test_a_socket_that_was_closed_here_has_nobody_at_its_other_end() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    theirs.close()
    assert ClientPresence(ours).is_gone() is True
