"""Every endpoint and page that takes strangers' input, fed with what is nearly right.

Nothing is a fault, nothing is granted, nothing is changed, and everything refused can be found.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import given, note

from activity.models import ActivityEvent
from tests.figures import report
from tests.fuzz.fingerprint import build_query, take_fingerprint
from tests.fuzz.judgement import Outcomes, judge
from tests.fuzz.messages import Message, serve
from tests.fuzz.mutations import list_neighbours, mutated
from tests.fuzz.scene import Scene

# Reasons that only a request with everything else right is refused for.
DEEP = {
    "token": {
        *("pkce_mismatch", "resource", "scope", "code_client", "code_redirect", "code_replayed"),
        *("refresh_replayed", "refresh_client", "duplicate_param", "bad_text", "too_long"),
    },
    "revoke": {"revoke_foreign", "client_unknown", "duplicate_param", "token_missing"},
    "register": {"bad_type", "bad_json", "redirect_scheme", "redirect_count", "grant_type"},
    "authorize": {
        *("pkce_format", "pkce_method", "resource", "consent_changed", "consent_digest"),
        *("consent_form", "redirect_mismatch", "client_unknown", "csrf"),
    },
}
ENDPOINTS = ("token", "revoke", "register", "authorize", "sign in", "settings", "discovery")


@dataclass
class Bench:
    """Sends a message into a state that is the same each time, and looks at what it did."""

    scene: Scene
    first_row: int
    query: str
    before: Mapping[str, str]
    started: float = field(default_factory=time.perf_counter)
    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @classmethod
    def prepare(cls, scene: Scene) -> "Bench":
        """Remember how everything is."""
        query = build_query()
        first_row = ActivityEvent.objects.latest("id").id
        return cls(scene, first_row, query, take_fingerprint(query))

    def send(self, message: Message) -> Outcomes:
        """The answer and what it changed, which is undone at once."""
        with transaction.atomic():
            # allauth counts there; what was sent before must not matter.
            cache.clear()
            cookies = self.scene.cookies[message.who]
            answer = serve(message.build_environ(cookies))
            rows = list(ActivityEvent.objects.filter(id__gt=self.first_row))
            after = take_fingerprint(self.query)
            transaction.set_rollback(True)
        self.statuses[answer.status_code] += 1
        self.reasons.update({row.reason for row in rows})
        changed = frozenset(table for table in after if after[table] != self.before[table])
        return Outcomes(message, answer, rows, changed)

    def describe(self) -> str:
        """How many requests, how fast, and what became of them."""
        each = [f"{count} × {status}" for status, count in sorted(self.statuses.items())]
        total, seconds = self.statuses.total(), time.perf_counter() - self.started
        reasons = f"{len(self.reasons)} reasons"
        return f"{total} requests in {seconds:.0f} s ({', '.join(each)}), {reasons}"


@pytest.fixture
def bench(scene: Scene, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Where the requests of one test are sent; in the end everything is as it was."""
    made = Bench.prepare(scene)
    # Between requests the server looks after its connections; here one of them holds the state.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield made
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    report(f"{request.node.name}: {made.describe()}")
    assert take_fingerprint(made.query) == made.before


@pytest.mark.case(15, 16, 17, 88, 164, 172, 173, 174, 175)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_bent_requests(bench: Bench, endpoint: str) -> None:
    messages = mutated(bench.scene.messages[endpoint], bench.scene)

    @given(messages)
    def is_answered_well(message: Message) -> None:
        outcomes = bench.send(message)
        note(f"{outcomes.answer.status_code} {outcomes.answer.headers}")
        judge(outcomes, bench.scene)

    is_answered_well()


@pytest.mark.case(16, 17, 88, 164)
@pytest.mark.parametrize("endpoint", DEEP)
def test_nearest_neighbours(bench: Bench, endpoint: str) -> None:
    failures: dict[str, Message] = {}
    for message in bench.scene.messages[endpoint]:
        for neighbour in list_neighbours(message, bench.scene):
            try:
                judge(bench.send(neighbour), bench.scene)
            except (AssertionError, ValueError) as error:
                failures.setdefault(str(error), neighbour)
    assert failures == {}
    assert DEEP[endpoint] <= set(bench.reasons), sorted(bench.reasons)


def test_the_valid_requests_are_valid(bench: Bench) -> None:
    messages = [message for group in bench.scene.messages.values() for message in group]
    statuses = {message.name: bench.send(message).answer.status_code for message in messages}
    refused = {name: status for name, status in statuses.items() if status >= 400}
    assert refused == {
        "exchange again": 400,
        "refresh late": 400,
        "revoke foreign_refresh": 400,
        "/nothing/here": 404,
    }
    assert statuses["allow"] == statuses["cancel"] == 303
    assert statuses["login"] == 302
