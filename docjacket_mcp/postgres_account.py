"""The account that PostgreSQL runs under when root starts it, and its way to the files.

PostgreSQL refuses to run as root. Root therefore hands its process a system account that owns
nothing else. Where a directory on the way is closed (``/root`` usually is), the process gets the
directory's group, and only if that isn't enough the group gets the right to pass through; nobody
else gains anything.
"""

import os
import pwd
import stat
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ACCOUNT_NAME = "docjacket-db"


@dataclass(frozen=True, slots=True)
class PostgresAccount:
    """User, group and further groups of the server's processes."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def with_way_to(self, paths: Iterable[Path], say: Callable[[str], None]) -> "PostgresAccount":
        """The account with the groups it needs to reach the paths, each directory passable."""
        groups: set[int] = set()
        for directory in sorted({parent for path in paths for parent in path.parents}):
            found = directory.stat()
            if found.st_mode & stat.S_IXOTH and found.st_mode & stat.S_IXGRP:
                continue
            if not found.st_mode & stat.S_IXGRP:
                directory.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXGRP)
                say(f"Let PostgreSQL's account pass through {directory} (chmod g+x).")
            groups.add(found.st_gid)
        return replace(self, groups=tuple(sorted(groups)))

    def process_options(self) -> dict[str, Any]:
        """Arguments for ``subprocess``: exactly these groups, none of root's."""
        return {"user": self.uid, "group": self.gid, "extra_groups": list(self.groups)}


def find_postgres_account(data: Path) -> PostgresAccount | None:
    """None for an ordinary user, who runs PostgreSQL himself; for root, never root."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        # Made by an earlier run, perhaps an ordinary user's: its files stay his.
        found = data.stat()
        return PostgresAccount(found.st_uid, found.st_gid)
    entry = find_system_account()
    return PostgresAccount(entry.pw_uid, entry.pw_gid)


def find_system_account() -> pwd.struct_passwd:
    """The dedicated account, created once; ``nobody`` where accounts can't be created."""
    try:
        return pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    try:
        subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", ACCOUNT_NAME],
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(ACCOUNT_NAME)
    except (OSError, subprocess.CalledProcessError, KeyError):
        return pwd.getpwnam("nobody")
