"""``docjacket://connection/{connection_id}`` and ``docjacket://connections``: who may act here."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ResourceNotFoundError
from mcp_endpoint.resource_definitions import ListedResource
from mcp_endpoint.resources import resource
from oauth_ext.connection_control import find_visible_connection, find_visible_connections
from oauth_ext.connections import ConnectionSummary
from oauth_ext.scopes import READ
from oauth_ext.verification import Principal

CONNECTION_URI = "docjacket://connection/{connection_id}"
CONNECTIONS_URI = "docjacket://connections"
# One document that a model reads whole; the tool pages through the rest.
MAX_IN_DOCUMENT = 100


class ConnectionDocument(BaseModel):
    """One person's permission for one application."""

    uri: str
    connection_id: UUID
    client: str = Field(description="What the application calls itself; a claim.")
    client_id: str
    redirect_hosts: list[str]
    label: str
    user_email: str
    organization: str
    scopes: list[str]
    state: str = Field(description="active or paused")
    connected_at: datetime
    last_used_at: datetime | None
    is_this_connection: bool = Field(description="Whether this was read through it.")


class ConnectionsDocument(BaseModel):
    """The caller's own connections in one organization, newest first."""

    organization: str
    connections: list[ConnectionDocument]
    left_out: int = Field(description="How many older ones there are beyond these.")


def list_own_connections(principal: Principal) -> list[ConnectionSummary]:
    """The person's own connections in the organization, newest first, in a settled order."""
    own = find_visible_connections(principal, whole_organization=False)
    return sorted(own, key=build_key, reverse=True)


def build_key(summary: ConnectionSummary) -> str:
    """Where a connection stands among others: by its time, then by its id."""
    return f"{summary.connected_at.isoformat(timespec='microseconds')} {summary.id}"


def list_connection_resources(
    context: CallContext, after: str | None, limit: int
) -> Sequence[ListedResource]:
    """The caller's own connections behind a key."""
    own = list_own_connections(context.principal)
    rest = [summary for summary in own if after is None or build_key(summary) < after]
    return [
        ListedResource(
            key=build_key(summary),
            variables={"connection_id": str(summary.id)},
            title=f"Connection of {summary.label or summary.client_name}",
            description="What it may do and when it was last used. The name is what the "
            "application calls itself, or the label that a person gave it.",
        )
        for summary in rest[:limit]
    ]


def suggest_connection_ids(context: CallContext, typed: str) -> list[str]:
    """The ids of the connections that the caller may read, newest first."""
    principal = context.principal
    visible = find_visible_connections(principal, whole_organization=principal.is_administrator)
    newest = sorted(visible, key=build_key, reverse=True)
    return [str(summary.id) for summary in newest if str(summary.id).startswith(typed.lower())]


@resource(
    uri_template=CONNECTION_URI,
    scope=READ,
    title="A connected application",
    complete={"connection_id": suggest_connection_ids},
    instances=list_connection_resources,
)
def connection(context: CallContext, connection_id: UUID) -> ConnectionDocument:
    """One connected application: for whom it acts, what it may do, and when it was last used.
    Your own connections; owners and admins can read everybody's in the organization."""
    summary = find_visible_connection(context.principal, connection_id)
    if summary is None:
        raise ResourceNotFoundError
    return describe_connection(summary, context.principal)


@resource(uri=CONNECTIONS_URI, scope=READ, title="My connected applications")
def connections(context: CallContext) -> ConnectionsDocument:
    """The applications that may act for you in this organization, newest first."""
    return build_connections_document(context.principal)


def build_connections_document(principal: Principal) -> ConnectionsDocument:
    """The newest of the person's own connections."""
    own = list_own_connections(principal)
    return ConnectionsDocument(
        organization=principal.organization_name,
        connections=[describe_connection(summary, principal) for summary in own[:MAX_IN_DOCUMENT]],
        left_out=max(0, len(own) - MAX_IN_DOCUMENT),
    )


def describe_connection(summary: ConnectionSummary, principal: Principal) -> ConnectionDocument:
    """A connection as people and models read it."""
    return ConnectionDocument(
        uri=CONNECTION_URI.replace("{connection_id}", str(summary.id)),
        connection_id=summary.id,
        client=summary.client_name,
        client_id=summary.client_id,
        redirect_hosts=list(summary.redirect_hosts),
        label=summary.label,
        user_email=summary.user_email,
        organization=summary.organization_name,
        scopes=list(summary.scopes),
        state=summary.state,
        connected_at=summary.connected_at,
        last_used_at=summary.last_used_at,
        is_this_connection=summary.id == principal.connection_id,
    )
