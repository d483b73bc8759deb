"""From a bearer token to a Principal, or a refusal. Runs on every request to the resource.

A valid signature is only the ticket to the question; the answer comes from the database, in one
query, every time. A database fault passes through: it must never look like a bad credential.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.call_allowances import (
    Allowance,
    draw_alone,
    is_asking,
    open_shares,
    settle_allowance,
)
from accounts.models import ADMINISTRATORS
from activity.events import Event
from activity.origin import Origin, name_network
from activity.recorder import record_event
from activity.subject import Subject
from oauth_ext.machine_secrets import SecretKind, hash_candidates, is_well_formed
from oauth_ext.models import Connection, PersonalAccessToken
from oauth_ext.policies import find_grantable_scopes, find_organization_scopes
from oauth_ext.standing import (
    NO_ORGANIZATION,
    REVOKED_OR_EXPIRED,
    Refusal,
    Standing,
    build_personal_standing,
    find_connection_standing,
    find_personal_expiry,
    find_refusal,
    find_standing_and_draw,
)
from oauth_ext.tokens import AccessTokenClaims, AccessTokenInvalidError, parse_access_token

MISSING = "Missing bearer token"
INVALID = "Invalid token"
TOUCH_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, for which organization, through what, with which scopes.

    ``client_id`` is empty and ``connection_id`` None for a personal access token. ``scopes`` are
    what the token carries and the person's role and the organization allow at this moment.
    ``organization_scopes`` are the most that the organization allows anybody, ``hidden_tools`` what
    it lets nobody call. ``allowed_tools`` are the only ones a personal access token may call; None
    narrows nothing. ``allowance`` is what the limits on calls have left for this one.
    """

    user_id: UUID
    email: str
    user_name: str
    organization_id: UUID
    organization_name: str
    role: str
    client_id: str
    client_name: str
    connection_id: UUID | None
    family_id: UUID | None
    personal_token_id: UUID | None
    scopes: frozenset[str]
    allowed_tools: frozenset[str] | None
    organization_scopes: frozenset[str]
    hidden_tools: frozenset[str]
    expires_at: datetime
    last_used_at: datetime | None
    allowance: Allowance

    @property
    def named_in_log(self) -> dict[str, str]:
        """What the details of a row say of a personal access token; nothing for a connection."""
        if self.personal_token_id is None:
            return {}
        return name_personal_token(self.personal_token_id, self.client_name)

    @property
    def caller(self) -> str:
        """What is counted: the connection, or all personal access tokens of the person here."""
        return name_caller(self.user_id, self.organization_id, self.connection_id)

    @property
    def is_administrator(self) -> bool:
        """Whether the person may see and cut what others in the organization connected."""
        return self.role in ADMINISTRATORS


def name_caller(
    user_id: UUID | None, organization_id: UUID | None, connection_id: UUID | None
) -> str:
    """Whose calls are one count; another personal access token would be another in no time."""
    return Subject(user_id, organization_id, connection_id=connection_id).name_source()


def name_personal_token(token_id: UUID, label: str) -> dict[str, str]:
    """Which personal access token a row is about; rows have columns for connections only."""
    return {"personal_access_id": str(token_id), "label": label}


class TokenRefusedError(Exception):
    """The token is not accepted.

    Args:
        reason: the slug for the log.
        description: the ``error_description`` for the client (RFC 6750 §3).
        details: which personal access token it was, for the log.
    """

    def __init__(
        self,
        reason: str,
        description: str,
        *,
        user_id: UUID | None = None,
        organization_id: UUID | None = None,
        client_id: str = "",
        connection_id: UUID | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.description = description
        self.user_id = user_id
        self.organization_id = organization_id
        self.client_id = client_id
        self.connection_id = connection_id
        self.details = details or {}


def verify_bearer(token: str, *, is_counted: bool = False) -> Principal:
    """The principal of a bearer token: a JWT access token or a personal access token.

    Args:
        is_counted: whether a call is to be made, so that the limits on calls are asked as well.

    Raises:
        TokenRefusedError: with the reason for the log and the text for the client.
        django.db.Error: the database did not answer; this says nothing about the token.
    """
    if token.startswith(SecretKind.PERSONAL_TOKEN.value):
        return _verify_personal_token(token, is_counted)
    if token.startswith("mcp_"):
        raise TokenRefusedError("wrong_token_kind", INVALID)
    try:
        claims = parse_access_token(token)
    except AccessTokenInvalidError as error:
        if error.claims is None:
            raise TokenRefusedError(error.reason, INVALID) from error
        raise _refuse_claims(error.claims, error.reason, REVOKED_OR_EXPIRED) from error
    return _verify_claims(claims, is_counted)


def _refuse_claims(claims: AccessTokenClaims, reason: str, description: str) -> TokenRefusedError:
    """A refusal that says whose token it was: we signed it ourselves."""
    return TokenRefusedError(
        reason,
        description,
        user_id=claims.user_id,
        organization_id=claims.organization_id,
        client_id=claims.client_id,
        connection_id=claims.connection_id,
    )


def _verify_claims(claims: AccessTokenClaims, is_counted: bool) -> Principal:
    if claims.organization_id is None:
        raise _refuse_claims(claims, "no_organization", NO_ORGANIZATION)
    caller = name_caller(claims.user_id, claims.organization_id, claims.connection_id)
    shares = open_shares(caller, claims.organization_id) if is_counted else ()
    drawn: Sequence[Any] | None = None
    if is_asking(shares):
        standing, drawn = find_standing_and_draw(
            claims.connection_id, claims.family_id, claims.organization_id, shares
        )
    else:
        standing = find_connection_standing(claims.connection_id, claims.family_id)
    if standing is None or standing.family_revoked is None:
        raise _refuse_claims(claims, "connection_unknown", REVOKED_OR_EXPIRED)
    refusal = find_refusal(standing)
    if refusal:
        raise _refuse_claims(claims, refusal.reason, refusal.description)
    # What we signed and what the row says must be one story; a difference is a forged row.
    told = (claims.user_id, claims.organization_id, claims.client_id)
    if told != (standing.user_id, standing.organization_id, standing.client_id):
        raise _refuse_claims(claims, "claims_mismatch", INVALID)
    return _build_principal(
        standing,
        scopes=claims.scopes,
        expires_at=datetime.fromtimestamp(claims.expires_at, UTC),
        connection_id=claims.connection_id,
        family_id=claims.family_id,
        allowance=settle_allowance(shares, drawn),
    )


def _verify_personal_token(secret: str, is_counted: bool) -> Principal:
    if not is_well_formed(secret, SecretKind.PERSONAL_TOKEN):
        raise TokenRefusedError("personal_token_malformed", INVALID)
    if not settings.PERSONAL_TOKENS_ENABLED:
        raise TokenRefusedError("personal_tokens_disabled", REVOKED_OR_EXPIRED)
    token = (
        PersonalAccessToken.objects.select_related("user", "organization__policy", "membership")
        .filter(token_hash__in=hash_candidates(secret))
        .first()
    )
    if token is None:
        raise TokenRefusedError("personal_token_unknown", INVALID)
    standing = build_personal_standing(token)
    expires_at = find_personal_expiry(token)
    refusal = find_refusal(standing)
    if refusal is None and expires_at <= timezone.now():
        refusal = Refusal("personal_token_expired", REVOKED_OR_EXPIRED)
    if refusal:
        raise TokenRefusedError(
            refusal.reason,
            refusal.description,
            user_id=token.user_id,
            organization_id=token.organization_id,
            details=name_personal_token(token.id, token.label),
        )
    assert token.organization_id is not None  # find_refusal has passed
    caller = name_caller(token.user_id, token.organization_id, None)
    shares = open_shares(caller, token.organization_id) if is_counted else ()
    return _build_principal(
        standing,
        scopes=frozenset(token.scope.split()),
        allowed_tools=None if token.allowed_tools is None else frozenset(token.allowed_tools),
        expires_at=expires_at,
        personal_token_id=token.id,
        allowance=settle_allowance(shares, draw_alone(shares) if is_asking(shares) else None),
    )


def _build_principal(
    standing: Standing,
    *,
    scopes: frozenset[str],
    expires_at: datetime,
    allowance: Allowance,
    connection_id: UUID | None = None,
    family_id: UUID | None = None,
    personal_token_id: UUID | None = None,
    allowed_tools: frozenset[str] | None = None,
) -> Principal:
    # find_refusal has passed, so the organization and the membership exist.
    assert standing.organization_id and standing.organization_name is not None and standing.role
    return Principal(
        user_id=standing.user_id,
        email=standing.email,
        user_name=standing.user_name or standing.email,
        organization_id=standing.organization_id,
        organization_name=standing.organization_name,
        role=standing.role,
        client_id=standing.client_id,
        client_name=standing.client_name,
        connection_id=connection_id,
        family_id=family_id,
        personal_token_id=personal_token_id,
        scopes=scopes & find_grantable_scopes(standing.role, standing.allowed_scopes),
        allowed_tools=allowed_tools,
        organization_scopes=find_organization_scopes(standing.allowed_scopes),
        hidden_tools=standing.hidden_tools,
        expires_at=expires_at,
        last_used_at=standing.last_used_at,
        allowance=allowance,
    )


def record_use(principal: Principal, *, origin: Origin) -> None:
    """Keep "last used" true to the minute, and record the first use of a personal token."""
    now = timezone.now()
    if principal.last_used_at and now - principal.last_used_at < TOUCH_INTERVAL:
        return
    if principal.connection_id is not None:
        Connection.objects.filter(id=principal.connection_id).update(last_used_at=now)
        return
    assert principal.personal_token_id is not None
    tokens = PersonalAccessToken.objects.filter(id=principal.personal_token_id)
    used = {"last_used_at": now, "last_used_network": name_network(origin.ip)}
    # Of several first calls at once, the one whose update finds NULL records it.
    if principal.last_used_at is None and tokens.filter(last_used_at__isnull=True).update(**used):
        record_event(
            Event.PERSONAL_TOKEN_FIRST_USED,
            origin=origin,
            user_id=principal.user_id,
            organization_id=principal.organization_id,
            details={"label": principal.client_name},
        )
        return
    # Of many calls at once, one writes: the row is not rewritten for each of them.
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - TOUCH_INTERVAL)
    tokens.filter(stale).update(**used)
