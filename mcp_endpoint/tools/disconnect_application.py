"""``disconnect_application``: end what an application may do, at once."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.registry import tool
from oauth_ext.connections import (
    ConnectionNotFoundError,
    ConnectionSummary,
    find_connections,
    find_organization_connections,
    revoke_connection,
)
from oauth_ext.scopes import ACTIONS
from oauth_ext.verification import Principal

NO_SUCH_CONNECTION = (
    "There is no such connection. Call list_connected_applications to see those that exist."
)


class DisconnectApplicationArguments(BaseModel):
    """Which connection."""

    model_config = ConfigDict(extra="forbid")

    connection_id: UUID = Field(description="As list_connected_applications shows it.")


class DisconnectApplicationResult(BaseModel):
    """What was disconnected, and how to undo it."""

    connection_id: UUID
    client: str = Field(description="What the application calls itself; a claim.")
    user_email: str
    message: str


@tool(
    scope=ACTIONS,
    title="Disconnect an application",
    read_only=False,
    destructive=True,
    idempotent=True,
    open_world=False,
)
def disconnect_application(
    context: CallContext, arguments: DisconnectApplicationArguments
) -> DisconnectApplicationResult:
    """Disconnect an application: every token it holds for this connection stops working at once.
    You can disconnect your own connections; owners and admins can disconnect everybody's in the
    organization. To undo it, the person connects the application again and allows it."""
    principal = context.principal
    summary = find_visible_connection(principal, arguments.connection_id)
    if summary is None:
        raise ToolError(NO_SUCH_CONNECTION, reason="no_such_connection")
    revoke(summary, context)
    return DisconnectApplicationResult(
        connection_id=summary.id,
        client=summary.client_name,
        user_email=summary.user_email,
        message=build_message(summary, principal),
    )


def find_visible_connection(principal: Principal, connection_id: UUID) -> ConnectionSummary | None:
    """The connection, if it has not ended and this person may end it.

    What belongs to somebody else is not found, exactly as what does not exist.
    """
    if principal.is_administrator:
        visible = find_organization_connections(organization_id=principal.organization_id)
    else:
        visible = find_connections(
            user_id=principal.user_id, organization_id=principal.organization_id
        )
    return next((summary for summary in visible if summary.id == connection_id), None)


def revoke(summary: ConnectionSummary, context: CallContext) -> None:
    """End the connection; if somebody was quicker, it does not exist any more."""
    try:
        revoke_connection(
            connection_id=summary.id,
            by_user_id=context.principal.user_id,
            reason="disconnected_by_tool",
            origin=context.origin,
        )
    except ConnectionNotFoundError as error:
        raise ToolError(NO_SUCH_CONNECTION, reason="no_such_connection") from error


def build_message(summary: ConnectionSummary, principal: Principal) -> str:
    """What has happened, whom it concerns, and how to undo it."""
    if summary.id == principal.connection_id:
        return (
            "You disconnected the application that made this call. Its next call will be "
            "refused. To undo this, connect it again and allow it."
        )
    whose = (
        "you" if summary.user_id == principal.user_id else f"{summary.user_email}, who was using it"
    )
    return (
        f"The application is disconnected from {principal.organization_name} for {whose}. Its "
        "tokens are refused from now on. To undo this, connect it again and allow it."
    )
