"""Replacing a personal access token without a moment in which neither the old nor the new works."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.models import PersonalAccessToken
from oauth_ext.personal_token_mail import send_replaced_notice
from oauth_ext.personal_tokens import (
    MAX_ACTIVE,
    PersonalTokenNotFoundError,
    ScopeNotGrantableError,
    TooManyPersonalTokensError,
    create_personal_token,
    find_living,
    lock_purse,
)
from oauth_ext.scopes import format_scope
from oauth_ext.standing import build_personal_standing, find_member_scopes, find_refusal

# What a person can choose for the old token to go on working.
OVERLAPS = {
    timedelta(0): "Not at all: it stops now",
    timedelta(hours=1): "1 hour",
    timedelta(hours=24): "24 hours",
    timedelta(days=7): "7 days",
}
DEFAULT_OVERLAP = timedelta(hours=24)
# Replaced tokens that still work don't count as active, so they have a limit of their own.
MAX_LIVING = 2 * MAX_ACTIVE


class AlreadyReplacedError(Exception):
    """Another token took its place before."""


def replace_personal_token(
    *, token_id: UUID, user_id: UUID, overlap: timedelta, nonce: str, origin: Origin
) -> str:
    """A new token like the old one, as long-lived as that was; its secret is seen only here.

    The old one goes on working for ``overlap``, never past its own end. Scopes that the person's
    role or the organization no longer allows are left out.

    Raises:
        PersonalTokenNotFoundError: it is not this person's, or what it stood on has ended.
        PersonalTokensDisabledError, AlreadyReplacedError, FormUsedError, ScopeNotGrantableError,
        TooManyPersonalTokensError: nothing was made.
    """
    with transaction.atomic():
        lock_purse(user_id, nonce)
        old = get_replaceable(token_id, user_id)
        assert old.membership is not None  # its standing was found good
        scope = format_scope(find_member_scopes(old.membership) & set(old.scope.split()))
        if not scope:
            raise ScopeNotGrantableError
        secret, new = create_personal_token(
            old.membership,
            label=old.label,
            scope=scope,
            tools=old.allowed_tools,
            days=max(1, round((old.expires_at - old.created_at) / timedelta(days=1))),
            nonce=nonce,
            replaces=old,
        )
        old.expires_at = min(old.expires_at, new.created_at + overlap)
        old.save(update_fields=["expires_at"])
        record_event(
            Event.PERSONAL_TOKEN_REPLACED,
            origin=origin,
            user_id=user_id,
            organization_id=new.organization_id,
            details={
                "label": new.label,
                "scope": scope,
                "id": new.id,
                "replaced_id": old.id,
                "replaced_works_until": old.expires_at.isoformat(),
            },
        )
        send_replaced_notice(new, old)
    return secret


def get_replaceable(token_id: UUID, user_id: UUID) -> PersonalAccessToken:
    """The person's token with its row locked, if another may take its place."""
    old = (
        PersonalAccessToken.objects.select_for_update(of=("self",))
        .select_related("user", "organization__policy", "membership", "replacement")
        .filter(id=token_id, user_id=user_id)
        .first()
    )
    if old is None or find_refusal(build_personal_standing(old)) is not None:
        raise PersonalTokenNotFoundError(str(token_id))
    if getattr(old, "replacement", None) is not None:
        raise AlreadyReplacedError
    living = find_living(user_id).exclude(id=old.id)
    active = living.filter(replacement__isnull=True)
    if active.count() >= MAX_ACTIVE or living.count() >= MAX_LIVING - 1:
        raise TooManyPersonalTokensError
    return old
