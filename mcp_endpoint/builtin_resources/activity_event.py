"""``docjacket://activity/{event_id}``: one event of the log, as the caller may see it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from activity.models import ActivityEvent, ActivityQuerySet
from mcp_endpoint.builtin_resources.connection import CONNECTION_URI
from mcp_endpoint.completers import MAX_VALUES, Suggestions
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ResourceNotFoundError
from mcp_endpoint.resources import resource
from oauth_ext.activity_log import LogEntry, build_entries
from oauth_ext.scopes import READ
from oauth_ext.verification import Principal

EVENT_URI = "docjacket://activity/{event_id}"
LARGEST_ID = 2**63 - 1
# Ids that begin like what was typed are looked for among the newest.
NEWEST = 1000

EventId = Annotated[int, Field(ge=1, le=LARGEST_ID)]


class ActivityEventDocument(BaseModel):
    """One event in people's words. Texts of strangers are left out, but for a client's name."""

    id: int
    at: datetime
    title: str
    event: str
    outcome: str
    reason: str = Field(description="Why it was refused or failed; empty otherwise.")
    reason_text: str
    tool: str
    reference: str = Field(description="Pass it to search_activity to see the whole request.")
    user_email: str
    client: str = Field(description="What the application calls itself; a claim.")
    client_id: str
    connection: str = Field(description="The URI of the connection; empty if there was none.")
    protocol_version: str
    http_status: int | None
    latency_ms: float | None


def suggest_event_ids(context: CallContext, typed: str) -> Suggestions:
    """The newest events' ids that begin like what was typed."""
    rows = select_visible_events(context.principal).order_by("-id")
    newest = [str(event_id) for event_id in rows.values_list("id", flat=True)[: NEWEST + 1]]
    matching = [event_id for event_id in newest if event_id.startswith(typed)]
    is_all = len(newest) <= NEWEST
    return Suggestions(
        matching[:MAX_VALUES],
        has_more=len(matching) > MAX_VALUES or not is_all,
        total=len(matching) if is_all else None,
    )


@resource(
    uri_template=EVENT_URI,
    scope=READ,
    title="An event of the activity log",
    complete={"event_id": suggest_event_ids},
)
def activity_event(context: CallContext, event_id: EventId) -> ActivityEventDocument:
    """What happened: who, through which application, with what outcome and why. The tool
    search_activity shows the ids. Your own events; owners and admins can read everybody's in the
    organization."""
    row = select_visible_events(context.principal).filter(id=event_id).first()
    if row is None:
        raise ResourceNotFoundError
    (entry,) = build_entries([row])
    return describe_event(row, entry)


def select_visible_events(principal: Principal) -> ActivityQuerySet:
    """The rows of the organization that this person may see: their own, or all of them."""
    rows = ActivityEvent.objects.of_organization(principal.organization_id)
    return rows if principal.is_administrator else rows.of_user(principal.user_id)


def describe_event(row: ActivityEvent, entry: LogEntry) -> ActivityEventDocument:
    """An event as people and models read it."""
    return ActivityEventDocument(
        id=row.id,
        at=row.at,
        title=entry.title,
        event=row.event,
        outcome=row.outcome,
        reason=row.reason,
        reason_text=entry.reason_text,
        tool=row.tool,
        reference=row.reference,
        user_email=entry.user_email,
        client=entry.client_name,
        client_id=row.client_id,
        connection=name_connection(row.connection_id),
        protocol_version=row.protocol_version,
        http_status=row.http_status,
        latency_ms=row.latency_ms,
    )


def name_connection(connection_id: UUID | None) -> str:
    """The connection's URI, if there was one."""
    return CONNECTION_URI.replace("{connection_id}", str(connection_id)) if connection_id else ""
