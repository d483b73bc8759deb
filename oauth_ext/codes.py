"""Authorization codes: issued by consent, redeemed once, dangerous when they come twice.

Redeeming is one transaction that locks the code first (RFC 6749 §4.1.2). A used code stays as a
tombstone pointing at its token family: a replay means that somebody else has the code, so the
family dies. A duplicate from the same client within ten seconds, verifier and all, is a lost
answer being retried; it is refused and harms nobody.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from activity.events import Event, Outcome
from activity.origin import Origin
from oauth_ext.connection_events import record_connection_event, refusals_about
from oauth_ext.errors import NOT_GRANTABLE, InvalidGrantError, InvalidScopeError
from oauth_ext.families import IssuedTokens, issue_family, revoke_family
from oauth_ext.machine_secrets import (
    SecretKind,
    derive_secret,
    hash_candidates,
    hash_secret,
    is_well_formed,
)
from oauth_ext.models import AuthorizationCode, Client, Connection
from oauth_ext.policies import limit_sign_in, name_narrowing, narrow_to_grantable
from oauth_ext.redirect_uris import is_match
from oauth_ext.resources import resolve_resource
from oauth_ext.scopes import parse_scope
from oauth_ext.standing import find_connection_standing, find_issuing_refusal

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
RETRY_TOLERANCE = timedelta(seconds=10)
MAX_FAILURES = 5
# Said while the code still works; whoever may try again should know what to change.
WRONG_VERIFIER = "code_verifier does not match code_challenge."


@dataclass(frozen=True, slots=True)
class CodeRedemption:
    """An untrusted token request with a code (RFC 6749 §4.1.3, RFC 7636 §4.5)."""

    code: str
    client: Client
    redirect_uri: str
    code_verifier: str
    resources: tuple[str, ...]
    scope: str = ""


def issue_code(
    connection: Connection,
    *,
    redirect_uri: str,
    scope: str,
    code_challenge: str,
    resource: str,
    consent_nonce: str,
    origin: Origin,
) -> str:
    """The code of a consent page, for 60 seconds; only keyed hashes of it and the page are kept.

    Raises:
        django.db.IntegrityError: this page has had its code.
    """
    secret = derive_code(consent_nonce)
    AuthorizationCode.objects.create(
        code=hash_secret(secret),
        user_id=connection.user_id,
        application_id=connection.client_id,
        connection=connection,
        expires=timezone.now() + timedelta(seconds=settings.AUTHORIZATION_CODE_TTL),
        redirect_uri=redirect_uri,
        scope=scope,
        code_challenge=code_challenge,
        code_challenge_method=AuthorizationCode.CODE_CHALLENGE_S256,
        resource=[resource],
        consent_nonce=hash_nonce(consent_nonce),
    )
    record_connection_event(
        Event.CODE_ISSUED,
        connection,
        origin=origin,
        details={"scope": scope},
    )
    return secret


def derive_code(consent_nonce: str) -> str:
    """The code that belongs to a consent page.

    Derived, so that a form that is sent twice can be answered twice: the browser shows only the
    last answer. The page alone has the nonce, so what is stored yields no code.
    """
    return derive_secret(SecretKind.AUTHORIZATION_CODE, under=consent_nonce)


def find_page_code(consent_nonce: str) -> AuthorizationCode | None:
    """The row of the code that a consent page has had, whatever became of it."""
    code: AuthorizationCode | None = (
        AuthorizationCode.objects.select_related("connection__client")
        .filter(consent_nonce=hash_nonce(consent_nonce))
        .first()
    )
    return code


def burn_codes(connection: Connection) -> None:
    """Make every code of the connection that nobody has used worth nothing.

    Waits for an exchange that holds one, so that its family can be found afterwards.
    """
    AuthorizationCode.objects.filter(connection=connection, consumed_at__isnull=True).update(
        failures=MAX_FAILURES
    )


def hash_nonce(consent_nonce: str) -> str:
    """What is stored of a consent page; under no pepper, so that a new one frees no old page."""
    return hashlib.sha256(consent_nonce.encode()).hexdigest()[:32]


def redeem_code(redemption: CodeRedemption, *, origin: Origin) -> IssuedTokens:
    """Consume the code and start its token family. Call it inside a transaction.

    Raises:
        InvalidGrantError, InvalidScopeError: and then nothing was consumed; what must stay (a
            burnt code, a family that died of a replay) is for the caller's transaction to commit.
    """
    code = lock_code(redemption)
    with refusals_about(code.connection):
        return exchange_code(code, redemption, origin=origin)


def exchange_code(
    code: AuthorizationCode, redemption: CodeRedemption, *, origin: Origin
) -> IssuedTokens:
    """The tokens for a code whose row is locked and is this client's."""
    if code.consumed_at is not None:
        refuse_replay(code, redemption, origin=origin)
    check_proof(code, redemption)
    standing = find_connection_standing(code.connection_id)
    refusal = find_issuing_refusal(standing) if standing else None
    if standing is None or refusal:
        raise InvalidGrantError(refusal.reason if refusal else "connection_unknown")
    usable = narrow_to_grantable(code.scope, standing.role, standing.allowed_scopes)
    if not usable:
        raise InvalidScopeError(name_narrowing(code.scope, standing.role), NOT_GRANTABLE)
    issued = issue_family(
        code.connection,
        scope=code.scope,
        usable=usable,
        resource=resolve_resource(redemption.resources),
        limits=limit_sign_in(standing.max_idle_days, standing.max_sign_in_days),
        origin=origin,
    )
    code.consumed_at = timezone.now()
    code.family_id = issued.family_id
    code.save(update_fields=["consumed_at", "family", "updated"])
    return issued


def lock_code(redemption: CodeRedemption) -> AuthorizationCode:
    """The code's row, locked until the transaction ends, if it is this client's."""
    if not is_well_formed(redemption.code, SecretKind.AUTHORIZATION_CODE):
        raise InvalidGrantError("code_unknown")
    code: AuthorizationCode | None = (
        AuthorizationCode.objects.select_for_update(of=("self",))
        .select_related("connection__client")
        .filter(code__in=hash_candidates(redemption.code))
        .first()
    )
    if code is None:
        raise InvalidGrantError("code_unknown")
    # A stranger who found the code cannot burn it: the rightful client may still use it.
    if code.application_id != redemption.client.pk:
        raise InvalidGrantError("code_client")
    return code


def check_proof(code: AuthorizationCode, redemption: CodeRedemption) -> None:
    """Expiry, redirect URI and PKCE. Five wrong verifiers burn the code."""
    if code.is_expired():
        raise InvalidGrantError("code_expired")
    if code.failures >= MAX_FAILURES:
        raise InvalidGrantError("code_burnt")
    if redemption.redirect_uri and redemption.redirect_uri != code.redirect_uri:
        raise InvalidGrantError("code_redirect")
    # An operator may have taken the redirect URI away while the code was on its way.
    if not any(is_match(uri, code.redirect_uri) for uri in redemption.client.redirect_uri_list):
        raise InvalidGrantError("redirect_removed")
    # RFC 6749 §3.3: what was consented to is the most there is; asking for more burns nothing.
    if not set(parse_scope(redemption.scope)) <= set(code.scope.split()):
        raise InvalidScopeError("scope")
    if not redemption.code_verifier:
        raise InvalidGrantError("pkce_verifier_missing", "code_verifier is missing.")
    if not is_proven(code, redemption.code_verifier):
        code.failures += 1
        code.save(update_fields=["failures"])
        if code.failures >= MAX_FAILURES:
            raise InvalidGrantError("pkce_mismatch")
        raise InvalidGrantError("pkce_mismatch", WRONG_VERIFIER)


def is_proven(code: AuthorizationCode, verifier: str) -> bool:
    """RFC 7636 §4.6: whether the verifier hashes to the challenge; a damaged row never proves."""
    if not VERIFIER.fullmatch(verifier) or code.code_challenge_method != "S256":
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(computed, code.code_challenge)


def refuse_replay(code: AuthorizationCode, redemption: CodeRedemption, *, origin: Origin) -> None:
    """RFC 6749 §4.1.2: a code used twice is refused, and what it yielded SHOULD be revoked."""
    assert code.consumed_at is not None
    recent = timezone.now() - code.consumed_at < RETRY_TOLERANCE
    if recent and is_proven(code, redemption.code_verifier):
        raise InvalidGrantError("code_repeated")
    if code.family_id is not None:
        revoke_family(code.family_id, reason="code_replayed")
    connection = code.connection
    record_connection_event(
        Event.CODE_REPLAYED,
        connection,
        origin=origin,
        outcome=Outcome.REFUSED,
        reason="code_replayed",
    )
    raise InvalidGrantError("code_replayed")
