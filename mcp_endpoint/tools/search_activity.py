"""``search_activity``: what happened, inside one organization."""

from datetime import UTC, datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from activity.events import Event, Outcome
from activity.models import ActivityEvent, ActivityQuerySet
from activity.references import parse_reference
from mcp_endpoint.activity_answers import CLIENT
from mcp_endpoint.connection_answers import refuse_widening
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.registry import tool
from oauth_ext.activity_log import LogEntry, build_entries
from oauth_ext.scopes import READ
from oauth_ext.verification import Principal
from oauth_ext.visible_activity import find_rows, select_visible_activity

MAX_LIMIT = 100
# Nothing happened outside, and the database has no room for the very first and last times.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class SearchActivityArguments(BaseModel):
    """Filters; all that are given must match."""

    model_config = ConfigDict(extra="forbid")

    event: Event | None = Field(default=None, description="One kind of event.")
    tool: str | None = Field(default=None, max_length=64, description="A tool's exact name.")
    outcome: Outcome | None = Field(
        default=None, description="How it ended; cancelled: whoever asked went away."
    )
    reference: str | None = Field(
        default=None, max_length=32, description="The 13 characters that an error showed."
    )
    since: AwareDatetime | None = Field(
        default=None,
        ge=EARLIEST,
        lt=LATEST,
        description="At or after; with a time zone, such as 2026-11-22T09:00:00Z.",
    )
    until: AwareDatetime | None = Field(default=None, ge=EARLIEST, lt=LATEST, description="Before.")
    limit: int = Field(default=20, ge=1, le=MAX_LIMIT)
    before: int | None = Field(
        default=None,
        ge=1,
        lt=2**63,
        description="next_before of the previous answer, to read on from there.",
    )
    whole_organization: bool = Field(
        default=False, description="Everybody's events, not only your own. For owners and admins."
    )


class ActivityEntry(BaseModel):
    """One event. Texts that strangers wrote (user agents, arguments) are left out."""

    id: int
    at: datetime
    event: str
    what: str = Field(description="The event in people's words.")
    outcome: str
    reason: str = Field(description="Why it was refused or failed, as a slug; empty otherwise.")
    why: str = Field(description="The reason in people's words.")
    tool: str
    reference: str = Field(description="For explain_reference.")
    user_id: UUID | None
    user_email: str
    client_id: str
    client: str = Field(description=CLIENT)
    connection_id: UUID | None
    protocol_version: str
    http_status: int | None
    latency_ms: float | None


class SearchActivityResult(BaseModel):
    """A page of events, newest first."""

    organization: str
    entries: list[ActivityEntry]
    next_before: int | None = Field(description="Pass it as before to read on; null at the end.")


@tool(scope=READ, title="Search the activity log", read_only=True, open_world=False)
def search_activity(
    context: CallContext, arguments: SearchActivityArguments
) -> SearchActivityResult:
    """Search what happened in this organization: tool calls, connections, sign-ins and refusals,
    newest first. Shows your own events; owners and admins can set whole_organization. To learn
    the cause of one refusal or error, pass its reference to explain_reference; for numbers
    over a period, call activity_summary."""
    principal = context.principal
    rows = list(filter_rows(scope_rows(principal, arguments), arguments)[: arguments.limit + 1])
    page = rows[: arguments.limit]
    return SearchActivityResult(
        organization=principal.organization_name,
        entries=[
            describe(row, entry) for row, entry in zip(page, build_entries(page), strict=True)
        ],
        next_before=page[-1].id if len(rows) > arguments.limit else None,
    )


def scope_rows(principal: Principal, arguments: SearchActivityArguments) -> ActivityQuerySet:
    """The rows this person may see, before any filter of theirs."""
    try:
        return select_visible_activity(principal, whole_organization=arguments.whole_organization)
    except PermissionError as error:
        raise refuse_widening("search everybody's activity") from error


def filter_rows(rows: ActivityQuerySet, arguments: SearchActivityArguments) -> ActivityQuerySet:
    """The rows that match every filter that was given."""
    if arguments.reference is not None:
        reference = parse_reference(arguments.reference)
        if reference is None:
            raise ToolError(
                "A reference has 13 letters and digits, as the error showed it.",
                reason="bad_reference",
            )
        rows = rows.filter(id__in=[row.id for row in find_rows(rows, reference)])
    exact = {"event": arguments.event, "tool": arguments.tool, "outcome": arguments.outcome}
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    bounds = {"at__gte": arguments.since, "at__lt": arguments.until, "id__lt": arguments.before}
    return rows.filter(**{name: value for name, value in bounds.items() if value is not None})


def describe(row: ActivityEvent, entry: LogEntry) -> ActivityEntry:
    """An event as the model reads it."""
    return ActivityEntry(
        id=row.id,
        at=row.at,
        event=row.event,
        what=entry.title,
        outcome=row.outcome,
        reason=row.reason,
        why=entry.reason_text,
        tool=row.tool,
        reference=row.reference,
        user_id=row.user_id,
        user_email=entry.user_email,
        client_id=row.client_id,
        client=entry.client_name,
        connection_id=row.connection_id,
        protocol_version=row.protocol_version,
        http_status=row.http_status,
        latency_ms=row.latency_ms,
    )
