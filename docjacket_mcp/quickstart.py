"""``make run``: from nothing to a served MCP URL, ``python -m docjacket_mcp.quickstart``.

In order: claim the data, take the port, make the secrets, start PostgreSQL, migrate and load the
demo data, serve with gunicorn, and say where everything is once it answers. It isn't a management
command because Django's settings need the secrets and the database address that are made here;
everything below gets them through the environment.
"""

import contextlib
import http.client
import os
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import IO
from urllib.parse import urlsplit

from docjacket_mcp.embedded_postgres import EmbeddedPostgres
from docjacket_mcp.guardian import Guardian
from docjacket_mcp.postgres_installation import APP_ROLE, OWNER_ROLE, EmbeddedPostgresError
from docjacket_mcp.quickstart_banner import build_banner
from docjacket_mcp.quickstart_secrets import ensure_secrets
from docjacket_mcp.supervisor import StepFailedError, StopRequestedError, Supervisor

BASE_DIR = Path(__file__).resolve().parent.parent
ADDRESS = "127.0.0.1"
ANSWER_SECONDS = 60
# A run that was killed a moment ago may still be stopping.
PREDECESSOR_SECONDS = 3
# A little longer than gunicorn's graceful_timeout.
GUNICORN_STOP = ((SIGTERM, 33.0), (SIGKILL, 5.0))


class QuickStartError(Exception):
    """The quick start can't go on; the text is one sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the environment asks for."""

    port: int
    public_url: str
    var_dir: Path
    database_url: str
    database_owner_url: str

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> "Options":
        """Read PORT, PUBLIC_URL, VAR_DIR, DATABASE_URL and DATABASE_OWNER_URL."""
        try:
            port = int(environment.get("PORT") or 8000)
        except ValueError:
            port = 0
        if not 1 <= port <= 65535:
            raise QuickStartError("PORT must be a number from 1 to 65535.")
        database_url = environment.get("DATABASE_URL", "")
        return cls(
            port=port,
            public_url=environment.get("PUBLIC_URL") or f"http://{ADDRESS}:{port}",
            var_dir=Path(environment.get("VAR_DIR") or BASE_DIR / "var").resolve(),
            database_url=database_url,
            database_owner_url=environment.get("DATABASE_OWNER_URL") or database_url,
        )


def main() -> int:
    """Run until stopped; 0 after a wanted end, 1 after a failure with its reason on stderr."""
    guardian = Guardian()
    supervisor = Supervisor(guardian)
    failure = ""
    try:
        serve(Options.parse(os.environ), supervisor, guardian)
    except StopRequestedError:
        say("\nStopping… (Ctrl-C again: at once)")
    except (QuickStartError, EmbeddedPostgresError, StepFailedError) as error:
        failure = str(error)
    except PermissionError as error:
        failure = explain_permission(error)
    finally:
        supervisor.stop_all()
    if failure:
        sys.stderr.write(f"\n{failure}\n")
        return 1
    say("Stopped. Your data is kept; make run continues with it.")
    return 0


def serve(options: Options, supervisor: Supervisor, guardian: Guardian) -> None:
    """Bring everything up and stay until the end is asked for."""
    started_at = time.monotonic()
    options.var_dir.mkdir(parents=True, exist_ok=True)
    # Before the port: to a second run beside the first, another port would be no help.
    database = None if options.database_url else claim_database(options, supervisor, guardian)
    listener = open_listener(options.port, supervisor)
    environment = build_environment(options)
    if environment.get("HOST_APPS"):
        load_applications(supervisor, environment)
    owner_url, app_url = options.database_owner_url, options.database_url
    if database:
        owner_url, app_url = start_database(database)

    say("Bringing the database up to date and starting the server…")
    with start_gunicorn(listener, guardian, {**environment, "DATABASE_URL": app_url}):
        supervisor.run_step(
            "Preparing the database",
            [sys.executable, str(BASE_DIR / "manage.py"), "prepare_quickstart"],
            {**environment, "DATABASE_URL": owner_url},
        )
    host = urlsplit(options.public_url).netloc
    if not supervisor.wait_until(lambda: is_alive(options.port, host), seconds=ANSWER_SECONDS):
        raise QuickStartError(f"The server didn't answer within {ANSWER_SECONDS} seconds.")
    say(build_banner(options.public_url, time.monotonic() - started_at))
    supervisor.wait_until(lambda: False)


def load_applications(supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    """Load the host product's applications alone: what is wrong with them is said once, first."""
    said = supervisor.run_step(
        "Loading HOST_APPS",
        [sys.executable, str(BASE_DIR / "manage.py"), "check", "--tag", "mcp"],
        {**environment, "DATABASE_URL": "postgres:///"},
    )
    if "WARNINGS:" in said:
        say(said)


def build_environment(options: Options) -> dict[str, str]:
    """What the settings read, but for the database."""
    return {
        **os.environ,
        **ensure_secrets(options.var_dir, os.environ),
        "QUICK_START": "1",
        "PORT": str(options.port),
        "PUBLIC_URL": options.public_url,
        "VAR_DIR": str(options.var_dir),
        "DJANGO_SETTINGS_MODULE": "docjacket_mcp.settings",
    }


def open_listener(port: int, supervisor: Supervisor) -> socket.socket:
    """Take the port: nothing is started when another program has it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if not supervisor.wait_until(lambda: bind(listener, port), seconds=PREDECESSOR_SECONDS):
        raise QuickStartError(
            f"Port {port} is already in use. Choose another one:"
            f" make run PORT={port + 1 if port < 65535 else 8000}"
        )
    return listener


def bind(listener: socket.socket, port: int) -> bool:
    """False while another program has the port."""
    try:
        listener.bind((ADDRESS, port))
        listener.listen(1024)
    except PermissionError as error:
        raise QuickStartError(f"Port {port} needs privileges. Try make run PORT=8000") from error
    except OSError:
        return False
    return True


def claim_database(
    options: Options, supervisor: Supervisor, guardian: Guardian
) -> EmbeddedPostgres:
    """The embedded PostgreSQL, which no other run has."""
    database = EmbeddedPostgres(options.var_dir / "postgres", guardian)
    if not supervisor.wait_until(database.claim, seconds=PREDECESSOR_SECONDS):
        raise QuickStartError(
            f"Another make run already uses {options.var_dir}. Stop it first; to run two side by"
            " side, use a second checkout or set VAR_DIR."
        )
    return database


def start_database(database: EmbeddedPostgres) -> tuple[str, str]:
    """Start the embedded PostgreSQL; the addresses of its owner and of the application."""
    say("Creating the database…" if database.is_new else "Starting PostgreSQL…")
    database.start(say)
    return database.url(OWNER_ROLE), database.url(APP_ROLE)


def start_gunicorn(
    listener: socket.socket, guardian: Guardian, environment: Mapping[str, str]
) -> IO[bytes]:
    """Start gunicorn on the listening socket; it serves when the returned gate is closed.

    It loads the application meanwhile, which takes as long as preparing the database does.
    """
    waiting_end, gate = os.pipe()
    guardian.start(
        "The server",
        [
            *(sys.executable, "-m", "gunicorn"),
            *("--config", "python:docjacket_mcp.gunicorn_conf"),
            *("--bind", f"fd://{listener.fileno()}"),
            "docjacket_mcp.wsgi:application",
        ],
        GUNICORN_STOP,
        env={**environment, "SERVE_AFTER_FD": str(waiting_end)},
        cwd=BASE_DIR,
        pass_fds=[listener.fileno(), waiting_end],
    )
    listener.close()
    os.close(waiting_end)
    return open(gate, "wb")


def is_alive(port: int, host: str) -> bool:
    """Whether the server itself answers; it knows itself only by its public host."""
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=5)
    try:
        connection.request("GET", "/livez", headers={"Host": host, "Connection": "close"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def explain_permission(error: PermissionError) -> str:
    """What to do when a file is somebody else's."""
    return f"{error.filename} belongs to another user; run as that user, or set VAR_DIR."


def say(text: str) -> None:
    """One line of progress; flushed, because make's output is often a pipe."""
    # The terminal or the pipe may be gone; what stops us then is on its way already.
    with contextlib.suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
