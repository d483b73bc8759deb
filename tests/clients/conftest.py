"""The server of production on loopback: https, its cookies, its settings; and one person."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from django.db import connection as database

from tests.live.certificate import make_certificate
from tests.live.conftest import Resident, _unused_limits, committed, live_database, settled
from tests.live.server import LiveServer, serve

__all__ = ["_unused_limits", "committed", "live_database", "settled"]


@pytest.fixture(scope="package")
def server(committed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all clients; in the end its log must not show a fault."""
    directory = tmp_path_factory.mktemp("strict-clients")
    certificate = make_certificate(directory)
    with serve(
        str(database.settings_dict["NAME"]),
        directory / "log",
        certificate,
        # With tools that take their time, fail, ask and need more permission.
        DJANGO_SETTINGS_MODULE="tests.conformance.fixture_settings",
    ) as server:
        yield server
    assert "Traceback" not in server.read_log(), server.read_log()


@pytest.fixture
def decide_more(settled: Resident) -> Callable[[str], str]:
    """The person allows reading in Acme at first, and everything when asked again."""
    asked = count()

    def decide(url: str) -> str:
        scopes = ("read", "actions") if next(asked) else ("read",)
        return settled.browser.allow(url, settled.acme, scopes)

    return decide


@pytest.fixture
def decide(settled: Resident) -> Callable[[str], str]:
    """The person allows reading in Acme."""
    return lambda url: settled.browser.allow(url, settled.acme)
