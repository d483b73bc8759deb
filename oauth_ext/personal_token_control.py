"""Which personal access tokens a person may see and revoke from outside their settings page.

Every surface (tools, the REST API) asks here: their own of the organization they act in, or the
organization's for its administrators. What belongs to another organization does not exist.
"""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from oauth_ext.models import PersonalAccessToken
from oauth_ext.personal_tokens import PersonalTokenSummary, select_standing_tokens, summarize
from oauth_ext.verification import Principal


def select_visible_tokens(
    principal: Principal, *, whole_organization: bool
) -> QuerySet[PersonalAccessToken]:
    """The person's own standing tokens in this organization, or everybody's, newest first.

    Raises:
        PermissionError: everybody's were asked for by somebody who is no administrator.
    """
    tokens = select_standing_tokens().filter(organization_id=principal.organization_id)
    if not whole_organization:
        return tokens.filter(user_id=principal.user_id)
    if not principal.is_administrator:
        raise PermissionError("not_an_administrator")
    return tokens


def find_visible_tokens(
    principal: Principal, *, whole_organization: bool
) -> list[PersonalTokenSummary]:
    """What ``select_visible_tokens`` selects, summarized; replaced ones while they work.

    Raises:
        PermissionError: everybody's were asked for by somebody who is no administrator.
    """
    now = timezone.now()
    tokens = select_visible_tokens(principal, whole_organization=whole_organization)
    found = [summarize(token, now) for token in tokens.order_by("-created_at", "id")]
    return [summary for summary in found if not (summary.is_replaced and summary.is_expired)]


def find_visible_token(principal: Principal, token_id: UUID) -> PersonalTokenSummary | None:
    """The token, if this person may revoke it; anybody else's is as good as none."""
    tokens = select_visible_tokens(principal, whole_organization=principal.is_administrator)
    token = tokens.filter(id=token_id).first()
    return summarize(token, timezone.now()) if token else None
