"""What a role and an organization allow at most, whoever asks and whatever a person ticks.

Pure. Both are asked at every use, not only when something is issued: a person who becomes a
viewer, or an organization that shortens its times, is heard at the very next request.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import Role
from oauth_ext.scopes import READ, SUPPORTED, format_scope, parse_scope

GRANTABLE: Mapping[str, frozenset[str]] = {
    Role.OWNER: frozenset(SUPPORTED),
    Role.ADMIN: frozenset(SUPPORTED),
    Role.MEMBER: frozenset(SUPPORTED),
    Role.VIEWER: frozenset({READ}),
}


def find_role_scopes(role: str) -> frozenset[str]:
    """The scopes that this role allows, wherever; none for an unknown role."""
    return GRANTABLE.get(role, frozenset())


def find_hidden_tools(hidden_tools: str | list[str] | None) -> frozenset[str]:
    """The tools that an organization hides.

    Args:
        hidden_tools: of its policy, parsed or as JSON; None hides nothing.
    """
    names = json.loads(hidden_tools) if isinstance(hidden_tools, str) else hidden_tools
    return frozenset(names or ())


def find_organization_scopes(allowed_scopes: str | None) -> frozenset[str]:
    """The scopes that an organization allows at most.

    Args:
        allowed_scopes: of its policy; empty, or None without a policy, allows everything.
    """
    return frozenset(parse_scope(allowed_scopes) if allowed_scopes else SUPPORTED)


def find_grantable_scopes(role: str, allowed_scopes: str | None) -> frozenset[str]:
    """The scopes that a member with this role may grant and use in this organization."""
    return find_role_scopes(role) & find_organization_scopes(allowed_scopes)


def narrow_to_grantable(scope: str, role: str | None, allowed_scopes: str | None) -> str:
    """The part of a scope string that role and organization allow now; it may be empty."""
    return format_scope(
        find_grantable_scopes(role or "", allowed_scopes) & frozenset(scope.split())
    )


def name_narrowing(scope: str, role: str | None) -> str:
    """Why nothing is left of a scope string, as the log says it: the role, or the organization."""
    is_beyond_role = not find_role_scopes(role or "") & frozenset(scope.split())
    return "role_scope" if is_beyond_role else "organization_policy"


@dataclass(frozen=True, slots=True)
class SignInLimits:
    """How long a token family may lie unused, and how long it may live at all."""

    idle: timedelta
    total: timedelta


def limit_sign_in(max_idle_days: int | None, max_sign_in_days: int | None) -> SignInLimits:
    """The deployment's times, or the organization's where those are shorter."""
    idle = timedelta(seconds=settings.REFRESH_TOKEN_TTL)
    total = timedelta(seconds=settings.TOKEN_FAMILY_TTL)
    return SignInLimits(shorten(idle, max_idle_days), shorten(total, max_sign_in_days))


def limit_personal_token(
    created_at: datetime, expires_at: datetime, max_days: int | None
) -> datetime:
    """When a personal access token really ends, under its organization's longest life."""
    return created_at + shorten(expires_at - created_at, max_days)


def shorten(time: timedelta, max_days: int | None) -> timedelta:
    """The time, or so many days if that is shorter; None sets no limit."""
    return time if max_days is None else min(time, timedelta(days=max_days))
