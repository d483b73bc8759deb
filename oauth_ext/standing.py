"""Whether everything that a token stands on still stands: the one answer for every path.

Verification, code exchange, refresh and personal access tokens all ask here, so that no path
forgets a flag. The answer is never cached.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.call_allowances import (
    COLUMNS_DRAWN,
    DRAWN,
    Share,
    build_draw_parameters,
    build_draw_sql,
)
from accounts.models import Membership
from activity.prepared import execute_prepared
from oauth_ext.models import PersonalAccessToken
from oauth_ext.policies import find_grantable_scopes, find_hidden_tools, limit_personal_token


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says at this moment about a connection or a personal token.

    Fields of rows that are gone are None; ``client_id`` is empty for a personal token. The days
    are the organization's policy, which the deployment's times cap when there is none;
    ``allowed_scopes`` and ``hidden_tools`` are what it leaves of the rest.
    """

    user_id: UUID
    email: str
    user_name: str
    user_active: bool
    organization_id: UUID | None
    organization_name: str | None
    organization_active: bool | None
    role: str | None
    client_id: str
    client_name: str
    client_disabled: bool
    connection_revoked: bool
    connection_paused: bool
    family_revoked: bool | None
    predates_reset: bool | None
    client_changed: bool
    last_used_at: datetime | None
    policy_ended: bool
    max_idle_days: int | None
    max_sign_in_days: int | None
    allowed_scopes: str | None
    hidden_tools: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: the slug for the log and the text for the client."""

    reason: str
    description: str


CONNECTION_PAUSED = "connection_paused"
# What may be lifted again: until then, a sign-in is at rest and not over.
PASSING = frozenset(
    (
        "client_changed",
        "organization_inactive",
        "policy_expired",
        "user_inactive",
    )
)

REVOKED_OR_EXPIRED = "Token is revoked or expired"
NO_ORGANIZATION = "User has no organization"
NOT_FOUND = "Account not found"
INACTIVE = "Account is inactive"
DISCONNECTED = "Application has been disconnected"
SWITCHED_OFF = "Application has been switched off"
PAUSED = "Application has been paused"
CHANGED = "Application has changed since it was allowed"

CONNECTION_SQL = """
SELECT u.id, u.email, u.name, u.is_active,
       o.id, o.name, o.is_active, m.role,
       cl.client_id, cl.name, cl.disabled_at IS NOT NULL,
       c.revoked_at IS NOT NULL, c.paused_at IS NOT NULL,
       CASE WHEN f.id IS NULL THEN NULL
            ELSE f.revoked_at IS NOT NULL OR f.expires_at <= now() END,
       coalesce(f.created_at, c.created_at) < u.tokens_valid_from,
       c.client_revision < cl.revision,
       c.last_used_at,
       coalesce(f.created_at + p.max_sign_in_days * interval '1 day' <= now()
                OR coalesce(f.refreshed_at, f.created_at)
                   + p.max_idle_days * interval '1 day' <= now(), false),
       p.max_idle_days, p.max_sign_in_days, p.allowed_scopes, p.hidden_tools
FROM oauth_ext_connection c
JOIN accounts_user u ON u.id = c.user_id
JOIN oauth_ext_client cl ON cl.id = c.client_id
LEFT JOIN accounts_organization o ON o.id = c.organization_id
LEFT JOIN accounts_membership m ON m.id = c.membership_id
     AND m.user_id = c.user_id AND m.organization_id = c.organization_id
LEFT JOIN oauth_ext_organizationpolicy p ON p.organization_id = c.organization_id
LEFT JOIN oauth_ext_tokenfamily f ON f.id = %(family)s AND f.connection_id = c.id
WHERE c.id = %(connection)s
"""


# What find_refusal asks, in SQL: whoever is refused must not use up what others have.
GOOD = """
EXISTS (
  SELECT FROM standing
  WHERE NOT (client_disabled OR connection_revoked OR connection_paused OR policy_ended)
    AND family_revoked IS FALSE AND predates_reset IS NOT TRUE
    AND user_active AND organization_active AND role IS NOT NULL
    AND organization_id = %(organization)s
)"""
DRAWING_SQL = f"""
WITH standing ({", ".join(field.name for field in fields(Standing))}) AS MATERIALIZED (
{CONNECTION_SQL}), {build_draw_sql(GOOD)}
SELECT standing.*, {DRAWN} FROM standing
"""


def find_connection_standing(connection_id: UUID, family_id: UUID | None = None) -> Standing | None:
    """The standing of a connection, and of one token family under it; one query."""
    named = {"family": family_id, "connection": connection_id}
    row = execute_prepared(CONNECTION_SQL, named).fetchone()
    return build_standing(row) if row else None


def find_standing_and_draw(
    connection_id: UUID, family_id: UUID, organization_id: UUID, shares: Sequence[Share]
) -> tuple[Standing | None, Sequence[Any]]:
    """The standing, and what the limits on calls gave if it is good; still one query."""
    named = {"family": family_id, "connection": connection_id, "organization": organization_id}
    row = execute_prepared(DRAWING_SQL, named | build_draw_parameters(shares)).fetchone()
    if row is None:
        return None, ()
    return build_standing(row[:-COLUMNS_DRAWN]), row[-COLUMNS_DRAWN:]


def build_standing(row: Sequence[Any]) -> Standing:
    """A row of the query; the last column is JSON."""
    parsed = (*row[:-1], find_hidden_tools(row[-1]))
    return Standing(*parsed)


def build_personal_standing(token: PersonalAccessToken) -> Standing:
    """The standing of a personal token whose user, membership, organization and policy were
    joined.
    """
    organization, membership = token.organization, token.membership
    policy = getattr(organization, "policy", None)
    if membership and (membership.user_id, membership.organization_id) != (
        token.user_id,
        token.organization_id,
    ):
        # The row was turned into somebody else's membership.
        membership = None
    return Standing(
        user_id=token.user_id,
        email=token.user.email,
        user_name=token.user.get_full_name(),
        user_active=token.user.is_active,
        organization_id=organization.id if organization else None,
        organization_name=organization.name if organization else None,
        organization_active=organization.is_active if organization else None,
        role=membership.role if membership else None,
        client_id="",
        client_name=token.label,
        client_disabled=False,
        connection_revoked=False,
        connection_paused=False,
        family_revoked=token.revoked_at is not None,
        predates_reset=is_before(token.created_at, token.user.tokens_valid_from),
        client_changed=False,
        last_used_at=token.last_used_at,
        policy_ended=False,
        max_idle_days=None,
        max_sign_in_days=None,
        allowed_scopes=policy.allowed_scopes if policy else None,
        hidden_tools=find_hidden_tools(policy.hidden_tools if policy else None),
    )


def find_personal_expiry(token: PersonalAccessToken) -> datetime:
    """When a token ends whose organization and policy were joined: its own end, or the policy's."""
    policy = getattr(token.organization, "policy", None)
    max_days = policy.max_personal_token_days if policy else None
    return limit_personal_token(token.created_at, token.expires_at, max_days)


def find_member_scopes(membership: Membership) -> frozenset[str]:
    """The scopes that somebody may grant and use as this member."""
    policy = getattr(membership.organization, "policy", None)
    return find_grantable_scopes(membership.role, policy.allowed_scopes if policy else None)


def find_tools_hidden_from(membership: Membership) -> frozenset[str]:
    """The tools that the member's organization lets nobody call."""
    policy = getattr(membership.organization, "policy", None)
    return find_hidden_tools(policy.hidden_tools if policy else None)


def is_before(made_at: datetime, valid_from: datetime | None) -> bool:
    """Whether something was made before what it stands on became valid again."""
    return valid_from is not None and made_at < valid_from


def find_refusal(standing: Standing) -> Refusal | None:
    """The first thing that no longer stands, or None."""
    if standing.connection_revoked:
        return Refusal("connection_revoked", DISCONNECTED)
    if standing.client_disabled:
        return Refusal("client_disabled", SWITCHED_OFF)
    if standing.family_revoked:
        # Only a connection has a client; a personal token is no sign-in, and the log says so.
        reason = "token_revoked" if standing.client_id else "personal_token_revoked"
        return Refusal(reason, REVOKED_OR_EXPIRED)
    if standing.policy_ended:
        return Refusal("policy_expired", REVOKED_OR_EXPIRED)
    if standing.predates_reset:
        return Refusal("password_reset", REVOKED_OR_EXPIRED)
    if not standing.user_active:
        return Refusal("user_inactive", REVOKED_OR_EXPIRED)
    if standing.organization_id is None:
        return Refusal("organization_not_found", NOT_FOUND)
    if not standing.organization_active:
        return Refusal("organization_inactive", INACTIVE)
    if standing.role is None:
        return Refusal("membership_ended", NO_ORGANIZATION)
    if standing.connection_paused:
        return Refusal(CONNECTION_PAUSED, PAUSED)
    return None


def find_issuing_refusal(standing: Standing) -> Refusal | None:
    """Why nothing new may be issued, or None; what was issued before lives to its own end.

    A client that has another name or further redirect URIs than the person allowed is not what
    they allowed: it must ask them again.

    A pause closes the resource and not the token endpoint: clients throw their tokens away over
    any refused refresh, and would send the person through consent for nothing. What is issued
    meanwhile is refused like the rest until the connection is resumed.
    """
    refusal = find_refusal(standing)
    if refusal is not None and refusal.reason != CONNECTION_PAUSED:
        return refusal
    return Refusal("client_changed", CHANGED) if standing.client_changed else None
