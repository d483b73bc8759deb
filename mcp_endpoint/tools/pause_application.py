"""``pause_application``: let an application rest without ending what was allowed."""

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
from oauth_ext.connection_control import pause_connection
from oauth_ext.connections import ConnectionNotFoundError, ConnectionSummary
from oauth_ext.scopes import ACTIONS
from oauth_ext.verification import Principal

ITSELF = (
    "You paused the connection that made this call. Every further call through it is refused, "
    "and it cannot resume itself. The person can resume it on the AI access page of their "
    "settings, or with resume_application in another application of theirs."
)


@tool(
    scope=ACTIONS,
    title="Pause an application",
    read_only=False,
    destructive=False,
    idempotent=True,
    open_world=False,
)
def pause_application(context: CallContext, arguments: ConnectionChoice) -> ConnectionChange:
    """Pause an application: its very next call is refused, and nothing is lost. It keeps what
    it was allowed, and resume_application lets it go on with the same tokens, without asking
    the person for consent again. A paused connection cannot resume itself, so think before you
    pause the one that you are called through (is_this_connection). You can pause your own
    connections; owners and admins everybody's in the organization."""
    summary = get_connection(context.principal, arguments.connection_id)
    try:
        changed = pause_connection(
            connection_id=summary.id,
            by_user_id=context.principal.user_id,
            origin=context.origin,
        )
    except ConnectionNotFoundError as error:
        raise build_not_found() from error
    return describe_change(
        summary,
        state="paused",
        label=summary.label,
        changed=changed,
        message=build_message(summary, context.principal, changed),
    )


def build_message(summary: ConnectionSummary, principal: Principal, changed: bool) -> str:
    """What has happened, whom it concerns, and how to undo it."""
    if summary.id == principal.connection_id:
        return ITSELF
    if not changed:
        return "It was paused already. Call resume_application to let it go on."
    return (
        f"The application is paused in {principal.organization_name} for "
        f"{name_owner(summary, principal)}. Its calls are refused from now on. To undo this, call "
        "resume_application; nobody has to allow it again."
    )
