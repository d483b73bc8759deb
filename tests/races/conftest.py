"""Races have live servers of their own; the fixtures are those of tests/live."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.db import connection as database

from tests.live.application import Application
from tests.live.conftest import (
    WIDE,
    _unused_limits,
    committed,
    live_database,
    server,
    settled,
    tool_server,
)
from tests.live.server import LiveServer, serve

__all__ = [
    "_unused_limits",
    "application",
    "committed",
    "live_database",
    "server",
    "settled",
    "tool_server",
]

Nodes = tuple[LiveServer, LiveServer]


@pytest.fixture
def application(server: LiveServer) -> Application:
    """A client that nobody else has registered."""
    return Application.register(server, f"Racer {uuid4().hex[:8]}")


@pytest.fixture(scope="package")
def nodes(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two masters with two workers each, on one database and under one public address."""
    log = tmp_path_factory.mktemp("second-node") / "gunicorn.log"
    name = str(database.settings_dict["NAME"])
    with serve(name, log, PUBLIC_URL=server.url, **WIDE) as second:
        yield server, second
    assert "Traceback" not in second.read_log(), second.read_log()


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of each of the longer races; ``families`` are raced in batches."""

    rounds: int
    codes: int
    batches: int
    batch: int
    kills: int
    crossings: int


SUITE = Scale(rounds=1, codes=2, batches=1, batch=3, kills=2, crossings=15)
RECORD = Scale(rounds=20, codes=100, batches=20, batch=10, kills=100, crossings=1000)


@pytest.fixture
def scale() -> Scale:
    """A taste in the suite, everything by make races."""
    return RECORD if os.environ.get("RACES") == "record" else SUITE
