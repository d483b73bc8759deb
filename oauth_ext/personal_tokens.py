"""Personal access tokens, for clients that cannot do OAuth: shown once, stored hashed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Membership, User
from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.machine_secrets import SecretKind, hash_secret, mint_secret, name_pepper
from oauth_ext.models import OrganizationPolicy, PersonalAccessToken
from oauth_ext.policies import limit_personal_token, narrow_to_role
from oauth_ext.scopes import format_scope

DEFAULT_DAYS = 90
MAX_DAYS = 365
MAX_ACTIVE = 25


class PersonalTokenNotFoundError(LookupError):
    """There is no such token of this person, or it was revoked before."""


class TooManyPersonalTokensError(Exception):
    """The person has twenty-five active tokens already."""


class ScopeBeyondRoleError(Exception):
    """The person's role in the organization does not allow a scope that was asked for."""


class FormUsedError(Exception):
    """The form was sent before: a reload, the back button, a double click."""


@dataclass(frozen=True, slots=True)
class PersonalTokenSummary:
    """A token as its owner sees it; ``hint`` is all that is left of the secret."""

    id: UUID
    label: str
    organization_name: str
    scopes: tuple[str, ...]
    hint: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    is_expired: bool


def mint_personal_token(
    membership: Membership,
    *,
    label: str,
    scopes: Iterable[str],
    days: int,
    nonce: str,
    origin: Origin,
) -> str:
    """A new token for one organization; the return value is the only time it is seen.

    Args:
        nonce: of the form; a form makes one token, however often it is sent.

    Raises:
        TooManyPersonalTokensError: revoke one first.
        FormUsedError: this form has made its token.
        ScopeBeyondRoleError: nothing was made.
    """
    secret = mint_secret(SecretKind.PERSONAL_TOKEN)
    scope = format_scope(scopes)
    if narrow_to_role(scope, membership.role) != scope:
        raise ScopeBeyondRoleError
    now = timezone.now()
    with transaction.atomic():
        # Two requests at once must not both find the last free place.
        User.objects.select_for_update(no_key=True).get(pk=membership.user_id)
        if PersonalAccessToken.objects.filter(mint_nonce=nonce).exists():
            raise FormUsedError
        active = PersonalAccessToken.objects.filter(
            user_id=membership.user_id, revoked_at__isnull=True, expires_at__gt=now
        )
        if active.count() >= MAX_ACTIVE:
            raise TooManyPersonalTokensError
        token = PersonalAccessToken.objects.create(
            user_id=membership.user_id,
            organization_id=membership.organization_id,
            membership=membership,
            label=label,
            scope=scope,
            token_hash=hash_secret(secret),
            pepper_id=name_pepper(),
            mint_nonce=nonce,
            hint=secret[-4:],
            created_at=now,
            expires_at=find_expiry(membership.organization_id, now, days),
        )
        record_event(
            Event.PERSONAL_TOKEN_MINTED,
            origin=origin,
            user_id=membership.user_id,
            organization_id=membership.organization_id,
            details={"label": label, "scope": scope, "id": token.id, "days": days},
        )
    return secret


def find_expiry(organization_id: UUID, now: datetime, days: int) -> datetime:
    """So many days from now, or as long as the organization allows at most."""
    policy = OrganizationPolicy.objects.filter(organization_id=organization_id).first()
    wanted = now + timedelta(days=min(days, MAX_DAYS))
    return limit_personal_token(now, wanted, policy.max_personal_token_days if policy else None)


def find_personal_tokens(*, user_id: UUID) -> list[PersonalTokenSummary]:
    """The person's tokens that were not revoked, newest first."""
    rows = (
        PersonalAccessToken.objects.filter(
            user_id=user_id,
            revoked_at__isnull=True,
            membership__isnull=False,
            organization__isnull=False,
        )
        .exclude(user__tokens_valid_from__gt=F("created_at"))
        .select_related("organization")
    )
    now = timezone.now()
    return [
        PersonalTokenSummary(
            id=token.id,
            label=token.label,
            organization_name=token.organization.name,
            scopes=tuple(token.scope.split()),
            hint=token.hint,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            is_expired=token.expires_at <= now,
        )
        for token in rows
        if token.organization is not None
    ]


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
