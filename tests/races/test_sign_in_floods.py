"""Fifty people at the sign-in form at once, while a client goes on calling."""

import re
import threading
from collections import Counter
from urllib.parse import urlencode

import pytest

from tests.live.application import Application
from tests.live.conftest import Resident
from tests.live.server import LiveServer
from tests.live.wire import FORM, Answer, Prepared
from tests.races.crowd import race

PEOPLE = 50
HEADERS = {"Accept": "text/html", "Content-Type": FORM}


def prepare_sign_in(server: LiveServer, number: int) -> Prepared:
    """A wrong password for somebody else each time, in a browser that has the form's cookie."""
    token = "x" * 32
    fields = {"login": f"nobody{number}@acme.example", "password": "a guess"}
    body = urlencode(fields | {"csrfmiddlewaretoken": token}).encode()
    headers = HEADERS | {"Cookie": f"csrftoken={token}", "Origin": server.url}
    return Prepared("/accounts/login", body, headers)


@pytest.mark.case(355)
def test_calls_go_on_while_fifty_sign_in(
    server: LiveServer, application: Application, settled: Resident
) -> None:
    token = application.connect(settled.browser, settled.acme).access_token
    attempts = [prepare_sign_in(server, number) for number in range(PEOPLE)]
    with application.wire() as wire:
        answers: list[Answer] = []
        flood = threading.Thread(
            target=lambda: answers.extend(
                race(server, [lambda wire, each=each: wire.post(each) for each in attempts])
            )
        )
        flood.start()
        calls = []
        while flood.is_alive():
            calls.append(application.call(wire, token).status)
    statuses = Counter(answer.status for answer in answers)
    # Looked at and wrong, or told to wait; nobody waited long.
    assert set(statuses) <= {200, 429, 503}
    assert statuses[200] and statuses[503]
    assert not any(re.search("Traceback", answer.body.decode()) for answer in answers)
    assert calls and set(calls) == {200}
