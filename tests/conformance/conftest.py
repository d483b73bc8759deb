"""The runner's server: that of tests/live, with the fixture application, behind the proxy."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection as database

from tests.conformance.token_proxy import TokenProxy, open_proxy
from tests.live.application import Application
from tests.live.conftest import Resident, _unused_limits, committed, live_database, settled
from tests.live.server import LiveServer, serve

__all__ = ["_unused_limits", "committed", "live_database", "settled"]


@pytest.fixture(scope="package")
def proxy() -> Iterator[TokenProxy]:
    """The only way to the server."""
    with open_proxy() as opened:
        yield opened


@pytest.fixture(scope="package")
def server(
    committed: None, proxy: TokenProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """One server for all runs; in the end its log must not show a fault."""
    log = tmp_path_factory.mktemp("live-server") / "gunicorn.log"
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.conformance.fixture_settings",
        "PUBLIC_URL": proxy.url,
        # The runner alone is a crowd, of calls and of refusals.
        "MCP_CONNECTION_RATE": "0",
        "MCP_ORGANIZATION_RATE": "0",
        "HOSTED_ASSISTANT_NETWORKS": "127.0.0.0/8",
    }
    with serve(str(database.settings_dict["NAME"]), log, **environment) as served:
        proxy.upstream = served.address
        yield replace(served, address=proxy.address)
    assert "Traceback" not in served.read_log(), served.read_log()


@pytest.fixture(scope="package")
def connected(server: LiveServer, proxy: TokenProxy, settled: Resident) -> str:
    """The MCP address, at which every request is that of a person's connected client."""
    application = Application.register(server, "Conformance runner's client")
    tokens = application.connect(settled.browser, settled.acme, "read draft actions")
    proxy.token = tokens.access_token
    return server.mcp_url
