"""docs/add-a-tool.md, done by the letter: its commands run, its files are written, in a copy."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from mcp_endpoint.content import Image, Text
from mcp_endpoint.registry import registry
from mcp_endpoint.testing import ToolRefused, call_as
from tests.conftest import World

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/add-a-tool.md"
BLOCK = re.compile(r"(?P<before>[^\n]*)\n\n```(?P<language>\w*)\n(?P<text>.*?)\n```", re.S)
PATH = re.compile(r"`([\w/]+\.py)`")
DATABASE = "add_a_tool"
READY_SECONDS = 120
MANAGE = ".venv/bin/python -m docjacket_mcp.quickstart_manage"
MINT = (
    "from accounts.models import Membership as M; "
    "from oauth_ext.personal_tokens import create_personal_token as create; "
    'm = M.objects.get(user__email="alice@acme.example", organization__slug="acme"); '
    'print(create(m, label="ask", scope="read", tools=None, days=1, nonce="ask")[0])'
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what it is, the line above it, and what is in it."""

    language: str
    before: str
    text: str


def read_blocks() -> list[Block]:
    found = BLOCK.finditer(DOCUMENT.read_text())
    return [Block(each["language"], each["before"], each["text"]) for each in found]


def read_source(path: str) -> str:
    """What the document puts into a file, and then adds to it."""
    written, added = (
        [each.text for each in read_blocks() if each.before.startswith(f"{verb} `{path}`")]
        for verb in ("Put this into", "Add this to")
    )
    return "\n\n\n".join(written + added)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of the project whose environment is the one that runs these tests."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: str) -> str:
        """What the command says; it must succeed."""
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serve(self, command: str) -> Iterator[None]:
        """``make run``, from the moment it is ready to the end of the block."""
        log = self.folder / "run.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + READY_SECONDS
            while "DocJacket MCP is ready" not in log.read_text():
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


@pytest.fixture
def database_url() -> Iterator[str]:
    """A database of its own in the tests' cluster, for ``make run``; pytest makes another."""
    server = os.environ["DATABASE_URL"]
    names = (DATABASE, f"test_{DATABASE}")
    with psycopg.connect(server, autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
        yield urlsplit(server)._replace(path=f"/{DATABASE}").geturl()
        for name in names:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def checkout(tmp_path: Path, database_url: str) -> Checkout:
    """What a newcomer has after ``git clone`` and the first ``make``."""
    folder = tmp_path / "checkout"
    left_out = shutil.ignore_patterns(".venv", "var", ".git", "node_modules", ".*_cache")
    shutil.copytree(ROOT, folder, ignore=left_out)
    environment = folder / ".venv"
    environment.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name not in (".created", ".requirements", ".requirements-dev"):
            (environment / entry.name).symlink_to(entry)
    for name in (".created", ".requirements", ".requirements-dev"):
        # Newer than what they are made from, so that nothing is installed.
        (environment / name).touch()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # The second make test need not make its tables again.
    own = {"PORT": str(port), "DATABASE_URL": database_url, "PYTEST_ADDOPTS": "--reuse-db"}
    return Checkout(folder, kept | own)


def test_the_way_from_nothing_to_an_answered_call(checkout: Checkout) -> None:
    said = compared = ""
    with ExitStack() as stack:
        for block in read_blocks():
            path = PATH.search(block.before)
            if block.before.startswith("Add this to"):
                continue  # the other test does
            if block.language == "python" and path:
                source = block.text.replace(":8000", f":{checkout.environment['PORT']}")
                (checkout.folder / path[1]).write_text(f"{source}\n")
            elif block.language == "text":
                assert said == f"{block.text}\n"
                compared += said
            elif block.text.startswith("make run"):
                stack.enter_context(checkout.serve(block.text))
                token = checkout.run(f"{MANAGE} shell --no-imports -c '{MINT}'")
                checkout.environment["TOKEN"] = token.strip()
            elif block.language == "sh":
                said = checkout.run(block.text)
    assert "Wrote reports/mcp_tools.py" in compared and "{'people': 1}" in compared
    for arguments in ("check reports", "format --check reports"):
        checkout.run(f".venv/bin/python -m ruff {arguments}")


@pytest.mark.django_db
def test_everything_else_it_shows_works(world: World) -> None:
    source = read_source("reports/mcp_tools.py")
    exec(compile(source, str(DOCUMENT), "exec"), {"__name__": "all_tools"})  # noqa: S102
    try:
        caller = call_as(world.alice, world.acme)
        greeted = caller.call("greet_everybody", words="Hello", region="us", pin="canary")
        assert greeted.content == [Text("Hello, 2 people!")]
        assert greeted.structured.greeted == 2
        assert [step.progress for step in caller.progress] == [1, 2]
        arguments = {"words": "Hello", "region": "us", "pin": "[redacted]"}
        assert [row.details["arguments"] for row in caller.rows] == [arguments] * 2
        with pytest.raises(ToolRefused, match="There is nothing to say"):
            caller.call("greet_everybody", words=" ")
        assert isinstance(caller.call("draw_dot"), Image)
        assert caller.call("count_people", role="owner").people == 1
        told = caller.call("list_tools_for_me")
        hints = {each.name: each.use_when for each in told.tools}
        assert hints["greet_everybody"].startswith("Call count_people first")
    finally:
        registry.remove("count_people")
        registry.remove("greet_everybody")
        registry.remove("draw_dot")
