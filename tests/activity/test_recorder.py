"""The one writer: its hand-written INSERT, the model, and the table are one story."""

import uuid
from typing import Any

import pytest
from django.db import Error, connection, transaction

from activity.events import Event, Outcome
from activity.models import ActivityEvent
from activity.narrative import TITLES, build_reason, build_title
from activity.origin import Origin
from activity.recorder import COLUMNS, INSERT, record_event
from activity.references import new_reference

pytestmark = pytest.mark.django_db


def describe_table() -> dict[str, tuple[str, bool, int | None]]:
    """The columns: type, whether NULL is allowed, length."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, udt_name, is_nullable = 'YES', character_maximum_length"
            " FROM information_schema.columns WHERE table_name = 'activity_event'"
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


def test_insert_model_and_table_have_the_same_columns() -> None:
    fields = {field.column: field for field in ActivityEvent._meta.fields}
    table = describe_table()
    assert set(fields) == set(table)
    # The database gives every row its number and its time.
    assert set(COLUMNS) == set(table) - {"id", "at"}
    assert len(COLUMNS) == len(set(COLUMNS)) == INSERT.count("%s")
    for name, (_, nullable, length) in table.items():
        assert fields[name].null == nullable, name
        if length is not None:
            assert fields[name].max_length == length, name


def test_the_vocabulary_fits_its_columns_and_has_words_for_people() -> None:
    table = describe_table()
    for event in Event:
        assert len(event.value) <= table["event"][2]
        area, subject, action = event.value.split(".")
        assert area and subject and action
        if event is not Event.TOOL_CALLED:
            assert event in TITLES
    assert all(len(outcome.value) <= table["outcome"][2] for outcome in Outcome)


def test_every_value_arrives_where_it_belongs() -> None:
    reference = new_reference()
    user, organization, link = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    record_event(
        Event.TOOL_CALLED,
        origin=Origin(reference, "2001:db8::1", "agent/1"),
        outcome=Outcome.FAILED,
        reason="tool_error",
        user_id=user,
        organization_id=organization,
        client_id="dyn_x",
        connection_id=link,
        tool="whoami",
        protocol_version="2026-07-28",
        http_status=200,
        latency_ms=1.5,
        details={"a": [1, None, "x"]},
    )
    row = ActivityEvent.objects.with_reference(reference).get()
    told = {name: getattr(row, name) for name in COLUMNS}
    assert told == {
        "reference": reference,
        "event": "mcp.tool.called",
        "outcome": "failed",
        "reason": "tool_error",
        "user_id": user,
        "organization_id": organization,
        "client_id": "dyn_x",
        "connection_id": link,
        "tool": "whoami",
        "protocol_version": "2026-07-28",
        "http_status": 200,
        "latency_ms": 1.5,
        "ip": "2001:db8::1",
        "user_agent": "agent/1",
        "details": {"a": [1, None, "x"]},
    }
    assert row.id > 0 and row.at is not None


def test_what_is_left_out_is_empty_and_not_missing() -> None:
    reference = new_reference()
    record_event(Event.SIGNED_IN, origin=Origin(reference))
    row = ActivityEvent.objects.with_reference(reference).get()
    assert (row.outcome, row.reason, row.client_id, row.tool) == ("succeeded", "", "", "")
    assert (row.user_id, row.ip, row.http_status, row.details) == (None, None, None, {})


def test_overlong_and_odd_values_are_cut_not_refused() -> None:
    reference = new_reference()
    record_event(
        Event.TOKEN_REFUSED,
        origin=Origin(reference),
        reason="r" * 500,
        client_id="c\x00\ud800" * 500,
        tool="t" * 500,
        protocol_version="v" * 500,
        details={"x" * 5000: "y" * 50_000, "\x00": "\ud800", "n": [0] * 10_000},
    )
    row = ActivityEvent.objects.with_reference(reference).get()
    assert (len(row.reason), len(row.tool), len(row.protocol_version)) == (64, 128, 16)
    assert len(row.client_id) <= 255


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_cannot_say_loses_no_row(value: float) -> None:
    reference = new_reference()
    with transaction.atomic():
        record_event(Event.TOOL_CALLED, origin=Origin(reference), details={"n": value})
    assert ActivityEvent.objects.with_reference(reference).count() == 1


def test_secrets_do_not_enter_by_any_column() -> None:
    secret = "mcp_at_" + "S" * 49
    reference = new_reference()
    record_event(
        Event.TOKEN_REFUSED,
        origin=Origin(reference),
        client_id=secret,
        tool=secret,
        protocol_version=secret,
        details={"note": secret, secret: 1, "password": "x"},
    )
    row = ActivityEvent.objects.filter(reference=reference).values().get()
    assert "SSSS" not in str(row)


def test_a_row_lives_and_dies_with_its_transaction() -> None:
    kept, lost = new_reference(), new_reference()
    record_event(Event.SIGNED_IN, origin=Origin(kept))
    with transaction.atomic():
        record_event(Event.SIGNED_IN, origin=Origin(lost))
        transaction.set_rollback(True)
    assert ActivityEvent.objects.with_reference(kept).exists()
    assert not ActivityEvent.objects.with_reference(lost).exists()


def test_rows_are_numbered_in_the_order_they_were_written() -> None:
    references = [new_reference() for _ in range(5)]
    for reference in references:
        record_event(Event.SIGNED_IN, origin=Origin(reference))
    rows = list(ActivityEvent.objects.filter(reference__in=references))
    assert [row.reference for row in rows] == references[::-1]
    assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)


def test_a_reference_of_another_length_is_refused_by_the_table() -> None:
    with pytest.raises(Error), transaction.atomic():
        record_event(Event.SIGNED_IN, origin=Origin("0" * 14))


@pytest.mark.parametrize(
    ("event", "tool", "outcome", "reason", "title", "words"),
    [
        ("mcp.tool.called", "whoami", "succeeded", "", "Called whoami", ""),
        ("mcp.tool.called", "whoami", "failed", "x", "Tried whoami", "The tool failed (x)."),
        (
            "http.request.failed",
            "",
            "failed",
            "KeyError",
            "Something went wrong on our side",
            "It failed (KeyError).",
        ),
        ("some.new.event", "", "refused", "brand_new", "some.new.event", "Brand new."),
        (
            "oauth.refresh_token.replayed",
            "",
            "refused",
            "refresh_replayed",
            "A sign-in was used from two places and was ended",
            "An old refresh token was used again.",
        ),
    ],
)
def test_rows_read_as_sentences(
    event: str, tool: str, outcome: str, reason: str, title: str, words: str
) -> None:
    row: Any = ActivityEvent(event=event, tool=tool, outcome=outcome, reason=reason)
    assert (build_title(row), build_reason(row)) == (title, words)
