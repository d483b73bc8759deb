"""Personal access tokens, for clients that cannot do OAuth: shown once, stored hashed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import Membership, Organization, User
from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.grantable_tools import find_grantable_tool
from oauth_ext.machine_secrets import SecretKind, hash_secret, mint_secret, name_pepper
from oauth_ext.models import OrganizationPolicy, PersonalAccessToken
from oauth_ext.personal_token_mail import find_due_warning, send_minted_notice
from oauth_ext.policies import limit_personal_token
from oauth_ext.scopes import format_scope
from oauth_ext.standing import (
    find_member_scopes,
    find_personal_expiry,
    find_tools_hidden_from,
)

DEFAULT_DAYS = 90
MAX_DAYS = 365
MAX_ACTIVE = 25


class PersonalTokenNotFoundError(LookupError):
    """There is no such token of this person, or it was revoked before."""


class PersonalTokensDisabledError(Exception):
    """The deployment has switched personal access tokens off."""


class TooManyPersonalTokensError(Exception):
    """The person has twenty-five active tokens already."""


class ScopeNotGrantableError(Exception):
    """The person's role or the organization does not allow a scope that was asked for."""


class UnknownToolError(LookupError):
    """A token was to be narrowed to a tool that does not exist, or that its organization hides."""


class FormUsedError(Exception):
    """The form was sent before: a reload, the back button, a double click."""


@dataclass(frozen=True, slots=True)
class PersonalTokenSummary:
    """A token as its owner sees it; ``hint`` is all that is left of the secret.

    ``scopes`` are those that role and organization allow now; ``tools`` are the names of the only
    ones it may call, None stands for all within its scopes; ``tool_titles`` say the same to people.
    A token that ``is_replaced`` works until ``expires_at`` beside the one that took its place.
    ``limit_days`` is the organization's longest life if that is what ends it.
    """

    id: UUID
    user_id: UUID
    user_email: str
    label: str
    organization_name: str
    scopes: tuple[str, ...]
    tools: tuple[str, ...] | None
    tool_titles: tuple[str, ...] | None
    hint: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_used_network: str
    is_expired: bool
    is_replaced: bool
    limit_days: int | None


def mint_personal_token(
    membership: Membership,
    *,
    label: str,
    scopes: Iterable[str],
    days: int,
    nonce: str,
    origin: Origin,
    tools: Iterable[str] = (),
) -> str:
    """A new token for one organization; the return value is the only time it is seen.

    Args:
        nonce: of the form; a form makes one token, however often it is sent.
        tools: the only ones it may call; none given means all within its scopes.

    Raises:
        PersonalTokensDisabledError, TooManyPersonalTokensError, FormUsedError,
        ScopeNotGrantableError, UnknownToolError: nothing was made.
    """
    scope, allowed = format_scope(scopes), sorted(set(tools))
    if not set(scope.split()) <= find_member_scopes(membership):
        raise ScopeNotGrantableError
    hidden = find_tools_hidden_from(membership)
    if any(name in hidden or find_grantable_tool(name) is None for name in allowed):
        raise UnknownToolError
    with transaction.atomic():
        lock_purse(membership.user_id, nonce)
        if find_living(membership.user_id).filter(replacement=None).count() >= MAX_ACTIVE:
            raise TooManyPersonalTokensError
        secret, token = create_personal_token(
            membership, label=label, scope=scope, tools=allowed or None, days=days, nonce=nonce
        )
        record_event(
            Event.PERSONAL_TOKEN_MINTED,
            origin=origin,
            user_id=membership.user_id,
            organization_id=membership.organization_id,
            details={
                "label": label,
                "scope": scope,
                "tools": allowed or "all",
                "id": token.id,
                "days": days,
                "expires_at": token.expires_at.isoformat(),
            },
        )
        send_minted_notice(token)
    return secret


def lock_purse(user_id: UUID, nonce: str) -> None:
    """Let this person's tokens be made one at a time, and one for each form.

    Raises:
        PersonalTokensDisabledError, FormUsedError: none is to be made.
    """
    if not settings.PERSONAL_TOKENS_ENABLED:
        raise PersonalTokensDisabledError
    # Two requests at once must not both find the last free place.
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    if PersonalAccessToken.objects.filter(mint_nonce=nonce).exists():
        raise FormUsedError


def find_living(user_id: UUID) -> QuerySet[PersonalAccessToken]:
    """The person's tokens that have neither expired nor been revoked."""
    return PersonalAccessToken.objects.filter(
        user_id=user_id, revoked_at__isnull=True, expires_at__gt=timezone.now()
    )


def create_personal_token(
    membership: Membership,
    *,
    label: str,
    scope: str,
    tools: list[str] | None,
    days: int,
    nonce: str,
    replaces: PersonalAccessToken | None = None,
) -> tuple[str, PersonalAccessToken]:
    """The secret and its row; the caller's transaction records why."""
    secret = mint_secret(SecretKind.PERSONAL_TOKEN)
    now = timezone.now()
    expires_at = find_expiry(membership.organization_id, now, days)
    token = PersonalAccessToken.objects.create(
        user_id=membership.user_id,
        organization_id=membership.organization_id,
        membership=membership,
        label=label,
        scope=scope,
        allowed_tools=tools,
        token_hash=hash_secret(secret),
        pepper_id=name_pepper(),
        mint_nonce=nonce,
        hint=secret[-4:],
        created_at=now,
        expires_at=expires_at,
        # A token for a week needs no mail on its first day that a week is left.
        notified_days=find_due_warning(expires_at - now),
        replaces=replaces,
    )
    return secret, token


def find_expiry(organization_id: UUID, now: datetime, days: int) -> datetime:
    """So many days from now, or as long as the organization allows at most."""
    policy = OrganizationPolicy.objects.filter(organization_id=organization_id).first()
    wanted = now + timedelta(days=min(days, MAX_DAYS))
    return limit_personal_token(now, wanted, policy.max_personal_token_days if policy else None)


def find_personal_tokens(*, user_id: UUID) -> list[PersonalTokenSummary]:
    """The person's tokens that were not revoked, newest first; replaced ones while they work."""
    summaries = [summarize(token, timezone.now()) for token in find_standing_tokens(user_id)]
    return [found for found in summaries if not (found.is_replaced and found.is_expired)]


def find_standing_tokens(user_id: UUID) -> QuerySet[PersonalAccessToken]:
    """The person's tokens that have not been ended, with what a summary needs joined."""
    return select_standing_tokens().filter(user_id=user_id)


def select_standing_tokens() -> QuerySet[PersonalAccessToken]:
    """Everybody's tokens that have not been ended, with what a summary needs joined."""
    return (
        PersonalAccessToken.objects.filter(
            revoked_at__isnull=True,
            membership__isnull=False,
            organization__isnull=False,
        )
        .exclude(user__tokens_valid_from__gt=F("created_at"))
        .select_related("user", "organization__policy", "membership", "replacement")
    )


def summarize(token: PersonalAccessToken, now: datetime) -> PersonalTokenSummary:
    """A row with what it stands on and its replacement joined, as its owner sees it."""
    assert token.organization is not None and token.membership is not None
    expires_at = find_personal_expiry(token)
    token.membership.organization = token.organization
    grantable = find_member_scopes(token.membership)
    return PersonalTokenSummary(
        id=token.id,
        user_id=token.user_id,
        user_email=token.user.email,
        label=token.label,
        organization_name=token.organization.name,
        scopes=tuple(format_scope(grantable & set(token.scope.split())).split()),
        tools=None if token.allowed_tools is None else tuple(sorted(token.allowed_tools)),
        tool_titles=None if token.allowed_tools is None else name_tools(token.allowed_tools),
        hint=token.hint,
        created_at=token.created_at,
        expires_at=expires_at,
        last_used_at=token.last_used_at,
        last_used_network=token.last_used_network,
        is_expired=expires_at <= now,
        is_replaced=getattr(token, "replacement", None) is not None,
        limit_days=find_limit(token.organization, expires_at - token.created_at),
    )


def name_tools(names: Iterable[str]) -> tuple[str, ...]:
    """Tools as people read them; one that is gone is left with its name."""
    found = ((find_grantable_tool(name), name) for name in names)
    return tuple(tool.title if tool else name for tool, name in found)


def find_limit(organization: Organization, life: timedelta) -> int | None:
    """The organization's longest life of a token in days, if one of this life has reached it."""
    policy = getattr(organization, "policy", None)
    max_days: int | None = policy.max_personal_token_days if policy else None
    return max_days if max_days is not None and life >= timedelta(days=max_days) else None


def find_minted(*, user_id: UUID, nonce: str) -> PersonalTokenSummary | None:
    """The person's token that this form has made."""
    token = find_standing_tokens(user_id).filter(mint_nonce=nonce).first()
    return summarize(token, timezone.now()) if token else None


def revoke_personal_token(*, token_id: UUID, by_user_id: UUID, origin: Origin) -> None:
    """End a token, with the row; its next request is refused.

    Raises:
        PersonalTokenNotFoundError: it does not exist or was revoked before.
    """
    with transaction.atomic():
        token = (
            PersonalAccessToken.objects.select_for_update()
            .filter(id=token_id, revoked_at__isnull=True)
            .first()
        )
        if token is None:
            raise PersonalTokenNotFoundError(str(token_id))
        token.revoked_at = timezone.now()
        token.revoked_by_id = by_user_id
        token.save(update_fields=["revoked_at", "revoked_by_id"])
        record_event(
            Event.PERSONAL_TOKEN_REVOKED,
            origin=origin,
            user_id=token.user_id,
            organization_id=token.organization_id,
            details={"label": token.label, "id": token.id, "by_user": by_user_id},
        )
