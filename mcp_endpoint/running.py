"""A call in a thread of its own, and the thread that looks after it while its client waits.

What takes its time runs apart: the web thread hands on progress, gives signs of life, watches the
clock and the caller, and asks again and again whether the caller still may. It ends the call when
one of them says so; the tool's thread then finds its gate shut and keeps nothing.
MCP 2026-07-28 basic/patterns/progress and transports §Cancellation.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from activity.events import Outcome
from mcp_endpoint.calls import Call, build_stop_failure, call_tool
from mcp_endpoint.errors import UnrecordedError
from mcp_endpoint.exchange import Caller, Result, Steps
from mcp_endpoint.gate import AbandonedError, Stop
from mcp_endpoint.progress import ProgressFeed
from mcp_endpoint.results import build_tool_failure

POLL_SECONDS = 0.25
RECHECK_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 15.0
# From the moment a tool's thread says that it keeps the call, until it has.
SETTLING_SECONDS = 1.0
CANCEL_SECONDS = 0.5
BUSY = "Earlier calls of this tool have not come to an end. Try again later."

logger = logging.getLogger(__name__)
# Threads whose calls were answered without them: they end when their tool does.
late: set["ToolThread"] = set()
late_lock = threading.Lock()


class ToolThread(threading.Thread):
    """Runs one call on a database connection of its own.

    A daemon: a tool that hangs must not keep the process from ending, and what it did in the
    database vanishes with its connection.
    """

    def __init__(self, call: Call, feed: ProgressFeed) -> None:
        super().__init__(name=f"tool {call.tool.name}", daemon=True)
        self.user_id = call.context.principal.user_id
        self._call = call
        self._feed = feed
        # Log lines of the tool carry the reference of its request.
        self._context = contextvars.copy_context()
        self._database: BaseDatabaseWrapper | None = None
        self._end: Callable[[], Result] = fail_unfinished
        self._has_ended = False

    def run(self) -> None:
        """The thread: the call, then the end of its connection, then the news."""
        try:
            self._database = connections[DEFAULT_DB_ALIAS]
            result = self._context.run(call_tool, self._call)
            self._end = lambda: result
        except AbandonedError:
            return
        except BaseException as error:
            self._end = Failure(error)
        finally:
            connections.close_all()
            self._feed.close()
            with late_lock:
                self._has_ended = True
                late.discard(self)

    def get_result(self) -> Result:
        """What the thread has come to.

        Raises:
            Exception: whatever ended the call, as if it had run here.
            UnrecordedError: it has not ended.
        """
        return self._end()

    def give_up(self) -> None:
        """End the statement that runs, if any; the tool notices at its next step otherwise."""
        with late_lock:
            if self._has_ended:
                return
            late.add(self)
        raw = self._database.connection if self._database else None
        if raw is None or raw.closed:
            return
        try:
            raw.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error:
            logger.warning("a statement of %s could not be cancelled", self._call.tool.name)


def is_stuck(call: Call) -> bool:
    """Whether too many tools go on after their calls, this person's own or all together.

    Their own first: nobody may hang up on others' behalf until no tool can be begun.
    """
    user_id = call.context.principal.user_id
    with late_lock:
        own = sum(thread.user_id == user_id for thread in late)
        threads: int = settings.WEB_THREADS
        return own >= max(1, threads // 2) or len(late) >= 2 * threads


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended a call, to be raised where it is waited for."""

    error: BaseException

    def __call__(self) -> Result:
        """Raise it."""
        raise self.error


def fail_unfinished() -> Result:
    """The answer of a call that was being kept and has not come back from it."""
    raise UnrecordedError


def run_apart(call: Call, feed: ProgressFeed, caller: Caller, *, tells_progress: bool) -> Steps:
    """Run the call in a thread of its own; yields what its client wants to hear meanwhile.

    Raises:
        UnauthorizedError: the permission ended while it ran; nothing of it is kept.
        UnrecordedError: nothing may be acknowledged.
        django.db.Error: the database failed.
    """
    if is_stuck(call):
        call.record_end(Outcome.FAILED, "tools_stuck")
        return build_tool_failure(BUSY, call.context.reference)
    thread = ToolThread(call, feed)
    thread.start()
    is_heard = caller.accepts_stream
    recheck_at = time.monotonic() + RECHECK_SECONDS
    sign_of_life_at = time.monotonic() + KEEP_ALIVE_SECONDS
    while True:
        step = feed.wait(min(POLL_SECONDS, call.gate.seconds_left))
        if feed.is_closed:
            return thread.get_result()
        stop = call.gate.find_stop()
        if stop and not (stop.outcome is Outcome.CANCELLED and call.tool.open_world):
            was_stopped = stop_call(call, thread, stop)
            return build_stop_failure(call, stop) if was_stopped else thread.get_result()
        now = time.monotonic()
        if now >= recheck_at:
            recheck_at = now + RECHECK_SECONDS
            if ended := caller.find_end():
                if stop_call(call, thread, Stop(Outcome.REFUSED, ended.reason)):
                    raise ended
                return thread.get_result()
        is_heard = is_heard and not caller.presence.is_gone()
        is_news = step is not None and tells_progress
        if is_heard and (is_news or now >= sign_of_life_at):
            sign_of_life_at = now + KEEP_ALIVE_SECONDS
            try:
                yield step if is_news else None
            except GeneratorExit:
                # Not the end by itself: before 2026-07-28 hanging up cancels nothing.
                caller.presence.note_gone()


def stop_call(call: Call, thread: ToolThread, stop: Stop) -> bool:
    """Give the call up and record why; False if its tool has just come to an end itself.

    Raises:
        UnrecordedError: it is given up, and the row could not be written.
    """
    if not call.gate.stop():
        thread.join(SETTLING_SECONDS)
        return False
    thread.give_up()
    call.record(stop.outcome, stop.reason)
    return True
