"""``disconnect_application``: end what an application may do, at once."""

from uuid import UUID

from pydantic import BaseModel, Field

from mcp_endpoint.connection_answers import (
    CLAIM,
    LABEL,
    ConnectionChoice,
    build_not_found,
    get_connection,
)
from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import tool
from oauth_ext.connections import (
    ConnectionNotFoundError,
    ConnectionSummary,
    revoke_connection,
)
from oauth_ext.scopes import ACTIONS
from oauth_ext.verification import Principal


class DisconnectApplicationResult(BaseModel):
    """What was disconnected, and how to undo it."""

    connection_id: UUID
    client: str = Field(description=CLAIM)
    label: str = Field(description=LABEL)
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
    context: CallContext, arguments: ConnectionChoice
) -> DisconnectApplicationResult:
    """Disconnect an application: every token it holds for this connection stops working at once.
    You can disconnect your own connections; owners and admins can disconnect everybody's in the
    organization. To undo it, the person connects the application again and allows it. If it may
    be needed again soon, pause_application does the same and can be undone here."""
    principal = context.principal
    summary = get_connection(principal, arguments.connection_id)
    revoke(summary, context)
    return DisconnectApplicationResult(
        connection_id=summary.id,
        client=summary.client_name,
        label=summary.label,
        user_email=summary.user_email,
        message=build_message(summary, principal),
    )


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
        raise build_not_found() from error


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
