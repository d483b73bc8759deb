"""Token families: everything that descends from one code, as one thing that lives or dies."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from activity.events import Event
from activity.origin import Origin
from oauth_ext.connection_events import record_connection_event
from oauth_ext.machine_secrets import SecretKind, hash_secret, mint_secret, name_pepper
from oauth_ext.models import Connection, RefreshToken, TokenFamily
from oauth_ext.policies import SignInLimits
from oauth_ext.tokens import mint_access_token


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What a successful token response carries (RFC 6749 §5.1)."""

    family_id: UUID
    access_token: str
    refresh_token: str
    scope: str


def issue_family(
    connection: Connection,
    *,
    scope: str,
    usable: str,
    resource: str,
    limits: SignInLimits,
    origin: Origin,
) -> IssuedTokens:
    """Start a family: its first refresh token and its first access token, with the row.

    Args:
        scope: what the person allowed; it stays the family's for good.
        usable: the part of it that the person's role allows now.
    """
    now = timezone.now()
    family = TokenFamily.objects.create(
        connection=connection,
        scope=scope,
        resource=resource,
        created_at=now,
        expires_at=now + limits.total,
    )
    secret = mint_secret(SecretKind.REFRESH_TOKEN)
    RefreshToken.objects.create(
        token_checksum=hash_secret(secret),
        pepper_id=name_pepper(),
        user_id=connection.user_id,
        application_id=connection.client_id,
        family=family,
        expires_at=compute_refresh_expiry(family, now, limits),
    )
    record_connection_event(
        Event.TOKEN_ISSUED,
        connection,
        origin=origin,
        details={"scope": usable, "family": family.id},
    )
    return IssuedTokens(family.id, sign_access_token(family, connection, usable), secret, usable)


def compute_refresh_expiry(family: TokenFamily, now: datetime, limits: SignInLimits) -> datetime:
    """The idle time from now, but never beyond the family's own end."""
    return min(now + limits.idle, family.expires_at)


def sign_access_token(family: TokenFamily, connection: Connection, scope: str) -> str:
    """An access token of this family."""
    assert connection.organization_id is not None  # its standing was found good
    return mint_access_token(
        user_id=connection.user_id,
        organization_id=connection.organization_id,
        client_id=connection.client.client_id,
        connection_id=connection.id,
        family_id=family.id,
        scope=scope,
    )


def revoke_family(family_id: UUID, *, reason: str) -> bool:
    """End a family and forget its sealed successors; whether it was alive until now.

    Waits for a refresh that holds the family, so that none survives (invariants I-3, I-4).
    """
    ended = TokenFamily.objects.filter(id=family_id, revoked_at__isnull=True).update(
        revoked_at=timezone.now(), revoke_reason=reason
    )
    RefreshToken.objects.filter(family_id=family_id, sealed_successor__isnull=False).update(
        sealed_successor=None
    )
    return bool(ended)
