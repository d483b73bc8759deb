"""The authorization server before the official runner: metadata, and the code grant."""

import socket
from pathlib import Path

import httpx

from tests.conformance.runner import run
from tests.live.conftest import Resident
from tests.live.person import NO_AUTHORITIES
from tests.live.server import LiveServer
from tests.live.wire import Wire, prepare_json


def find_free_port() -> int:
    """A port for the runner's callback, which it takes only after it was told."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_authorization_server_passes_the_official_runner(
    server: LiveServer, settled: Resident, tmp_path: Path
) -> None:
    port = find_free_port()
    metadata = {
        "client_name": "Conformance runner",
        "redirect_uris": [f"http://127.0.0.1:{port}/callback"],
    }
    with Wire(server.address) as wire:
        client_id = wire.post(prepare_json("/register", metadata)).document["client_id"]

    def decide(url: str) -> None:
        location = settled.browser.allow(url, settled.acme)
        assert httpx.get(location, trust_env=False, verify=NO_AUTHORITIES).status_code == 200

    arguments = ["authorization", "--url", server.url, "--client-id", client_id]
    arguments += ["--port", str(port), "--resource", server.mcp_url]
    ended = run(arguments, tmp_path, f"{server.url}/authorize?", decide)
    assert ended.exit_status == 0
    # The runner itself forgives what it warns of and what it skipped.
    assert not ended.find("FAILURE", "SKIPPED", "WARNING")
    assert {"authorization-server-metadata", "authorization-code-grant"} <= {
        check.id for check in ended.find("SUCCESS")
    }
