"""``docjacket://activity/{event_id}``: one event of the log, as the caller may see it."""

from typing import Annotated

from pydantic import Field

from activity.models import ActivityEvent, ActivityQuerySet
from mcp_endpoint.activity_answers import ExplainedEvent, explain
from mcp_endpoint.builtin_resources.connection import CONNECTION_URI
from mcp_endpoint.completers import MAX_VALUES, Suggestions
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ResourceNotFoundError
from mcp_endpoint.resources import resource
from oauth_ext.activity_log import LogEntry, build_entries
from oauth_ext.scopes import READ
from oauth_ext.verification import Principal
from oauth_ext.visible_activity import select_visible_activity

EVENT_URI = "docjacket://activity/{event_id}"
LARGEST_ID = 2**63 - 1
# Ids that begin like what was typed are looked for among the newest.
NEWEST = 1000

EventId = Annotated[int, Field(ge=1, le=LARGEST_ID)]


class ActivityEventDocument(ExplainedEvent):
    """One event in people's words, its cause and what helps."""

    id: int
    event: str
    client_id: str
    connection: str = Field(description="The URI of the connection; empty if there was none.")
    protocol_version: str


def suggest_event_ids(context: CallContext, typed: str) -> Suggestions:
    """The newest events' ids that begin like what was typed."""
    rows = select_visible(context.principal).order_by("-id")
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
    tool="search_activity",
)
def activity_event(context: CallContext, event_id: EventId) -> ActivityEventDocument:
    """What happened: who, through which application, with what outcome and why. The tool
    search_activity shows the ids. Your own events; owners and admins can read everybody's in the
    organization."""
    row = select_visible(context.principal).filter(id=event_id).first()
    if row is None:
        raise ResourceNotFoundError
    (entry,) = build_entries([row])
    return build_document(row, entry)


def select_visible(principal: Principal) -> ActivityQuerySet:
    """As much as the caller may read: the organization's log for its administrators."""
    return select_visible_activity(principal, whole_organization=principal.is_administrator)


def build_document(row: ActivityEvent, entry: LogEntry) -> ActivityEventDocument:
    """An event as people and models read it."""
    connection_id = str(row.connection_id) if row.connection_id else ""
    return ActivityEventDocument(
        **explain(entry, row).model_dump(),
        id=row.id,
        event=row.event,
        client_id=row.client_id,
        connection=CONNECTION_URI.replace("{connection_id}", connection_id)
        if connection_id
        else "",
        protocol_version=row.protocol_version,
    )
