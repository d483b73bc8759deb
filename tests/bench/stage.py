"""The database, the servers and what they cost: everything that runs while calls are measured."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil

from docjacket_mcp.embedded_postgres import EmbeddedPostgres
from docjacket_mcp.guardian import GuardedProcess, Guardian, StopSteps
from docjacket_mcp.postgres_installation import APP_ROLE, DATABASE, OWNER_ROLE
from docjacket_mcp.quickstart_secrets import ensure_secrets

BASE_DIR = Path(__file__).resolve().parents[2]
DIRECTORY = BASE_DIR / "var" / "bench"
PEER_PYTHON = BASE_DIR / ".venv-bench" / "bin" / "python"
HOST = "mcp.example.com"
STOP: StopSteps = ((SIGTERM, 10.0), (SIGKILL, 5.0))
WORKERS, THREADS = 2, 8
READY_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Server:
    """One server and where it listens."""

    name: str
    port: int
    process: GuardedProcess

    def measure_cpu(self) -> float:
        """Seconds of processor that its processes have used since they began."""
        return measure_tree(self.process.process.pid)


class Stage:
    """A durable PostgreSQL of its own, below ``var/bench``, and servers on it."""

    def __init__(self, guardian: Guardian) -> None:
        self._guardian = guardian
        self._database = EmbeddedPostgres(DIRECTORY / "postgres", guardian, durable=True)
        if not self._database.claim():
            raise SystemExit(f"Another run uses {DIRECTORY}.")
        shutil.rmtree(DIRECTORY / "postgres" / "data", ignore_errors=True)
        self._postgres = self._database.start(say)
        self.url = self._database.url(OWNER_ROLE)
        self.environment = self._build_environment(APP_ROLE)

    def _build_environment(self, role: str) -> dict[str, str]:
        """The settings of production behind a proxy; the caller's environment adds to them."""
        return {
            # Nobody calls as often as the generator; a rate in the caller's environment counts.
            "MCP_CONNECTION_RATE": "0",
            **{name: value for name, value in os.environ.items() if name != "QUICK_START"},
            **ensure_secrets(DIRECTORY, {}),
            "DJANGO_SETTINGS_MODULE": "docjacket_mcp.settings",
            "DATABASE_URL": self._database.url(role),
            "PUBLIC_URL": f"https://{HOST}",
            "EMAIL_URL": "memorymail://",
            "TRUSTED_PROXY_HOPS": "1",
            "VAR_DIR": str(DIRECTORY),
            "WEB_CONCURRENCY": str(WORKERS),
            "WEB_THREADS": str(THREADS),
        }

    def measure_cpu(self) -> float:
        """Seconds of processor that PostgreSQL's processes have used."""
        return measure_tree(self._postgres.process.pid)

    def prepare(self, connections: int) -> dict[str, Any]:
        """Tables, people, connections and tokens; what ``scene.py`` tells of them."""
        owner = self._build_environment(OWNER_ROLE)
        run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], owner)
        # As the owner, who may ANALYZE.
        told = run([sys.executable, "-m", "tests.bench.scene", str(connections)], owner)
        scene: dict[str, Any] = json.loads(told)
        return scene

    def order_peers(self, scene: Mapping[str, Any], *, memoize: bool) -> None:
        """Write down what peers need to do the same work."""
        order = {name: scene[name] for name in ("jwk", "issuer", "audience", "verify", "record")}
        database = {
            "host": parse_qs(urlsplit(self.url).query)["host"][0],
            "port": 5432,
            "user": APP_ROLE,
            "database": DATABASE,
        }
        order |= {"database": database, "connections": THREADS, "memoize": memoize}
        (DIRECTORY / "work.json").write_text(json.dumps(order))

    def time_steps(self, requests: list[str]) -> str:
        """The table of ``steps.py``."""
        command = [sys.executable, "-W", "ignore", "-m", "tests.bench.steps"]
        return run(command, self.environment, told=json.dumps(requests))

    def start_ours(self) -> Server:
        """Our server as docs/operate.md runs it."""
        port = find_port()
        command = [
            *(sys.executable, "-m", "gunicorn", "--config", "python:docjacket_mcp.gunicorn_conf"),
            *("--bind", f"127.0.0.1:{port}", "docjacket_mcp.wsgi:application"),
        ]
        return self._start("ours", port, command, self.environment)

    def start_peer(self, name: str) -> Server:
        """A peer under uvicorn with uvloop and httptools, its fastest parts."""
        port = find_port()
        command = [
            *(str(PEER_PYTHON), "-m", "uvicorn", f"tests.bench.peers.{name}:app"),
            *("--port", str(port), "--workers", str(WORKERS), "--no-access-log"),
            *("--log-level", "error", "--loop", "uvloop", "--http", "httptools"),
        ]
        environment = {**os.environ, "BENCH_WORK": str(DIRECTORY / "work.json")}
        return self._start(name, port, command, environment)

    def _start(
        self, name: str, port: int, command: list[str], environment: Mapping[str, str]
    ) -> Server:
        with (DIRECTORY / f"{name}.log").open("wb") as log:
            process = self._guardian.start(
                name, command, STOP, env=environment, cwd=BASE_DIR, stdout=log, stderr=log
            )
        server = Server(name, port, process)
        deadline = time.monotonic() + READY_SECONDS
        while process.is_running() and time.monotonic() < deadline:
            if is_listening(port) and is_idle(process.process.pid):
                return server
            time.sleep(0.1)
        raise SystemExit(f"{name} did not start; see {DIRECTORY / name}.log")


def find_port() -> int:
    """A port that is free at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def is_idle(pid: int) -> bool:
    """Whether all of its processes are loaded: uvicorn listens long before they are."""
    before = measure_tree(pid)
    time.sleep(0.5)
    return measure_tree(pid) - before < 0.03


def measure_tree(pid: int) -> float:
    """Seconds of processor used by a process and all that it started."""
    used = 0.0
    for process in (parent := psutil.Process(pid), *parent.children(recursive=True)):
        # PostgreSQL's helpers come and go.
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


def run(command: list[str], environment: Mapping[str, str], told: str = "") -> str:
    """What a program of ours printed."""
    done = subprocess.run(
        command,
        env=environment,
        cwd=BASE_DIR,
        input=told,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout


def say(text: str) -> None:
    """One line of progress."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
