"""``rename_application``: a label of the person's own for a connection."""

from pydantic import Field, field_validator

from mcp_endpoint.connection_answers import (
    ConnectionChange,
    ConnectionChoice,
    build_not_found,
    describe_change,
    get_connection,
)
from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import tool
from oauth_ext.connection_control import MAX_LABEL, parse_label, rename_connection
from oauth_ext.connections import ConnectionNotFoundError
from oauth_ext.scopes import DRAFT


class RenameApplicationArguments(ConnectionChoice):
    """Which connection, and what to call it."""

    label: str = Field(
        max_length=4 * MAX_LABEL,
        description=f"At most {MAX_LABEL} characters, such as Work laptop; spaces around it are "
        "dropped. Empty takes the label away.",
    )

    @field_validator("label")
    @classmethod
    def check_label(cls, label: str) -> str:
        """One line of text, trimmed."""
        return parse_label(label)


@tool(
    scope=DRAFT,
    title="Label an application",
    read_only=False,
    destructive=False,
    idempotent=True,
    open_world=False,
)
def rename_application(
    context: CallContext, arguments: RenameApplicationArguments
) -> ConnectionChange:
    """Give a connected application a label, so that people can tell several of the same kind
    apart: the work laptop, the phone. It changes what lists show and nothing else; what the
    application calls itself stays beside it."""
    summary = get_connection(context.principal, arguments.connection_id)
    try:
        changed = rename_connection(
            connection_id=summary.id,
            label=arguments.label,
            by_user_id=context.principal.user_id,
            origin=context.origin,
        )
    except ConnectionNotFoundError as error:
        raise build_not_found() from error
    return describe_change(
        summary,
        state=summary.state,
        label=arguments.label,
        changed=changed,
        message=build_message(arguments.label, changed),
    )


def build_message(label: str, changed: bool) -> str:
    """What lists show from now on."""
    if not changed:
        return "It had this label already."
    if not label:
        return "The label is gone; lists show what the application calls itself."
    return "Lists show this label from now on, beside what the application calls itself."
