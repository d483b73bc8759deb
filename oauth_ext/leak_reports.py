"""Tokens and secrets that somebody found in public: whoever shows one has it revoked, and its
owner is told; of a client's secret, the operator.

Having the token is the proof, so nobody signs in for this. The report is answered alike whatever
was in it: it must never say whether a token exists, whose it is, or that it has ended before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.client_secret_mail import send_leaked_secret_notice
from oauth_ext.client_secrets import lock_client_of, remove_secret
from oauth_ext.connection_events import record_connection_event
from oauth_ext.errors import InvalidRequestError
from oauth_ext.families import revoke_family
from oauth_ext.machine_secrets import SecretKind, hash_candidates, is_well_formed
from oauth_ext.models import PersonalAccessToken, TokenFamily
from oauth_ext.personal_token_mail import send_leaked_notice, send_leaked_sign_in_notice
from oauth_ext.revocation import find_family_id
from oauth_ext.standing import find_personal_expiry

MAX_TOKENS = 100
REASON = "leaked"


@dataclass(frozen=True, slots=True)
class LeakedToken:
    """A token that somebody found, and where they say it was: claims, for the log only."""

    token: str
    url: str
    source: str


def parse_leak_report(document: Any) -> tuple[LeakedToken, ...]:
    """The tokens in a report: a list of objects as secret scanners send it, or one such object.

    Raises:
        InvalidRequestError: it has another shape, or more than a hundred tokens.
    """
    entries = document if isinstance(document, list) else [document]
    if len(entries) > MAX_TOKENS:
        raise InvalidRequestError("leak_report", f"Send at most {MAX_TOKENS} tokens at once.")
    found: dict[str, LeakedToken] = {}
    for entry in entries:
        token = entry.get("token") if isinstance(entry, dict) else None
        if not isinstance(token, str):
            raise InvalidRequestError(
                "leak_report", "Send a JSON list of objects, each with a token, a string."
            )
        where = {name: str(entry.get(name) or "") for name in ("url", "source")}
        found.setdefault(token.strip(), LeakedToken(token.strip(), **where))
    return tuple(found.values())


def revoke_leaked_tokens(leaked: Iterable[LeakedToken], *, origin: Origin) -> int:
    """End what still works of it, each with its row and a mail; returns how many that were."""
    return sum(revoke_leaked_token(token, origin=origin) for token in leaked)


def revoke_leaked_token(leaked: LeakedToken, *, origin: Origin) -> bool:
    """End one token, whichever kind it is; whether it was alive until now."""
    if leaked.token.startswith(SecretKind.PERSONAL_TOKEN.value):
        return revoke_personal(leaked, origin=origin)
    if leaked.token.startswith(SecretKind.CLIENT_SECRET.value):
        return revoke_client_secret(leaked, origin=origin)
    family_id = find_family_id(leaked.token)
    return family_id is not None and revoke_sign_in(leaked, family_id, origin=origin)


def revoke_personal(leaked: LeakedToken, *, origin: Origin) -> bool:
    """End a personal access token."""
    if not is_well_formed(leaked.token, SecretKind.PERSONAL_TOKEN):
        return False
    with transaction.atomic():
        token = (
            PersonalAccessToken.objects.select_for_update(of=("self",))
            .select_related("user", "organization__policy", "replaces__organization__policy")
            .filter(token_hash__in=hash_candidates(leaked.token), revoked_at__isnull=True)
            .first()
        )
        if token is None:
            return False
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record_event(
            Event.PERSONAL_TOKEN_LEAKED,
            origin=origin,
            reason=REASON,
            user_id=token.user_id,
            organization_id=token.organization_id,
            details={"label": token.label, "id": token.id, **build_claims(leaked)},
        )
        send_leaked_notice(token, predecessor_until=find_predecessor_end(token))
    return True


def find_predecessor_end(token: PersonalAccessToken) -> datetime | None:
    """Until when the token that this one replaced goes on working; None if it does not."""
    old = token.replaces
    if old is None or old.revoked_at is not None:
        return None
    expires_at = find_personal_expiry(old)
    return expires_at if expires_at > timezone.now() else None


def revoke_sign_in(leaked: LeakedToken, family_id: UUID, *, origin: Origin) -> bool:
    """End the family of a refresh token of any generation, or of an access token."""
    with transaction.atomic():
        family = (
            TokenFamily.objects.select_for_update(of=("self",))
            .select_related("connection__client", "connection__user", "connection__organization")
            .filter(id=family_id, revoked_at__isnull=True, expires_at__gt=timezone.now())
            .first()
        )
        if family is None:
            return False
        revoke_family(family.id, reason=REASON)
        record_connection_event(
            Event.SIGN_IN_LEAKED,
            family.connection,
            origin=origin,
            reason=REASON,
            details={"family": family.id, **build_claims(leaked)},
        )
        send_leaked_sign_in_notice(family.connection)
    return True


def revoke_client_secret(leaked: LeakedToken, *, origin: Origin) -> bool:
    """Remove a confidential client's secret; an operator gives it a new one."""
    with transaction.atomic():
        client = lock_client_of(leaked.token)
        if client is None:
            return False
        hint = client.secret_hint
        remove_secret(client)
        record_event(
            Event.CLIENT_SECRET_LEAKED,
            origin=origin,
            reason=REASON,
            client_id=client.client_id,
            details={"client_name": client.name, "hint": hint, **build_claims(leaked)},
        )
        send_leaked_secret_notice(client, hint)
    return True


def build_claims(leaked: LeakedToken) -> dict[str, str]:
    """Where it was found, as a stranger says; the recorder bounds it and takes secrets out."""
    return {"claimed_url": leaked.url, "claimed_source": leaked.source}
