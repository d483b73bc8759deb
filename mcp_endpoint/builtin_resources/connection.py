"""``docjacket://connection/{connection_id}`` and ``docjacket://connections``: who may act here."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from pydantic import BaseModel, Field

from mcp_endpoint.completers import MAX_VALUES, Suggestions
from mcp_endpoint.connection_answers import ConnectedApplication, describe_connection
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ResourceNotFoundError
from mcp_endpoint.resource_definitions import ListedResource
from mcp_endpoint.resources import resource
from oauth_ext.connection_control import find_visible_connection, select_visible_connections
from oauth_ext.connections import SUMMARIZED, ConnectionSummary, summarize
from oauth_ext.models import Connection
from oauth_ext.scopes import READ
from oauth_ext.verification import Principal

CONNECTION_URI = "docjacket://connection/{connection_id}"
CONNECTIONS_URI = "docjacket://connections"
LISTING_TOOL = "list_connected_applications"
# One document that a model reads whole; list_connected_applications pages through the rest.
MAX_IN_DOCUMENT = 100


class ConnectionDocument(ConnectedApplication):
    """One person's permission for one application, with the URI that it is read under."""

    uri: str
    organization: str


class ConnectionsDocument(BaseModel):
    """The caller's own connections in one organization, newest first."""

    organization: str
    connections: list[ConnectionDocument]
    left_out: int = Field(description="How many older ones there are beyond these.")


def select_newest(principal: Principal, *, whole_organization: bool) -> QuerySet[Connection]:
    """The connections that the caller may read, newest first, in a settled order."""
    rows = select_visible_connections(principal, whole_organization=whole_organization)
    return rows.order_by("-created_at", "-id")


def list_connection_resources(
    context: CallContext, after: str | None, limit: int
) -> Sequence[ListedResource]:
    """The caller's own connections; a key is the time and the id of the one before."""
    rows = select_newest(context.principal, whole_organization=False)
    if after is not None:
        time, connection_id = after.split(" ")
        created_at = datetime.fromisoformat(time)
        older = Q(created_at__lt=created_at)
        rows = rows.filter(older | Q(created_at=created_at, id__lt=UUID(connection_id)))
    return [
        ListedResource(
            key=f"{summary.connected_at.isoformat()} {summary.id}",
            variables={"connection_id": str(summary.id)},
            title=summary.label or summary.client_name,
            description="A connected application: what it may do and when it was last used. Its "
            "title is what it calls itself, or what people here call it: a claim.",
        )
        for summary in summarize(rows.select_related(*SUMMARIZED)[:limit])
    ]


def suggest_connection_ids(context: CallContext, typed: str) -> Suggestions:
    """The newest ids that begin like what was typed."""
    principal = context.principal
    rows = select_newest(principal, whole_organization=principal.is_administrator)
    named = rows.annotate(text=Cast("id", TextField())).filter(text__startswith=typed.lower())
    found = list(named.values_list("text", flat=True)[: MAX_VALUES + 1])
    is_all = len(found) <= MAX_VALUES
    return Suggestions(found[:MAX_VALUES], not is_all, len(found) if is_all else named.count())


@resource(
    uri_template=CONNECTION_URI,
    scope=READ,
    title="A connected application",
    complete={"connection_id": suggest_connection_ids},
    instances=list_connection_resources,
    tool=LISTING_TOOL,
)
def connection(context: CallContext, connection_id: UUID) -> ConnectionDocument:
    """One connected application: for whom it acts, what it may do, and when it was last used.
    Your own connections; owners and admins can read everybody's in the organization."""
    summary = find_visible_connection(context.principal, connection_id)
    if summary is None:
        raise ResourceNotFoundError
    return build_document(summary, context.principal)


@resource(uri=CONNECTIONS_URI, scope=READ, title="My connected applications", tool=LISTING_TOOL)
def connections(context: CallContext) -> ConnectionsDocument:
    """The applications that may act for you in this organization, newest first."""
    return build_connections_document(context.principal)


def build_connections_document(principal: Principal) -> ConnectionsDocument:
    """The newest of the person's own connections."""
    rows = select_newest(principal, whole_organization=False).select_related(*SUMMARIZED)
    newest = summarize(rows[:MAX_IN_DOCUMENT])
    is_all = len(newest) < MAX_IN_DOCUMENT
    return ConnectionsDocument(
        organization=principal.organization_name,
        connections=[build_document(summary, principal) for summary in newest],
        left_out=0 if is_all else rows.count() - MAX_IN_DOCUMENT,
    )


def build_document(summary: ConnectionSummary, principal: Principal) -> ConnectionDocument:
    """A connection as people and models read it."""
    return ConnectionDocument(
        **describe_connection(summary, principal.connection_id).model_dump(),
        uri=CONNECTION_URI.replace("{connection_id}", str(summary.id)),
        organization=summary.organization_name,
    )
