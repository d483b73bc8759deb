"""Refreshing: rotation that never logs out an honest client and never misses a theft.

Each refresh supersedes the presented token by a new one. Clients repeat themselves: answers get
lost, processes share one token. The predecessor therefore yields the same successor again for 60
seconds, from a copy that only the predecessor itself can unseal. Whatever comes later, or from
further back, is theft: the family dies and the person is told (RFC 9700 §4.14.2).
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import OuterRef
from django.utils import timezone

from activity.events import Event, Outcome
from activity.origin import Origin
from oauth_ext.connection_events import record_connection_event, refusals_about
from oauth_ext.errors import (
    NOT_GRANTABLE,
    InvalidGrantError,
    InvalidScopeError,
    OutOfStepError,
    TooManyRequestsError,
)
from oauth_ext.families import (
    IssuedTokens,
    compute_refresh_expiry,
    revoke_family,
    sign_access_token,
)
from oauth_ext.machine_secrets import (
    SecretKind,
    hash_candidates,
    hash_secret,
    is_well_formed,
    mint_secret,
    name_pepper,
    seal,
    unseal,
)
from oauth_ext.models import Client, RefreshToken, TokenFamily
from oauth_ext.policies import (
    SignInLimits,
    limit_sign_in,
    name_narrowing,
    narrow_to_grantable,
)
from oauth_ext.resources import resolve_resource
from oauth_ext.scopes import format_scope
from oauth_ext.standing import (
    PASSING,
    Standing,
    find_connection_standing,
    find_issuing_refusal,
)
from oauth_ext.theft_notice import send_theft_notice

# Far above what parallel processes of one person send in a minute; a loop is slowed down.
MAX_REPLAYS = 100
# New tokens of one family in a minute; repeating a rotation makes none and does not count.
MAX_ROTATIONS = 12
ROTATION_SECONDS = 60


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """An untrusted refresh (RFC 6749 §6). ``scope`` may narrow the access token, never widen."""

    refresh_token: str
    client: Client
    scope: str
    resources: tuple[str, ...]


def refresh(request: RefreshRequest, *, origin: Origin) -> IssuedTokens:
    """Rotate the token, or repeat the rotation inside the window. Call it inside a transaction.

    Raises:
        InvalidGrantError: unknown, expired, revoked, or replayed; in the last case the family
            has died, which is for the caller's transaction to commit.
        InvalidScopeError, InvalidTargetError: asked for more; nothing was rotated.
        TooManyRequestsError: a loop, or a fault of ours; nothing was rotated, and the same token
            works later.
    """
    token = lock_token(request)
    with refusals_about(token.family.connection):
        return refresh_token(token, request, origin=origin)


def refresh_token(token: RefreshToken, request: RefreshRequest, *, origin: Origin) -> IssuedTokens:
    """The tokens for a refresh token whose family is locked and is this client's."""
    now = timezone.now()
    standing = get_standing(token, now, origin=origin)
    asked = narrow_scope(token.family, request.scope)
    scope = narrow_to_grantable(asked, standing.role, standing.allowed_scopes)
    if not scope:
        raise InvalidScopeError(name_narrowing(asked, standing.role), NOT_GRANTABLE)
    resolve_resource(request.resources)
    if token.superseded_at is not None:
        successor = repeat_rotation(token, request.refresh_token)
        record_refresh(token.family, origin=origin, reason="same_successor", scope=scope)
    elif token.expires_at <= now:
        raise InvalidGrantError("refresh_expired")
    else:
        check_rotations(token, now)
        limits = limit_sign_in(standing.max_idle_days, standing.max_sign_in_days)
        successor = rotate(token, request.refresh_token, now, limits)
        record_refresh(token.family, origin=origin, reason="", scope=scope)
    access_token = sign_access_token(token.family, token.family.connection, scope)
    return IssuedTokens(token.family_id, access_token, successor, scope)


def lock_token(request: RefreshRequest) -> RefreshToken:
    """The presented token with its family locked: refreshes and revocations of it take turns."""
    if not is_well_formed(request.refresh_token, SecretKind.REFRESH_TOKEN):
        raise InvalidGrantError("refresh_unknown")
    checksums = hash_candidates(request.refresh_token)
    family = (
        TokenFamily.objects.select_for_update(of=("self",))
        .select_related("connection__client")
        .filter(refresh_tokens__token_checksum__in=checksums)
        .first()
    )
    if family is None:
        raise InvalidGrantError("refresh_unknown")
    if family.connection.client_id != request.client.pk:
        raise InvalidGrantError("refresh_client")
    # Read again: another refresh may have superseded it while we waited for the lock.
    token: RefreshToken = with_earlier_rotation().get(token_checksum__in=checksums)
    token.family = family
    return token


def with_earlier_rotation() -> Any:
    """Refresh tokens, each with when the one twelve generations before it was superseded.

    Since each rotation is a generation, that one time says whether there were twelve in a minute,
    whatever the family's age, and it costs no statement of its own.
    """
    earlier = RefreshToken.objects.filter(
        family=OuterRef("family"), generation=OuterRef("generation") - MAX_ROTATIONS
    )
    return RefreshToken.objects.annotate(earlier_rotation=earlier.values("superseded_at"))


def check_rotations(token: Any, now: datetime) -> None:
    """Raise if the family rotates in a loop; nothing is, so the same token works later."""
    if token.earlier_rotation is None:
        return
    seconds = ROTATION_SECONDS - (now - token.earlier_rotation).total_seconds()
    if seconds > 0:
        raise TooManyRequestsError("rotation_limit", retry_after=math.ceil(seconds))


def get_standing(token: RefreshToken, now: datetime, *, origin: Origin) -> Standing:
    """Raise if the sign-in has ended or changed, or if the token shows that it was stolen.

    A thief must not go unnoticed because the account is suspended, or because they ask for more
    than there is. Where nothing can come back to life, there is nothing to steal either.
    """
    family = token.family
    standing = find_connection_standing(family.connection_id, family.id)
    if standing is None:
        raise InvalidGrantError("connection_unknown")
    refusal = find_issuing_refusal(standing)
    is_over = refusal is not None and refusal.reason not in PASSING
    if not is_over and is_replay(token, now):
        end_stolen_family(family, origin=origin)
        raise InvalidGrantError("refresh_replayed")
    if refusal:
        raise InvalidGrantError(refusal.reason)
    return standing


def is_replay(token: RefreshToken, now: datetime) -> bool:
    """Whether the token has a successor that it may not be exchanged for any more."""
    if token.superseded_at is None:
        return False
    # Without a sealed copy the successor is in use already: this token is from further back.
    in_window = now - token.superseded_at < timedelta(seconds=settings.REFRESH_WINDOW)
    return not in_window or token.sealed_successor is None


def narrow_scope(family: TokenFamily, requested: str) -> str:
    """RFC 6749 §6: the scope MUST NOT include any that was not originally granted.

    Names that mean nothing here, ``offline_access`` among them, are left out.
    """
    granted = frozenset(family.scope.split())
    wanted = frozenset(requested.split()) & frozenset(settings.OAUTH2_PROVIDER["SCOPES"])
    if not wanted:
        return family.scope
    if not wanted <= granted:
        raise InvalidScopeError("scope")
    return format_scope(wanted)


def rotate(token: RefreshToken, secret: str, now: datetime, limits: SignInLimits) -> str:
    """Supersede the current token; the new one is kept hashed, and sealed under the old."""
    successor = mint_secret(SecretKind.REFRESH_TOKEN)
    token.superseded_at = now
    token.sealed_successor = seal(successor, under=secret)
    token.save(update_fields=["superseded_at", "sealed_successor", "updated"])
    RefreshToken.objects.create(
        token_checksum=hash_secret(successor),
        pepper_id=name_pepper(),
        user_id=token.user_id,
        application_id=token.application_id,
        family=token.family,
        generation=token.generation + 1,
        expires_at=compute_refresh_expiry(token.family, now, limits),
    )
    # The presented token is in use, so whoever sent it has it: its own sealed copy can go.
    RefreshToken.objects.filter(
        family=token.family, generation=token.generation - 1, sealed_successor__isnull=False
    ).update(sealed_successor=None)
    TokenFamily.objects.filter(id=token.family_id).update(refreshed_at=now)
    return successor


def repeat_rotation(token: RefreshToken, secret: str) -> str:
    """The same successor again, of a token that is no replay.

    Raises:
        OutOfStepError: another server sealed it under a pepper that is not known here. That is
            no theft: nothing ends, and clients keep their tokens over a 503.
        TooManyRequestsError: it came far too often.
    """
    assert token.sealed_successor is not None
    successor = unseal(bytes(token.sealed_successor), under=secret)
    if successor is None:
        raise OutOfStepError("pepper_unknown")
    if token.replays >= MAX_REPLAYS:
        raise TooManyRequestsError("refresh_loop", "Too many refreshes with one token.")
    RefreshToken.objects.filter(pk=token.pk).update(replays=token.replays + 1)
    return successor


def end_stolen_family(family: TokenFamily, *, origin: Origin) -> None:
    """Two holders of one token: end the family, record it, and tell the person."""
    revoke_family(family.id, reason="refresh_replayed")
    connection = family.connection
    record_connection_event(
        Event.REFRESH_TOKEN_REPLAYED,
        connection,
        origin=origin,
        outcome=Outcome.REFUSED,
        reason="refresh_replayed",
        details={"family": family.id},
    )
    send_theft_notice(connection)


def record_refresh(family: TokenFamily, *, origin: Origin, reason: str, scope: str) -> None:
    """One row for each answer, also for a repeated one."""
    connection = family.connection
    record_connection_event(
        Event.TOKEN_REFRESHED,
        connection,
        origin=origin,
        reason=reason,
        details={"scope": scope, "family": family.id},
    )
