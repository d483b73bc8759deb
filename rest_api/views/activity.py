"""``/api/v1/activity``: what happened, inside one organization."""

from mcp_endpoint.errors import ToolError
from mcp_endpoint.tools.search_activity import SearchActivityArguments, filter_rows
from oauth_ext.scopes import READ
from oauth_ext.visible_activity import select_visible_activity
from rest_api.calls import ApiCall
from rest_api.documents import ActivityEntry, ActivityPage, build_activity
from rest_api.pages import build_cursor, build_query, find_position
from rest_api.problems import (
    FieldProblem,
    InvalidFieldsError,
    NotAdministratorError,
    NotFoundError,
)
from rest_api.views.endpoint import ApiView, operation

MAX_ID = 2**63

# The filters are the tool's own, so that both find the same.
ActivityQuery = build_query("ActivityQuery", SearchActivityArguments, position="before")


@operation(
    "search_activity",
    tool="search_activity",
    scope=READ,
    query=ActivityQuery,
    answer=ActivityPage,
    read_only=True,
)
def search(call: ApiCall) -> ActivityPage:
    """Search the activity log

    Calls, connections, sign-ins and refusals in this organization, newest first. Shows your own
    events; owners and admins can see everybody's."""
    principal, query = call.principal, call.query
    arguments = SearchActivityArguments(
        **query.model_dump(exclude={"cursor"}), before=find_position(call, "activity")
    )
    try:
        rows = select_visible_activity(principal, whole_organization=arguments.whole_organization)
        found = list(filter_rows(rows, arguments)[: arguments.limit + 1])
    except PermissionError as error:
        raise NotAdministratorError from error
    except ToolError as error:
        problem = FieldProblem(name="reference", detail=error.message)
        raise InvalidFieldsError([problem]) from error
    page = found[: arguments.limit]
    return ActivityPage(
        organization=principal.organization_name,
        entries=build_activity(page),
        next_cursor=(
            build_cursor(call, "activity", page[-1].id) if len(found) > arguments.limit else None
        ),
    )


@operation(
    "get_activity_event",
    tool="search_activity",
    scope=READ,
    answer=ActivityEntry,
    read_only=True,
)
def get_event(call: ApiCall, id: int) -> ActivityEntry:
    """Show an event of the activity log

    Your own; owners and admins see everybody's in the organization."""
    principal = call.principal
    rows = select_visible_activity(principal, whole_organization=principal.is_administrator)
    row = rows.filter(id=id).first() if id < MAX_ID else None
    if row is None:
        raise NotFoundError(reason="no_such_event")
    return build_activity([row])[0]


class ActivityView(ApiView):
    """The log."""

    get = search


class ActivityEventView(ApiView):
    """One event of it."""

    get = get_event
