"""The real server for tests: gunicorn with the project's own configuration, on loopback only.

Two workers of eight threads, whatever the machine. It is started and stopped as ``make run``
does it, so it goes away even when pytest is killed. With a certificate it is the server of
production: https, without what the quick start relaxes.
"""

import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from urllib.parse import urlsplit

from docjacket_mcp.guardian import GuardedProcess, Guardian, StopSteps
from tests.live.certificate import HOST, Certificate

BASE_DIR = Path(__file__).resolve().parent.parent.parent
ADDRESS = "127.0.0.1"
READY_SECONDS = 60
STOP: StopSteps = ((SIGTERM, 10.0), (SIGKILL, 5.0))
LOG_TAIL = 4000


@dataclass(frozen=True, slots=True)
class LiveServer:
    """A running server; ``url`` is its PUBLIC_URL, which several nodes may share."""

    url: str
    address: tuple[str, int]
    process: GuardedProcess
    log: Path
    certificate: Certificate | None = None

    @property
    def mcp_url(self) -> str:
        """What a person pastes into a client."""
        return f"{self.url}/mcp"

    def read_log(self) -> str:
        """Everything that the server has written so far."""
        return self.log.read_text(errors="replace")


@contextmanager
def serve(
    database_name: str, log: Path, certificate: Certificate | None = None, **environment: str
) -> Iterator[LiveServer]:
    """Serve the tests' database until the block ends; ``environment`` overrides settings."""
    guardian = Guardian()
    try:
        with socket.create_server((ADDRESS, 0), backlog=1024) as listener:
            address = (HOST if certificate else ADDRESS, listener.getsockname()[1])
            environment = build_environment(address, database_name, certificate) | environment
            process = start_gunicorn(guardian, listener, log, environment)
        server = LiveServer(environment["PUBLIC_URL"], address, process, log, certificate)
        wait_until_ready(server)
        yield server
    finally:
        guardian.stop_all()


def build_environment(
    address: tuple[str, int], database_name: str, certificate: Certificate | None
) -> dict[str, str]:
    """The environment of the tests, with the test database and the server's own address."""
    host, port = address
    scheme = "https" if certificate else "http"
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database_name}")
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "docjacket_mcp.settings",
        "DATABASE_URL": database.geturl(),
        "PUBLIC_URL": f"{scheme}://{host}:{port}",
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "WEB_THREADS": "8",
        **(build_production(certificate) if certificate else {}),
    }


def build_production(certificate: Certificate) -> dict[str, str]:
    """What makes it the server of production, but for the proxy: gunicorn itself speaks TLS."""
    return {
        "QUICK_START": "",
        "EMAIL_URL": "memorymail://",
        "GUNICORN_CMD_ARGS": f"--certfile={certificate.certificate} --keyfile={certificate.key}",
    }


def start_gunicorn(
    guardian: Guardian, listener: socket.socket, log: Path, environment: dict[str, str]
) -> GuardedProcess:
    """Hand the listening socket to gunicorn, so that no other program can take its port."""
    with log.open("wb") as output:
        return guardian.start(
            "The live server",
            [
                *(sys.executable, "-m", "gunicorn"),
                *("--config", "python:docjacket_mcp.gunicorn_conf"),
                *("--bind", f"fd://{listener.fileno()}"),
                "docjacket_mcp.wsgi:application",
            ],
            STOP,
            env=environment,
            cwd=BASE_DIR,
            pass_fds=[listener.fileno()],
            stdout=output,
            stderr=output,
        )


def wait_until_ready(server: LiveServer) -> None:
    """Return once the server answers and reaches the database."""
    deadline = time.monotonic() + READY_SECONDS
    while server.process.is_running() and time.monotonic() < deadline:
        if is_ready(server):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server did not come up. It said:\n{server.read_log()[-LOG_TAIL:]}")


def is_ready(server: LiveServer) -> bool:
    """Whether /readyz answers 200."""
    if server.certificate:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            *server.address, timeout=5, context=server.certificate.trust()
        )
    else:
        connection = http.client.HTTPConnection(*server.address, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
