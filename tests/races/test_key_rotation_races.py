"""Keys rotate while clients call: nobody is refused, and no restart is needed."""

from functools import partial

import pytest
from django.conf import settings
from django.utils import timezone

from oauth_ext.key_rotation import Step, rotate
from tests.live.application import Application, Tokens, read_tokens
from tests.live.conftest import Resident
from tests.live.server import LiveServer
from tests.live.wire import Wire
from tests.races.crowd import race

# As many as one connection may have running in a process at once.
CALLERS = 4
CALLS = 15


def call_often(application: Application, tokens: Tokens, wire: Wire) -> list[int]:
    """The statuses of a row of calls with one token."""
    return [application.call(wire, tokens.access_token).status for _ in range(CALLS)]


def rotate_meanwhile(wire: Wire) -> list[int]:
    """The next step of a rotation, as if the day had passed."""
    rotate(settings.SIGNING_KEYS_DIR, timezone.now(), at_once=True)
    return []


@pytest.mark.case(230)
def test_nobody_is_refused_while_the_keys_rotate(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    tokens = application.connect(settled.browser, settled.acme)
    callers = [partial(call_often, application, tokens)] * CALLERS
    for _ in (Step.PUBLISHED, Step.ACTIVATED):
        answers = race(server, [*callers, rotate_meanwhile])
        assert {status for row in answers for status in row} == {200}
    with application.wire() as wire:
        renewed = read_tokens(application.refresh(wire, tokens.refresh_token))
        assert application.call(wire, renewed.access_token).status == 200
        # The key that signed the first token is still accepted, until that has expired.
        assert application.call(wire, tokens.access_token).status == 200
