"""``list_connected_applications``: what may act in the organization, and for whom."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.registry import tool
from oauth_ext.connections import (
    ConnectionSummary,
    find_connections,
    find_organization_connections,
)
from oauth_ext.scopes import READ


class ListConnectedApplicationsArguments(BaseModel):
    """Whose connections."""

    model_config = ConfigDict(extra="forbid")

    whole_organization: bool = Field(
        default=False,
        description="Everybody's connections, not only your own. For owners and admins.",
    )


class ConnectedApplication(BaseModel):
    """One person's permission for one application."""

    connection_id: UUID
    client: str = Field(description="What the application calls itself; a claim.")
    redirect_hosts: list[str] = Field(
        description="The hosts it may send people back to after they allow it."
    )
    client_id: str
    label: str
    user_email: str
    scopes: list[str]
    state: str = Field(description="active or paused")
    connected_at: datetime
    last_used_at: datetime | None
    is_this_connection: bool = Field(description="Whether this call was made through it.")


class ListConnectedApplicationsResult(BaseModel):
    """The connections in one organization, newest first."""

    organization: str
    applications: list[ConnectedApplication]


@tool(scope=READ, title="List connected applications", read_only=True, open_world=False)
def list_connected_applications(
    context: CallContext, arguments: ListConnectedApplicationsArguments
) -> ListConnectedApplicationsResult:
    """List the applications that may act for you in this organization, with their permissions
    and when they were last used. Owners and admins can list everybody's by setting
    whole_organization. To cut one off, pass its connection_id to disconnect_application."""
    principal = context.principal
    if arguments.whole_organization:
        if not principal.is_administrator:
            raise ToolError(
                "Only owners and admins of the organization can list everybody's applications. "
                "Leave out whole_organization to list your own.",
                reason="not_an_administrator",
            )
        found = find_organization_connections(organization_id=principal.organization_id)
    else:
        found = find_connections(
            user_id=principal.user_id, organization_id=principal.organization_id
        )
    return ListConnectedApplicationsResult(
        organization=principal.organization_name,
        applications=[describe(summary, principal.connection_id) for summary in found],
    )


def describe(summary: ConnectionSummary, own_connection_id: UUID | None) -> ConnectedApplication:
    """A connection as the model reads it."""
    return ConnectedApplication(
        connection_id=summary.id,
        client=summary.client_name,
        redirect_hosts=list(summary.redirect_hosts),
        client_id=summary.client_id,
        label=summary.label,
        user_email=summary.user_email,
        scopes=list(summary.scopes),
        state=summary.state,
        connected_at=summary.connected_at,
        last_used_at=summary.last_used_at,
        is_this_connection=summary.id == own_connection_id,
    )
