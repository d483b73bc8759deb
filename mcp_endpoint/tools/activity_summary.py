"""``activity_summary``: the numbers of a period."""

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from accounts.models import User
from activity.narrative import explain_reason
from activity.summary import MAX_COUNTED, Day, Group, Summary, summarize_activity
from mcp_endpoint.activity_answers import CLIENT
from mcp_endpoint.connection_answers import refuse_widening
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.registry import tool
from mcp_endpoint.tools.search_activity import EARLIEST, LATEST
from oauth_ext.activity_log import find_client_names
from oauth_ext.scopes import READ
from oauth_ext.visible_activity import select_visible_activity

DEFAULT_DAYS = 7
MAX_DAYS = 92
PERSONAL_TOKENS = "personal access tokens and pages"


class ActivitySummaryArguments(BaseModel):
    """Which period, and whose events."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime | None = Field(
        default=None,
        ge=EARLIEST,
        lt=LATEST,
        description=f"With a time zone, such as 2026-11-22T09:00:00Z. Left out: {DEFAULT_DAYS} "
        "days before until.",
    )
    until: AwareDatetime | None = Field(
        default=None, ge=EARLIEST, lt=LATEST, description="Before. Left out: now."
    )
    whole_organization: bool = Field(
        default=False, description="Everybody's events, not only your own. For owners and admins."
    )


class CountedGroup(BaseModel):
    """How often, and when first and last in the period."""

    count: int
    refused_or_failed: int
    first_at: datetime
    last_at: datetime


class CountedTool(CountedGroup):
    """Finished calls of one tool or REST operation."""

    tool: str
    average_ms: float | None
    slowest_ms: float | None


class CountedClient(CountedGroup):
    """Events through one application."""

    client_id: str
    client: str = Field(description=CLIENT)


class CountedPerson(CountedGroup):
    """Events of one person."""

    user_email: str


class CountedDay(BaseModel):
    """Events of one day, in UTC."""

    day: date
    count: int
    refused_or_failed: int


class CountedReason(BaseModel):
    """Why events were refused or failed."""

    reason: str
    why: str
    count: int


class SlowCall(BaseModel):
    """One of the slowest calls."""

    tool: str
    at: datetime
    latency_ms: float
    reference: str = Field(description="For explain_reference.")


class ActivitySummaryResult(BaseModel):
    """The numbers of a period; most frequent first, at most 20 of each kind."""

    organization: str
    since: datetime
    until: datetime
    is_partial: bool = Field(
        description=f"Whether only the newest {MAX_COUNTED} events were counted; then the numbers "
        "begin at first_at, and a shorter period is exact."
    )
    events: int = Field(description="All events, sign-ins and refusals included.")
    calls: int = Field(description="Finished calls of tools, prompts, resources and REST.")
    error_rate: float | None = Field(
        description="The share of calls that were refused or failed, from 0 to 1; null without any."
    )
    first_at: datetime | None
    last_at: datetime | None
    outcomes: dict[str, int]
    tools: list[CountedTool]
    clients: list[CountedClient]
    people: list[CountedPerson]
    days: list[CountedDay]
    reasons: list[CountedReason]
    slowest: list[SlowCall]


@tool(scope=READ, title="Summarize activity", read_only=True, open_world=False)
def activity_summary(
    context: CallContext, arguments: ActivitySummaryArguments
) -> ActivitySummaryResult:
    """Count what happened in a period (a week unless said otherwise, 92 days at most): events
    and calls by tool, application, person, outcome and day, the share of errors and their
    reasons, the slowest calls, first and last use. Shows your own events; owners and admins can
    set whole_organization. To see single events, call search_activity with the same period."""
    since, until = read_period(arguments)
    try:
        rows = select_visible_activity(
            context.principal, whole_organization=arguments.whole_organization
        )
    except PermissionError as error:
        raise refuse_widening("count everybody's activity") from error
    summary = summarize_activity(rows, since=since, until=until)
    names = find_client_names(group.value for group in summary.clients)
    return ActivitySummaryResult(
        organization=context.principal.organization_name,
        since=since,
        until=until,
        is_partial=summary.counted_from is not None,
        events=summary.events,
        calls=summary.calls,
        error_rate=find_error_rate(summary),
        first_at=summary.first_at,
        last_at=summary.last_at,
        outcomes=summary.outcomes,
        tools=[describe_tool(group) for group in summary.tools],
        clients=[
            CountedClient(
                client_id=group.value,
                client=names.get(group.value, group.value) or PERSONAL_TOKENS,
                **describe_group(group),
            )
            for group in summary.clients
        ],
        people=describe_people(summary.people),
        days=[describe_day(day) for day in summary.days],
        reasons=[
            CountedReason(reason=reason, why=explain_reason(reason), count=count)
            for reason, count in summary.reasons.items()
        ],
        slowest=[
            SlowCall(
                tool=row.tool,
                at=row.at,
                latency_ms=round(row.latency_ms or 0, 1),
                reference=row.reference,
            )
            for row in summary.slowest
        ],
    )


def read_period(arguments: ActivitySummaryArguments) -> tuple[datetime, datetime]:
    """From when to when, with what was left out filled in.

    Raises:
        ToolError: it ends before it begins, or is too long.
    """
    until = arguments.until or timezone.now()
    since = arguments.since or until - timedelta(days=DEFAULT_DAYS)
    if since >= until:
        raise ToolError("since must be before until.", reason="bad_period")
    if until - since > timedelta(days=MAX_DAYS):
        raise ToolError(
            f"That is more than {MAX_DAYS} days. Ask for shorter periods one after another.",
            reason="bad_period",
        )
    return since, until


def find_error_rate(summary: Summary) -> float | None:
    """The share of calls that did not succeed."""
    return round(summary.unlucky_calls / summary.calls, 4) if summary.calls else None


def describe_group(group: Group) -> dict[str, Any]:
    """What every group tells."""
    return {
        "count": group.count,
        "refused_or_failed": group.unlucky,
        "first_at": group.first_at,
        "last_at": group.last_at,
    }


def describe_tool(group: Group) -> CountedTool:
    """A tool's numbers."""
    return CountedTool(
        tool=group.value,
        average_ms=None if group.average_ms is None else round(group.average_ms, 1),
        slowest_ms=None if group.slowest_ms is None else round(group.slowest_ms, 1),
        **describe_group(group),
    )


def describe_people(groups: list[Group]) -> list[CountedPerson]:
    """People's numbers, by their addresses; whoever was deleted since keeps only an id."""
    emails = {
        str(user_id): email
        for user_id, email in User.objects.filter(
            id__in=[group.value for group in groups]
        ).values_list("id", "email")
    }
    return [
        CountedPerson(user_email=emails.get(group.value, group.value), **describe_group(group))
        for group in groups
    ]


def describe_day(day: Day) -> CountedDay:
    """A day's numbers."""
    return CountedDay(day=day.day, count=day.count, refused_or_failed=day.unlucky)
