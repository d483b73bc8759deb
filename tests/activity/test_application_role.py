"""The role that a deployment runs as: it reads the log and appends to it, and no more.

The embedded cluster has such a role, with the default privileges that a deployment gives it; the
migration takes from it what the log must not allow. A database that was brought along by
``DATABASE_URL`` may know no such role: then there is nothing to test.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from activity.recorder import COLUMNS, INSERT
from activity.references import new_reference
from docjacket_mcp.postgres_installation import APP_ROLE

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
VALUES = [new_reference(), "x", "x", "", None, None, "", None, "", "", None, None, None, "", "{}"]


@pytest.fixture
def application(db: None) -> Iterator[psycopg.Connection]:
    """A connection of the application's role; nothing that it does is kept."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE])
        if cursor.fetchone() is None:
            pytest.skip(f"this database has no role {APP_ROLE}")
    parameters = connection.get_connection_params()
    place = {name: parameters[name] for name in ("host", "port", "dbname") if name in parameters}
    with psycopg.connect(**place, user=APP_ROLE) as opened:
        yield opened
        opened.rollback()


def privileges_on(table: str) -> set[str]:
    """What the application's role may do with a table as a whole."""
    kinds = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind FROM unnest(%s::text[]) kind WHERE has_table_privilege(%s, %s, kind)",
            [list(kinds), APP_ROLE, table],
        )
        return {row[0] for row in cursor.fetchall()}


def test_it_reads_the_log_and_appends_what_is_its_to_say(application: psycopg.Connection) -> None:
    assert privileges_on("activity_event") == {"SELECT"}
    assert application.execute(INSERT, VALUES).rowcount == 1
    with connection.cursor() as cursor:
        for name in (*COLUMNS, "id", "at"):
            cursor.execute(
                "SELECT has_column_privilege(%s, 'activity_event', %s, 'INSERT'),"
                " has_column_privilege(%s, 'activity_event', %s, 'UPDATE')",
                [APP_ROLE, name, APP_ROLE, name],
            )
            # Numbers and times are the database's to give.
            assert cursor.fetchone() == (name in COLUMNS, False), name


def test_no_partition_can_be_touched_without_the_parent(application: psycopg.Connection) -> None:
    future = (NOW + timedelta(days=430)).date()
    with connection.cursor() as cursor:
        # Default privileges would hand it every new table.
        cursor.execute("SELECT activity_ensure_partition(%s)", [future])
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'activity_event'::regclass"
        )
        partitions = [row[0] for row in cursor.fetchall()]
    assert f"activity_event_{future:%Y_%m}" in partitions
    assert {name: privileges_on(name) for name in partitions} == {n: set() for n in partitions}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE activity_event SET reason = 'x'",
        "DELETE FROM activity_event",
        "TRUNCATE activity_event",
        "DROP TABLE activity_event",
        "DROP TABLE activity_event_default",
        "ALTER TABLE activity_event DISABLE TRIGGER ALL",
        "ALTER TABLE activity_event ADD COLUMN x int",
        "DROP TRIGGER activity_event_append_only ON activity_event",
        "DROP FUNCTION activity_refuse_change() CASCADE",
        "CREATE OR REPLACE FUNCTION activity_refuse_change() RETURNS trigger LANGUAGE plpgsql"
        " AS $$BEGIN RETURN NEW; END$$",
        "SET session_replication_role = replica",
        "SELECT setval('activity_event_id_seq', 1)",
        f"DELETE FROM activity_event_{NOW:%Y_%m}",
        f"SELECT * FROM activity_event_{NOW:%Y_%m}",
        f"ALTER TABLE activity_event DETACH PARTITION activity_event_{NOW:%Y_%m}",
        "CREATE TABLE mine PARTITION OF activity_event FOR VALUES FROM ('1980-01-01')"
        " TO ('1980-02-01')",
        "INSERT INTO activity_event (at, reference, event, outcome, reason, client_id, tool,"
        " protocol_version, user_agent, details)"
        " VALUES ('2020-01-01', '0000000000000', 'x', 'x', '', '', '', '', '', '{}')",
    ],
)
def test_everything_else_is_refused(application: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(statement)


def test_it_can_have_the_next_month_made(application: psycopg.Connection) -> None:
    row = application.execute("SELECT activity_ensure_partition(now()::date)").fetchone()
    assert row == (f"activity_event_{NOW:%Y_%m}",)
