"""``/api/v1/connections``: the applications that may act in the organization, and for whom."""

from typing import Annotated
from uuid import UUID

from django.db.models import Q
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mcp_endpoint.tools.list_connected_applications import (
    ListConnectedApplicationsArguments,
    filter_connections,
)
from oauth_ext.connection_control import (
    MAX_LABEL,
    find_visible_connection,
    parse_label,
    pause_connection,
    rename_connection,
    resume_connection,
    select_visible_connections,
)
from oauth_ext.connections import (
    SUMMARIZED,
    ConnectionNotFoundError,
    ConnectionSummary,
    revoke_connection,
    summarize,
)
from oauth_ext.scopes import ACTIONS, DRAFT, READ
from rest_api.calls import ApiCall
from rest_api.documents import Connection, ConnectionPage, build_connection
from rest_api.pages import build_cursor, build_query, find_position, name_moment, read_moment
from rest_api.problems import NotAdministratorError, NotFoundError
from rest_api.views.endpoint import ApiView, operation

# The filters are the tool's own, so that both find the same.
ConnectionQuery = build_query(
    "ConnectionQuery", ListConnectedApplicationsArguments, position="page"
)


class NewLabel(BaseModel):
    """What can be changed of a connection."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, Field(max_length=4 * MAX_LABEL), AfterValidator(parse_label)] = Field(
        description=f"Your own name for it, at most {MAX_LABEL} characters; spaces around it are "
        "dropped. Empty takes it away."
    )


@operation(
    "list_connections",
    tool="list_connected_applications",
    scope=READ,
    query=ConnectionQuery,
    answer=ConnectionPage,
    read_only=True,
)
def list_connections(call: ApiCall) -> ConnectionPage:
    """List connected applications

    The applications that may act for you in this organization, newest first. Owners and admins
    can list everybody's."""
    principal, query = call.principal, call.query
    filters = ListConnectedApplicationsArguments(**query.model_dump(exclude={"cursor"}))
    try:
        rows = select_visible_connections(principal, whole_organization=query.whole_organization)
    except PermissionError as error:
        raise NotAdministratorError from error
    rows = filter_connections(rows, filters)
    if position := find_position(call, "connections"):
        at, identifier = read_moment(position)
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, id__gt=identifier))
    found = summarize(rows.select_related(*SUMMARIZED)[: query.limit + 1])
    page, cursor = found[: query.limit], None
    if len(found) > query.limit:
        last = name_moment(page[-1].connected_at, page[-1].id)
        cursor = build_cursor(call, "connections", last)
    return ConnectionPage(
        organization=principal.organization_name,
        connections=[build_connection(summary, principal) for summary in page],
        next_cursor=cursor,
    )


@operation(
    "get_connection",
    tool="list_connected_applications",
    scope=READ,
    answer=Connection,
    read_only=True,
)
def get_connection(call: ApiCall, id: UUID) -> Connection:
    """Show a connected application

    Your own; owners and admins see everybody's in the organization."""
    return build_connection(get_summary(call, id), call.principal)


@operation(
    "rename_connection", tool="rename_application", scope=DRAFT, body=NewLabel, answer=Connection
)
def change_connection(call: ApiCall, id: UUID) -> Connection:
    """Give a connected application a label

    Up to 100 characters, seen by everybody who sees the connection."""
    summary = get_summary(call, id)
    try:
        rename_connection(
            connection_id=summary.id,
            label=call.body.label,
            by_user_id=call.principal.user_id,
            origin=call.origin,
        )
    except ConnectionNotFoundError as error:
        raise NotFoundError(reason="no_such_connection") from error
    return build_connection(get_summary(call, id), call.principal)


@operation("pause_connection", tool="pause_application", scope=ACTIONS, answer=Connection)
def pause(call: ApiCall, id: UUID) -> Connection:
    """Pause a connected application

    Its calls are refused from the next one on, until somebody resumes it. Pausing what is paused
    changes nothing. A connection that pauses itself cannot resume itself."""
    summary = get_summary(call, id)
    try:
        pause_connection(
            connection_id=summary.id, by_user_id=call.principal.user_id, origin=call.origin
        )
    except ConnectionNotFoundError as error:
        raise NotFoundError(reason="no_such_connection") from error
    return build_connection(get_summary(call, id), call.principal)


@operation("resume_connection", tool="resume_application", scope=ACTIONS, answer=Connection)
def resume(call: ApiCall, id: UUID) -> Connection:
    """Let a paused application go on

    With the tokens that it has. Resuming what is not paused changes nothing."""
    summary = get_summary(call, id)
    try:
        resume_connection(
            connection_id=summary.id, by_user_id=call.principal.user_id, origin=call.origin
        )
    except ConnectionNotFoundError as error:
        raise NotFoundError(reason="no_such_connection") from error
    return build_connection(get_summary(call, id), call.principal)


@operation("disconnect", tool="disconnect_application", scope=ACTIONS, answer=None)
def disconnect(call: ApiCall, id: UUID) -> None:
    """Disconnect an application

    Every token that it holds for this connection stops working at once. To undo it, the person
    connects the application again and allows it."""
    summary = get_summary(call, id)
    try:
        revoke_connection(
            connection_id=summary.id,
            by_user_id=call.principal.user_id,
            reason="disconnected_by_api",
            origin=call.origin,
        )
    except ConnectionNotFoundError as error:
        raise NotFoundError(reason="no_such_connection") from error


def get_summary(call: ApiCall, connection_id: UUID) -> ConnectionSummary:
    """The connection, if this caller may see it.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    summary = find_visible_connection(call.principal, connection_id)
    if summary is None:
        raise NotFoundError(reason="no_such_connection")
    return summary


class ConnectionsView(ApiView):
    """All connections."""

    get = list_connections


class ConnectionView(ApiView):
    """One connection."""

    get = get_connection
    patch = change_connection
    delete = disconnect


class PauseView(ApiView):
    """One connection's pause."""

    post = pause


class ResumeView(ApiView):
    """The end of it."""

    post = resume
