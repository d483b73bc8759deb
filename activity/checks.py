"""Deployment checks of the log (``manage.py check --deploy --database default``)."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

# What the role that serves may do with the log or one of its partitions beyond reading and adding.
EXCESS = """
SELECT count(*) FROM pg_class log
WHERE (log.oid = 'activity_event'::regclass OR log.oid IN
       (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'activity_event'::regclass))
  AND (has_table_privilege(log.oid, 'UPDATE') OR has_table_privilege(log.oid, 'DELETE')
       OR has_table_privilege(log.oid, 'TRUNCATE') OR has_table_privilege(log.oid, 'TRIGGER'))
"""
# tgenabled: 'O' fires as usual, 'A' always.
GUARDS = """
SELECT count(DISTINCT tgname) FROM pg_trigger
WHERE tgrelid = 'activity_event'::regclass AND tgenabled IN ('O', 'A')
  AND tgname IN ('activity_event_append_only', 'activity_event_no_truncate')
"""


@register(Tags.database, deploy=True)
def check_log(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The role that serves may only read the log and add to it, and the triggers stand."""
    problems: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT to_regclass('activity_event') IS NOT NULL")
            if not cursor.fetchone()[0]:
                continue
            cursor.execute(EXCESS)
            if cursor.fetchone()[0]:
                problems.append(
                    Error(
                        "The database role may change the activity log.",
                        hint="Serve as a role that does not own the tables (docs/operate.md).",
                        id="activity.E001",
                    )
                )
            cursor.execute(GUARDS)
            if cursor.fetchone()[0] != 2:
                problems.append(
                    Error(
                        "The triggers that keep the activity log append-only are missing or off.",
                        hint="Find out who removed them; the migration activity.0001 makes them.",
                        id="activity.E002",
                    )
                )
    return problems
