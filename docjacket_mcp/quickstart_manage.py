"""``make manage ARGS="prune_oauth"``: manage.py on what ``make run`` serves.

It has the same secrets, keys and database. The embedded database is used where ``make run`` has
it, or started for as long as the command takes; no second server is.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

from docjacket_mcp.embedded_postgres import EmbeddedPostgres
from docjacket_mcp.guardian import Guardian
from docjacket_mcp.postgres_installation import APP_ROLE, OWNER_ROLE, EmbeddedPostgresError
from docjacket_mcp.quickstart import (
    BASE_DIR,
    Options,
    QuickStartError,
    build_environment,
    explain_permission,
)

# What changes tables is done as their owner, everything else as the role that serves.
FOR_THE_OWNER = frozenset({"ensure_partitions", "migrate", "prepare_quickstart"})
# What asks no database, so that it works before there is one.
WITHOUT_DATABASE = frozenset({"startmcptool"})
INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run one command; its own exit code, or 1 with a sentence if there is nothing to run it on."""
    guardian = Guardian()
    try:
        options = Options.parse(os.environ)
        if WITHOUT_DATABASE & set(arguments[:1]):
            database_url = "postgres:///"
        else:
            as_owner = bool(FOR_THE_OWNER & set(arguments[:1]))
            database_url = find_database(options, guardian, as_owner=as_owner)
        done = subprocess.run(
            [sys.executable, str(BASE_DIR / "manage.py"), *arguments],
            env={**build_environment(options), "DATABASE_URL": database_url},
            check=False,
        )
    except KeyboardInterrupt:
        return INTERRUPTED
    except (QuickStartError, EmbeddedPostgresError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except PermissionError as error:
        sys.stderr.write(f"{explain_permission(error)}\n")
        return 1
    finally:
        guardian.stop_all()
    return done.returncode


def find_database(options: Options, guardian: Guardian, *, as_owner: bool) -> str:
    """The address of the database, which runs when this returns."""
    if options.database_url:
        return options.database_owner_url if as_owner else options.database_url
    database = EmbeddedPostgres(options.var_dir / "postgres", guardian)
    if database.is_new:
        raise QuickStartError(f"There is no database below {options.var_dir} yet: make run first.")
    # Claimed by somebody else: make run serves from it.
    if database.claim():
        database.start(lambda text: None)
    return database.url(OWNER_ROLE if as_owner else APP_ROLE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
