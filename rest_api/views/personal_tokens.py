"""``/api/v1/personal-access-tokens``: which there are, and how to end one. Pages make them."""

from uuid import UUID

from mcp_endpoint.tools.list_personal_access_tokens import ListPersonalAccessTokensArguments
from oauth_ext.personal_token_control import find_visible_token, find_visible_tokens
from oauth_ext.personal_tokens import PersonalTokenNotFoundError, revoke_personal_token
from oauth_ext.scopes import ACTIONS, READ
from rest_api.calls import ApiCall
from rest_api.documents import PersonalAccessTokenPage, build_personal_token
from rest_api.pages import build_cursor, build_query, find_position, name_moment, read_moment
from rest_api.problems import NotAdministratorError, NotFoundError
from rest_api.views.endpoint import ApiView, operation

# The filters are the tool's own, so that both find the same.
PersonalTokenQuery = build_query(
    "PersonalTokenQuery", ListPersonalAccessTokensArguments, position="page"
)


@operation(
    "list_personal_access_tokens",
    tool="list_personal_access_tokens",
    scope=READ,
    query=PersonalTokenQuery,
    answer=PersonalAccessTokenPage,
    read_only=True,
)
def list_tokens(call: ApiCall) -> PersonalAccessTokenPage:
    """List personal access tokens

    Your own for this organization, newest first, without their secrets. Owners and admins can
    list everybody's."""
    principal, query = call.principal, call.query
    try:
        found = find_visible_tokens(principal, whole_organization=query.whole_organization)
    except PermissionError as error:
        raise NotAdministratorError from error
    if position := find_position(call, "personal-access-tokens"):
        at, identifier = read_moment(position)
        found = [
            token
            for token in found
            if token.created_at < at or (token.created_at == at and token.id > identifier)
        ]
    page, cursor = found[: query.limit], None
    if len(found) > query.limit:
        last = name_moment(page[-1].created_at, page[-1].id)
        cursor = build_cursor(call, "personal-access-tokens", last)
    return PersonalAccessTokenPage(
        organization=principal.organization_name,
        personal_access_tokens=[build_personal_token(token, principal) for token in page],
        next_cursor=cursor,
    )


@operation(
    "revoke_personal_access_token",
    tool="revoke_personal_access_token",
    scope=ACTIONS,
    answer=None,
)
def revoke_token(call: ApiCall, id: UUID) -> None:
    """Revoke a personal access token

    Its next request is refused, also if it is the one that makes this request. It cannot be
    undone; a new one is made on the settings page."""
    if find_visible_token(call.principal, id) is None:
        raise NotFoundError(reason="no_such_personal_token")
    try:
        revoke_personal_token(token_id=id, by_user_id=call.principal.user_id, origin=call.origin)
    except PersonalTokenNotFoundError as error:
        raise NotFoundError(reason="no_such_personal_token") from error


class PersonalTokensView(ApiView):
    """All personal access tokens."""

    get = list_tokens


class PersonalTokenView(ApiView):
    """One personal access token."""

    delete = revoke_token
