"""``resume_application``: let a paused application go on."""

from mcp_endpoint.connection_answers import (
    ConnectionChange,
    ConnectionChoice,
    build_not_found,
    describe_change,
    get_connection,
    name_owner,
)
from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import tool
from oauth_ext.connection_control import resume_connection
from oauth_ext.connections import ConnectionNotFoundError
from oauth_ext.scopes import ACTIONS


@tool(
    scope=ACTIONS,
    title="Resume a paused application",
    read_only=False,
    destructive=False,
    idempotent=True,
    open_world=False,
)
def resume_application(context: CallContext, arguments: ConnectionChoice) -> ConnectionChange:
    """Let a paused application go on, with the tokens and the permissions it had. A paused
    connection cannot resume itself: another application of the person, an owner or admin, or
    the person's AI access page does it. Ask the person first whether they want it, since
    somebody paused it for a reason."""
    principal = context.principal
    summary = get_connection(principal, arguments.connection_id)
    try:
        changed = resume_connection(
            connection_id=summary.id, by_user_id=principal.user_id, origin=context.origin
        )
    except ConnectionNotFoundError as error:
        raise build_not_found() from error
    message = (
        f"The application may act in {principal.organization_name} for "
        f"{name_owner(summary, principal)} again, as before it was paused."
        if changed
        else "It was not paused, so nothing was changed."
    )
    return describe_change(
        summary, state="active", label=summary.label, changed=changed, message=message
    )
