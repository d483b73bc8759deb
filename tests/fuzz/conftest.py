"""Two profiles: some eighty requests of each kind in the suite, thousands with make fuzz."""

import os
from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone
from hypothesis import HealthCheck, settings

from accounts.models import User
from activity.origin import Origin
from oauth_ext.models import Client
from tests.conftest import Connected, World
from tests.fuzz.scene import Scene, Stage, set_scene

# Every example starts from the same state: a savepoint is rolled back after each.
COMMON = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("suite", COMMON, max_examples=80)
settings.register_profile("long", COMMON, max_examples=3000, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("FUZZ_PROFILE", "suite"))


@pytest.fixture
def _standing_clock() -> Iterator[None]:
    """A code lives for a minute, and a long run is longer."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.fixture
def scene(
    _standing_clock: None,
    world: World,
    client_row: Client,
    connect: Callable[..., Connected],
    mint: Callable[..., str],
    sign_in: Callable[[User], Browser],
    origin: Origin,
) -> Scene:
    """Everything there is, in order."""
    return set_scene(Stage(world, client_row, connect, mint, sign_in, origin))
