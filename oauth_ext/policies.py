"""What a role and an organization allow at most, whoever asks and whatever a person ticks.

Pure. Both are asked at every use, not only when something is issued: a person who becomes a
viewer, or an organization that shortens its times, is heard at the very next request.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import Role
from oauth_ext.scopes import READ, SUPPORTED, format_scope

GRANTABLE = {
    Role.OWNER: frozenset(SUPPORTED),
    Role.ADMIN: frozenset(SUPPORTED),
    Role.MEMBER: frozenset(SUPPORTED),
    Role.VIEWER: frozenset({READ}),
}


def find_grantable_scopes(role: str) -> frozenset[str]:
    """The scopes that a member with this role may grant and use; none for an unknown role."""
    return GRANTABLE.get(Role(role), frozenset()) if role in Role.values else frozenset()


def narrow_to_role(scope: str, role: str | None) -> str:
    """The part of a scope string that this role allows now; empty if it allows none of it."""
    return format_scope(find_grantable_scopes(role or "") & frozenset(scope.split()))


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
