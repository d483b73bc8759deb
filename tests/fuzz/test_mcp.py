"""``/mcp`` in each era, fed with calls that are nearly right."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import given, note, settings

from tests.conftest import Connected, World
from tests.figures import report
from tests.fuzz.fingerprint import take_fingerprint
from tests.fuzz.mcp_judgement import judge_call
from tests.fuzz.mcp_mutations import bent
from tests.fuzz.mcp_scene import ERAS, build_calls
from tests.fuzz.messages import Message
from tests.fuzz.scene import Scene
from tests.fuzz.test_endpoints import Bench

EXAMPLES = 20_000 if os.environ.get("FUZZ_PROFILE") == "long" else 150


@pytest.fixture
def calls(world: World, connect: Callable[..., Connected]) -> Iterator[Callable[[str], Any]]:
    """The valid calls of an era and where to send them."""
    alice = connect(world.alice, world.acme, ("read", "draft", "actions"))
    victim = connect(world.ben, world.acme)
    secrets = frozenset({alice.access_token, alice.refresh_token, victim.access_token})
    scene = Scene({}, secrets, {"": ""}, {})
    benches: list[Bench] = []
    # Between requests the server looks after its connections; here one of them holds the state.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)

    def prepare(era: str) -> tuple[Bench, tuple[Message, ...]]:
        messages = build_calls(era, token=alice.access_token, victim=str(victim.connection.id))
        benches.append(Bench.prepare(scene))
        return benches[-1], messages

    yield prepare
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    for bench in benches:
        assert take_fingerprint(bench.query) == bench.before


@pytest.mark.case(282, 283, 285, 300)
@pytest.mark.parametrize("era", ERAS)
def test_bent_calls(calls: Callable[[str], Any], era: str) -> None:
    bench, messages = calls(era)
    endings: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES)
    @given(bent(messages))
    def is_answered_well(message: Message) -> None:
        outcomes = bench.send(message)
        note(f"{outcomes.answer.status_code} {outcomes.answer.content[:300]!r}")
        endings[judge_call(outcomes, bench.scene.secrets)] += 1

    is_answered_well()
    counted = ", ".join(f"{count} x {ending}" for ending, count in endings.most_common())
    report(f"bent calls, {era}: {bench.describe()}; {counted}")


@pytest.mark.parametrize("era", ERAS)
def test_the_valid_calls_are_valid_before_and_after(calls: Callable[[str], Any], era: str) -> None:
    bench, messages = calls(era)
    for message in messages:
        ending = judge_call(bench.send(message), bench.scene.secrets)
        assert ending == ("accepted" if message.name == "notification" else "succeeded"), message
