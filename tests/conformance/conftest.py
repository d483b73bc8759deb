"""The runner's server and person are those of tests/live, in a database of their own."""

from tests.live.conftest import _unused_limits, committed, live_database, server, settled

__all__ = ["_unused_limits", "committed", "live_database", "server", "settled"]
