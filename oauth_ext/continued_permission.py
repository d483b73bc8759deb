"""Whether what a call was accepted on still stands while the call runs.

MCP 2026-07-28 authorization: a permission that is taken away ends what is under way as well. That
the token itself runs out meanwhile does not: it was good when the call came in.
"""

from oauth_ext.models import PersonalAccessToken
from oauth_ext.standing import (
    REVOKED_OR_EXPIRED,
    Refusal,
    Standing,
    build_personal_standing,
    find_connection_standing,
    find_refusal,
)
from oauth_ext.verification import Principal


def find_end_of_permission(principal: Principal) -> Refusal | None:
    """Why the caller may not go on, or None; one query.

    Raises:
        django.db.Error: the database did not answer; this says nothing about the caller.
    """
    standing = find_present_standing(principal)
    if standing is None:
        return Refusal("connection_unknown", REVOKED_OR_EXPIRED)
    return find_refusal(standing)


def find_present_standing(principal: Principal) -> Standing | None:
    """The standing of the connection or personal token at this moment; None if it is gone."""
    if principal.connection_id is not None:
        return find_connection_standing(principal.connection_id, principal.family_id)
    assert principal.personal_token_id is not None
    token = (
        PersonalAccessToken.objects.select_related("user", "organization__policy", "membership")
        .filter(id=principal.personal_token_id)
        .first()
    )
    return build_personal_standing(token) if token else None
