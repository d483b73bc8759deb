"""The log only grows: not through the ORM, not by SQL, not for its owner, in no partition."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import Error, connection, transaction

from activity.events import Event
from activity.models import ActivityEvent, AppendOnlyError
from activity.origin import Origin
from activity.recorder import record_event
from activity.references import new_reference

pytestmark = pytest.mark.django_db

THIS_MONTH = f"activity_event_{datetime.now(UTC):%Y_%m}"


@pytest.fixture
def reference() -> str:
    """The reference of a row of this month."""
    reference = new_reference()
    record_event(Event.SIGNED_IN, origin=Origin(reference, "192.0.2.1", "tests"))
    return reference


@pytest.fixture
def old_row(reference: str) -> None:
    """A row that belongs to no month's partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO activity_event (at, reference, event, outcome, reason, client_id, tool,"
            " protocol_version, user_agent, details) VALUES ('1999-01-01', %s, 'x', 'succeeded',"
            " '', '', '', '', '', '{}')",
            [reference],
        )


def refused(sql: str) -> None:
    """The statement is refused with the trigger's own words."""
    with pytest.raises(Error) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert "append-only" in str(error.value), error.value


def test_the_orm_neither_changes_nor_deletes_nor_writes(reference: str) -> None:
    row = ActivityEvent.objects.with_reference(reference).get()
    row.reason = "changed"
    attempts = [
        row.save,
        row.delete,
        ActivityEvent.objects.all().delete,
        lambda: ActivityEvent.objects.update(reason="changed"),
        lambda: ActivityEvent.objects.create(event="x"),
        lambda: ActivityEvent.objects.bulk_update([row], ["reason"]),
        lambda: ActivityEvent.objects.update_or_create({"reason": "changed"}, id=row.id),
    ]
    for attempt in attempts:
        with pytest.raises(AppendOnlyError), transaction.atomic():
            attempt()
    assert ActivityEvent.objects.with_reference(reference).get().reason == ""


def test_ways_around_the_orms_own_refusal_meet_the_triggers(reference: str) -> None:
    rows = ActivityEvent.objects.with_reference(reference)
    with pytest.raises(Error), transaction.atomic():
        rows._raw_delete(using="default")
    assert rows.get().reason == ""


@pytest.mark.parametrize("table", ["activity_event", THIS_MONTH])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET reason = 'changed'",
        "UPDATE {} SET reason = reason",
        "UPDATE {} SET at = at - interval '10 years'",
        "DELETE FROM {}",
        "DELETE FROM {} WHERE id > 0",
        "TRUNCATE {}",
        "TRUNCATE {} CASCADE",
    ],
)
def test_sql_is_refused_even_to_the_owner(reference: str, table: str, statement: str) -> None:
    refused(statement.format(table))
    assert ActivityEvent.objects.with_reference(reference).count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE activity_event_default SET reason = 'changed'",
        "DELETE FROM activity_event_default",
        "TRUNCATE activity_event_default",
        "DELETE FROM activity_event WHERE at < '2000-01-01'",
    ],
)
def test_sql_is_refused_where_no_month_fits(old_row: None, reference: str, statement: str) -> None:
    assert ActivityEvent.objects.with_reference(reference).count() == 2
    refused(statement)
    assert ActivityEvent.objects.with_reference(reference).count() == 2


def test_an_upsert_cannot_change_a_row(reference: str) -> None:
    row = ActivityEvent.objects.with_reference(reference).get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT at::text FROM activity_event WHERE id = %s", [row.id])
        (at,) = cursor.fetchone()
    refused(
        "INSERT INTO activity_event (id, at, reference, event, outcome, reason, client_id, tool,"
        " protocol_version, user_agent, details) OVERRIDING SYSTEM VALUE"
        f" VALUES ({row.id}, '{at}', '{'0' * 13}', 'x', 'x', '', '', '', '', '', '{{}}')"
        " ON CONFLICT (id, at) DO UPDATE SET reason = 'changed'"
    )


def test_numbers_are_the_databases_to_give(reference: str) -> None:
    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO activity_event (id, reference, event, outcome, reason, client_id, tool,"
            " protocol_version, user_agent, details)"
            f" VALUES (1, '{'0' * 13}', 'x', 'x', '', '', '', '', '', '{{}}')"
        )


def list_partitions() -> set[str]:
    """The partitions of the log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'activity_event'::regclass"
        )
        return {row[0] for row in cursor.fetchall()}


def ensure(month: date) -> str:
    """Make the partition of a month."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT activity_ensure_partition(%s)", [month])
        return str(cursor.fetchone()[0])


def months_ahead(count: int) -> date:
    """A day in the month that begins so many months from now."""
    today = datetime.now(UTC).date()
    year, month = divmod(today.year * 12 + today.month - 1 + count, 12)
    return date(year, month + 1, 15)


def test_a_year_of_months_is_there_from_the_start() -> None:
    wanted = {f"activity_event_{months_ahead(n):%Y_%m}" for n in range(13)}
    assert wanted | {"activity_event_default"} <= list_partitions()


@pytest.mark.parametrize("ahead", [0, 14, -3])
def test_a_month_can_be_made_again_and_is_guarded_each_time(ahead: int) -> None:
    month = months_ahead(ahead)
    name = f"activity_event_{month:%Y_%m}"
    for _ in range(2):
        assert ensure(month) == name
    assert name in list_partitions()
    reference = new_reference()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO activity_event (at, reference, event, outcome, reason, client_id, tool,"
            " protocol_version, user_agent, details) VALUES (%s, %s, 'x', 'succeeded', '', '', '',"
            " '', '', '{}')",
            [month, reference],
        )
        cursor.execute(f"SELECT count(*) FROM {name} WHERE reference = %s", [reference])
        assert cursor.fetchone()[0] == 1
    for statement in ("UPDATE {} SET reason = 'x'", "DELETE FROM {}", "TRUNCATE {}"):
        refused(statement.format(name))


def test_months_meet_without_a_gap() -> None:
    month = months_ahead(1).replace(day=1)
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    for at, expected in (
        (start - timedelta(microseconds=1), months_ahead(0)),
        (start, month),
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO activity_event (at, reference, event, outcome, reason, client_id,"
                " tool, protocol_version, user_agent, details) VALUES (%s, %s, 'x', 'x', '', '',"
                " '', '', '', '{}') RETURNING tableoid::regclass::text",
                [at, new_reference()],
            )
            assert cursor.fetchone()[0] == f"activity_event_{expected:%Y_%m}"


def test_the_database_makes_no_month_of_another_age() -> None:
    for month in (date(1990, 1, 1), date(2190, 1, 1)):
        with pytest.raises(Error), transaction.atomic():
            ensure(month)


def test_the_log_has_no_foreign_keys() -> None:
    with connection.cursor() as cursor:
        constraints: Any = connection.introspection.get_constraints(cursor, "activity_event")
    assert not [name for name, about in constraints.items() if about["foreign_key"]]
