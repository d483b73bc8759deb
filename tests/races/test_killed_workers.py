"""A worker is killed at a random point of calls that change something: effects and rows match.

The suite takes a few rounds; ``make races`` takes a hundred.
"""

import itertools
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

import pytest
from django.db import connection as database

from accounts.models import Organization
from activity.models import ActivityEvent
from tests.figures import report
from tests.live.conftest import WITH_TOOLS, Caller, make_caller
from tests.live.server import LiveServer, is_ready, serve
from tests.live.streams import ERAS, Line, ToolCall, wait_for
from tests.races.conftest import Scale

# Killing takes its time on a slow machine; make races does it a hundred times.
pytestmark = pytest.mark.skipif(os.environ.get("RACES") != "record", reason="make races kills")

CALLERS = 6


@pytest.fixture
def mortal_server(committed: None, tmp_path: Path) -> Iterator[LiveServer]:
    """A server whose workers are killed: only what they say of that may be in its log."""
    log = tmp_path / "gunicorn.log"
    with serve(str(database.settings_dict["NAME"]), log, **WITH_TOOLS) as server:
        yield server
    assert "Traceback" not in server.read_log(), server.read_log()


def find_workers(server: LiveServer) -> list[int]:
    """The processes that answer."""
    pid = server.process.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Callers:
    """People who call without a pause, each call with a key of its own, and note what they hear."""

    def __init__(self, server: LiveServer, prefix: str) -> None:
        self.server = server
        self.prefix = prefix
        self.sent: set[str] = set()
        self.heard: set[str] = set()
        self.ended = threading.Event()
        self._numbers = itertools.count()

    def keep_calling(self, caller: Caller) -> None:
        """Call until it is over; a connection that breaks is replaced."""
        while not self.ended.is_set():
            try:
                with Line(self.server) as line:
                    while not self.ended.is_set():
                        self.call(line, caller)
            except (OSError, HTTPException):
                continue

    def call(self, line: Line, caller: Caller) -> None:
        """One call: inline or apart, in either era."""
        number = next(self._numbers)
        key = f"{self.prefix}-{number}"
        self.sent.add(key)
        tool = ("note", "note_slowly")[number % 2]
        arguments = {"key": key, "steps": 2, "pause": 0.01}
        answer = line.ask(ToolCall(caller.token, tool, arguments, era=ERAS[number // 2 % 2]))
        assert answer.get("result", {}).get("isError") is False, answer
        self.heard.add(key)


def test_effects_and_rows_match_one_to_one_when_workers_are_killed(
    mortal_server: LiveServer, scale: Scale
) -> None:
    people = [make_caller() for _ in range(CALLERS)]
    calls = Callers(mortal_server, f"killed-{uuid4().hex[:8]}")
    killed = 0
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(calls.keep_calling, person) for person in people]
        try:
            for _ in range(scale.kills):
                before = len(calls.heard)
                wait_for(lambda: len(calls.heard) > before + 3 * CALLERS, 30)  # noqa: B023
                time.sleep(random.uniform(0, 0.05))  # noqa: S311
                os.kill(random.choice(find_workers(mortal_server)), SIGKILL)  # noqa: S311
                killed += 1
                wait_for(lambda: len(find_workers(mortal_server)) == 2, 30)
        finally:
            calls.ended.set()
        for caller in callers:
            caller.result()
    wait_for(lambda: is_ready(mortal_server))
    check_ledger(calls)
    lost = len(calls.sent) - len(calls.heard)
    report(
        f"{killed} workers killed during {len(calls.sent)} calls: {len(calls.heard)} answered, "
        f"{lost} never; effects and rows match"
    )


def test_what_was_going_on_outside_when_a_worker_was_killed_has_its_first_row(
    mortal_server: LiveServer, tmp_path: Path
) -> None:
    key, person = f"killed-{uuid4().hex[:8]}", make_caller()
    arguments = {"key": key, "directory": str(tmp_path), "pause": 2}
    rows = ActivityEvent.objects.filter(details__arguments__key=key)
    with Line(mortal_server) as line:
        line.send(ToolCall(person.token, "send", arguments))
        wait_for((tmp_path / key).exists)
        for worker in find_workers(mortal_server):
            os.kill(worker, SIGKILL)
        with pytest.raises((OSError, HTTPException)):
            line.connection.getresponse()
    wait_for(lambda: is_ready(mortal_server), 30)
    wait_until_backends_are_gone()
    # It may have been sent, and whoever reads the log learns exactly that.
    assert [row.outcome for row in rows] == ["started"]
    assert not Organization.objects.filter(slug=key).exists()


def check_ledger(calls: Callers) -> None:
    """Every effect has one row, every row its effect, every answer both."""
    wait_until_backends_are_gone()
    effects = set(
        Organization.objects.filter(slug__startswith=calls.prefix).values_list("slug", flat=True)
    )
    rows = ActivityEvent.objects.filter(details__arguments__key__startswith=calls.prefix)
    ends: dict[str, list[str]] = {}
    for row in rows:
        ends.setdefault(row.details["arguments"]["key"], []).append(row.outcome)
    assert effects == {key for key, outcomes in ends.items() if outcomes == ["succeeded"]}
    assert Counter(map(len, ends.values())).keys() == {1}
    # A worker that was killed cannot notice that its client is gone; others may.
    assert {outcomes[0] for outcomes in ends.values()} <= {"succeeded", "cancelled"}
    assert calls.heard <= effects <= calls.sent


def wait_until_backends_are_gone() -> None:
    """PostgreSQL may still be at the last statement of a client that was killed."""

    def is_quiet() -> bool:
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            )
            return bool(cursor.fetchone() == (0,))

    wait_for(is_quiet)
