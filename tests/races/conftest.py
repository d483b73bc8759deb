"""Races have a live server of their own; the fixtures are those of tests/live."""

from uuid import uuid4

import pytest

from tests.live.application import Application
from tests.live.conftest import _unused_limits, committed, live_database, server, settled
from tests.live.server import LiveServer

__all__ = ["_unused_limits", "application", "committed", "live_database", "server", "settled"]


@pytest.fixture
def application(server: LiveServer) -> Application:
    """A client that nobody else has registered."""
    return Application.register(server, f"Racer {uuid4().hex[:8]}")
