"""Counting the log over a period, with an end to how much is counted.

All of it is what the database groups by itself; rows are never brought here to be counted. A
period may hold millions of rows: then only the newest ``MAX_COUNTED`` count, and the summary says
so, because a number that comes is worth more than an exact one that does not.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.db.models import Avg, Count, Max, Min, Q
from django.db.models.functions import TruncDate

from activity.events import Event, Outcome
from activity.models import ActivityEvent, ActivityQuerySet

MAX_COUNTED = 50_000
MAX_GROUPS = 20
MAX_REASONS = 10
MAX_SLOWEST = 5
CALLS = (Event.TOOL_CALLED, Event.RESOURCE_READ, Event.PROMPT_GIVEN, Event.API_CALLED)
UNLUCKY = (Outcome.REFUSED, Outcome.FAILED, Outcome.CANCELLED)
# A row that a call leaves before it starts is followed by another with its end.
FINISHED_CALLS = Q(event__in=CALLS) & ~Q(outcome=Outcome.STARTED)


@dataclass(frozen=True, slots=True)
class Group:
    """What the rows with one value have in common; times in milliseconds, None without any."""

    value: str
    count: int
    unlucky: int
    first_at: datetime
    last_at: datetime
    average_ms: float | None = None
    slowest_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One day, in UTC."""

    day: date
    count: int
    unlucky: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Numbers over a period; groups and reasons most frequent first, days in order.

    ``counted_from`` is the time of the oldest row that was counted if there were too many, else
    None. ``outcomes`` and ``reasons`` are about all rows, ``tools`` about finished calls.
    """

    events: int
    calls: int
    unlucky_calls: int
    first_at: datetime | None
    last_at: datetime | None
    counted_from: datetime | None
    outcomes: dict[str, int]
    reasons: dict[str, int]
    tools: list[Group]
    clients: list[Group]
    people: list[Group]
    days: list[Day]
    slowest: list[ActivityEvent]


def summarize_activity(rows: ActivityQuerySet, *, since: datetime, until: datetime) -> Summary:
    """The numbers of these rows from ``since`` to before ``until``."""
    counted, is_cut = bound_rows(rows.filter(at__gte=since, at__lt=until))
    totals = counted.aggregate(
        events=Count("id"),
        calls=Count("id", filter=FINISHED_CALLS),
        unlucky_calls=Count("id", filter=FINISHED_CALLS & Q(outcome__in=UNLUCKY)),
        first_at=Min("at"),
        last_at=Max("at"),
    )
    calls = counted.filter(FINISHED_CALLS)
    return Summary(
        events=totals["events"],
        calls=totals["calls"],
        unlucky_calls=totals["unlucky_calls"],
        first_at=totals["first_at"],
        last_at=totals["last_at"],
        counted_from=totals["first_at"] if is_cut else None,
        outcomes=count_by(counted, "outcome", MAX_GROUPS),
        reasons=count_by(counted.filter(outcome__in=UNLUCKY), "reason", MAX_REASONS),
        tools=group_by(calls.exclude(tool=""), "tool", timed=True),
        clients=group_by(counted, "client_id"),
        people=group_by(counted.exclude(user_id=None), "user_id"),
        days=count_days(counted),
        slowest=list(calls.exclude(latency_ms=None).order_by("-latency_ms", "-id")[:MAX_SLOWEST]),
    )


def bound_rows(rows: ActivityQuerySet) -> tuple[ActivityQuerySet, bool]:
    """The newest rows that may be counted, and whether that leaves some out.

    By their numbers as well as their times: the period is looked for once, and each question
    after that reads only its rows.
    """
    newest = rows.order_by("-id")[: MAX_COUNTED + 1]
    found = newest.aggregate(count=Count("id"), oldest=Min("id"), newest=Max("id"))
    if not found["count"]:
        return rows.none(), False
    is_cut = found["count"] > MAX_COUNTED
    first = found["oldest"] + 1 if is_cut else found["oldest"]
    return rows.filter(id__gte=first, id__lte=found["newest"]), is_cut


def count_by(rows: ActivityQuerySet, column: str, most: int) -> dict[str, int]:
    """How many rows have each value of a column."""
    grouped = rows.order_by().values_list(column).annotate(count=Count("id"))
    return dict(grouped.order_by("-count", column)[:most])


def group_by(rows: ActivityQuerySet, column: str, *, timed: bool = False) -> list[Group]:
    """What the rows with each value of a column have in common."""
    times = {"average_ms": Avg("latency_ms"), "slowest_ms": Max("latency_ms")} if timed else {}
    grouped = (
        rows.order_by()
        .values(column)
        .annotate(
            count=Count("id"),
            unlucky=Count("id", filter=Q(outcome__in=UNLUCKY)),
            first_at=Min("at"),
            last_at=Max("at"),
            **times,
        )
    )
    return [
        Group(value=name_value(found.pop(column)), **found)
        for found in grouped.order_by("-count", column)[:MAX_GROUPS]
    ]


def name_value(value: str | UUID) -> str:
    """A value of a column as text."""
    return str(value)


def count_days(rows: ActivityQuerySet) -> list[Day]:
    """Rows of each day that has any."""
    grouped = (
        rows.order_by()
        .values(day=TruncDate("at", tzinfo=UTC))
        .annotate(count=Count("id"), unlucky=Count("id", filter=Q(outcome__in=UNLUCKY)))
    )
    return [Day(**found) for found in grouped.order_by("day")]
