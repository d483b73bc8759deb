"""A pytest plugin that tries mutants one after another in forks of one run.

The tests are collected and run once as they are. Then each mutant gets a fork in which its guard
is taken away, and in which only its own tests run.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from django.db import connections

from tests.mutants.in_memory import replace_module
from tests.mutants.mutant import ROOT, GuardNotFoundError, Mutant

Item = Any
NOTICED, SURVIVED, BROKEN = 0, 3, 4
VERDICTS = {NOTICED: "killed", SURVIVED: "survived"}


class Trial:
    """Runs the mutants in place of the usual tests; ``verdicts`` tells what became of each."""

    def __init__(self, mutants: Iterable[Mutant], report: Callable[[Mutant, str], None]) -> None:
        self.mutants = list(mutants)
        self.verdicts: dict[Mutant, str] = {}
        self.report = report

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """First everything unchanged, then every mutant in a fork."""
        unchanged = [item for item in session.items if run(item)]
        if unchanged:
            raise pytest.UsageError(f"failed unchanged: {unchanged[0].nodeid}")
        for each in self.mutants:
            self.verdicts[each] = self.try_mutant(each, session)
            self.report(each, self.verdicts[each])
        session._setupstate.teardown_exact(None)
        return True

    def try_mutant(self, each: Mutant, session: pytest.Session) -> str:
        """Every one of its tests has to notice."""
        try:
            source = each.mutate(ROOT)
        except GuardNotFoundError as error:
            return f"not found: {error}"
        # What must not notice: the same machinery without a change.
        if in_fork(each, (ROOT / each.file).read_text(), each.tests, session) != SURVIVED:
            return "broken"
        outcomes = [in_fork(each, source, (test,), session) for test in each.tests]
        return next((VERDICTS.get(o, "broken") for o in outcomes if o != NOTICED), "killed")


def in_fork(each: Mutant, source: str, tests: Iterable[str], session: pytest.Session) -> int:
    """Run these tests in a fork with this source; how it ended."""
    # Two processes must not speak on one connection.
    connections.close_all()
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    verdict = BROKEN
    try:
        replace_module(each.file, source)
        wanted = {f"tests/{test}" for test in tests}
        items = [item for item in session.items if item.nodeid.partition("[")[0] in wanted]
        verdict = NOTICED if any(run(item) for item in items) else SURVIVED
    finally:
        os._exit(verdict)


def run(item: Item) -> bool:
    """Whether the test fails; only what the whole session shares stays set up."""
    reports = runtestprotocol(item, log=False, nextitem=item.session)
    return any(report.failed for report in reports)
