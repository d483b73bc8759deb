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
from mcp_endpoint.calls import MAYBE_CHANGED, Call, build_stop_failure, call_tool
from mcp_endpoint.errors import RefusedError, UnrecordedError
from mcp_endpoint.exchange import Caller, Result, Steps
from mcp_endpoint.gate import AbandonedError, Stop
from mcp_endpoint.progress import ProgressFeed
from mcp_endpoint.results import build_tool_failure

POLL_SECONDS = 0.25
RECHECK_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 15.0
# From the moment a tool's thread says that it has an end, until that is recorded and committed.
SETTLING_SECONDS = 30.0
# How long an answer waits for what its tool left for after the commit.
AFTERWARDS_SECONDS = 1.0
CANCEL_SECONDS = 0.5
BUSY = "Earlier calls of this tool have not come to an end. Try again later."
UNSETTLED = f"What became of this call is not known yet. {MAYBE_CHANGED}"

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
            self._keep(self._context.run(call_tool, self._call, self._keep))
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

    def _keep(self, result: Result) -> None:
        """The call has this result, whatever its tool left for later."""
        self._end = lambda: result
        self._feed.close()

    def get_result(self) -> Result:
        """What the call has come to, once its feed is closed.

        Raises:
            Exception: whatever ended the call, as if it had run here.
        """
        self.join(AFTERWARDS_SECONDS)
        self.let_go()
        return self._end()

    def let_go(self) -> bool:
        """Count the thread among those that go on after their calls, if it does."""
        with late_lock:
            if not self._has_ended:
                late.add(self)
            return not self._has_ended

    def give_up(self) -> None:
        """End the statement that runs, if any; the tool notices at its next step otherwise."""
        if not self.let_go():
            return
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
    """The end of a thread that has come to none; nobody asks for it while the feed is open."""
    raise UnrecordedError


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a call is to be given up, and whatever refuses its caller."""

    stop: Stop
    refusal: RefusedError | None = None

    def tell(self, call: Call) -> Result:
        """The answer to a call that was given up.

        Raises:
            RefusedError: the caller may not have one.
        """
        if self.refusal:
            raise self.refusal
        return build_stop_failure(call, self.stop)


@dataclass(slots=True)
class Watch:
    """What may end one call from outside: the clock, the caller, the permission."""

    call: Call
    caller: Caller
    recheck_at: float

    def find_ending(self, now: float) -> Ending | None:
        """Why the call should be given up now, if there is a reason."""
        stop = self.call.gate.find_stop()
        if stop and not (stop.outcome is Outcome.CANCELLED and self.call.tool.open_world):
            return Ending(stop)
        if now >= self.recheck_at:
            self.recheck_at = now + RECHECK_SECONDS
            if ended := self.caller.find_end():
                return Ending(Stop(Outcome.REFUSED, ended.reason), ended)
        return None


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
    began_at = time.monotonic()
    watch = Watch(call, caller, began_at + RECHECK_SECONDS)
    sign_of_life_at = began_at + KEEP_ALIVE_SECONDS
    settling_until: float | None = None
    while True:
        is_open = settling_until is None
        step = feed.wait(min(POLL_SECONDS, call.gate.seconds_left) if is_open else POLL_SECONDS)
        if feed.is_closed:
            return thread.get_result()
        now = time.monotonic()
        if settling_until is None:
            if ending := watch.find_ending(now):
                if stop_call(call, thread, ending.stop):
                    return ending.tell(call)
                # Its end is being recorded; whatever that is, nothing else may be told.
                settling_until = now + SETTLING_SECONDS
        elif now >= settling_until:
            thread.let_go()
            return build_tool_failure(UNSETTLED, call.context.reference)
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
        return False
    thread.give_up()
    call.record(stop.outcome, stop.reason)
    return True
