"""Consent: what a person was shown, and what they decided.

Consent is always asked for: any program can claim any name (RFC 8252 §8.6). The form carries the
decision and a signed digest of what was shown; the request itself is validated again from the
query, so a changed form changes nothing but its own refusal. A form that is sent again, by a
double click or the back button, gets the answer it got before, for as long as that is of use.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from django.core import signing
from django.db import IntegrityError, transaction

from accounts.models import Membership, User
from activity.events import Event, Outcome
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.authorization_request import AuthorizationRequest
from oauth_ext.client_changes import describe_state, is_outdated
from oauth_ext.codes import burn_codes, derive_code, find_page_code, issue_code
from oauth_ext.connection_events import record_connection_event
from oauth_ext.connections import end_connection, narrow_families
from oauth_ext.errors import UnredirectableError
from oauth_ext.machine_secrets import hash_secret
from oauth_ext.models import AuthorizationCode, Client, Connection
from oauth_ext.policies import name_narrowing
from oauth_ext.scopes import format_scope
from oauth_ext.standing import find_member_scopes, is_before

SHOWN_FOR = timedelta(minutes=10)
SALT = "oauth_ext.consent"
EXPIRED = (
    "This page was open for too long, or was opened in another browser or account. "
    "Nothing was allowed. Go back to the application and connect again."
)
USED = (
    "This page has been used already, so nothing more was allowed. Go back to the application. "
    "If it is not connected there, connect it again."
)
ALLOWED = (
    "You allowed this already. To take it back, disconnect the application under Settings, "
    "AI access."
)
NOT_A_MEMBER = "You are not a member of that organization."
NOTHING_LEFT = "That organization allows you nothing of what the application asks for."


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's Allow: for which organization (by membership) and with which scopes.

    ``nonce`` is the secret of the page that they pressed it on.
    """

    request: AuthorizationRequest
    membership: Membership
    scopes: tuple[str, ...]
    nonce: str


def sign_shown(request: AuthorizationRequest, *, user: User, session_key: str) -> str:
    """A digest of what is about to be shown, for this person in this browser."""
    shown = [secrets.token_hex(32), compute_shown(request, user, session_key)]
    return signing.dumps(shown, salt=SALT)


def verify_shown(
    digest: str, request: AuthorizationRequest, *, user: User, session_key: str
) -> str:
    """The one-time nonce of the page that this decision came from.

    Raises:
        UnredirectableError: the page is older than ten minutes, or showed something else, or
            was shown to somebody else or in another browser.
    """
    try:
        nonce, shown = signing.loads(digest, salt=SALT, max_age=SHOWN_FOR)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise UnredirectableError("consent_digest", EXPIRED) from error
    if shown != compute_shown(request, user, session_key):
        raise UnredirectableError("consent_changed", EXPIRED)
    return str(nonce)


def compute_shown(request: AuthorizationRequest, user: User, session_key: str) -> str:
    """Everything that the decision is about, as one hash."""
    destination = request.destination
    parts = (
        destination.client.client_id,
        destination.client.name,
        str(destination.client.revision),
        destination.redirect_uri,
        destination.state,
        request.code_challenge,
        request.resource,
        *request.scopes,
        str(user.pk),
        session_key,
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def record_shown(request: AuthorizationRequest, *, user: User, origin: Origin) -> None:
    """The page is about to be seen."""
    record_event(
        Event.CONSENT_SHOWN,
        origin=origin,
        user_id=user.pk,
        client_id=request.destination.client.client_id,
        details={
            "scope": format_scope(request.scopes),
            "redirect_uri": request.destination.redirect_uri,
        },
    )


def grant_consent(consent: Consent, *, origin: Origin) -> str:
    """Make or widen the connection and issue its code, in one transaction with the rows.

    Returns:
        The authorization code.

    Raises:
        UnredirectableError: the page had another answer before, or one that is of no more use;
            or the membership or its role ended meanwhile.
    """
    try:
        return issue_for(consent, origin=origin)
    except IntegrityError:
        # The nonce is unique among codes: one page, one code.
        code = find_page_code(consent.nonce)
        if code is None:
            raise
        return repeat_code(consent, code, origin=origin)


def repeat_code(consent: Consent, code: AuthorizationCode, *, origin: Origin) -> str:
    """The code that the page has had, again, if this is the same Allow and nobody used it yet."""
    grantable = find_member_scopes(consent.membership)
    secret = derive_code(consent.nonce)
    if (
        code.connection.membership_id != consent.membership.id
        or code.scope != format_scope(grantable & set(consent.scopes))
        or code.connection.revoked_at is not None
        or code.consumed_at is not None
        or code.is_expired()
        or code.code != hash_secret(secret)
    ):
        raise UnredirectableError("consent_reused", USED)
    record_connection_event(
        Event.CODE_REPEATED, code.connection, origin=origin, details={"scope": code.scope}
    )
    return secret


def issue_for(consent: Consent, *, origin: Origin) -> str:
    """The connection, its row and its code: all or nothing."""
    with transaction.atomic():
        client = lock_shown_client(consent)
        existing = lock_connection(consent)
        # After the connection: whoever ends a membership takes the two in this order.
        consent = lock_consent(consent)
        connection = open_connection(consent, client, existing, origin=origin)
        scope = format_scope(consent.scopes)
        record_connection_event(
            Event.CONSENT_GRANTED,
            connection,
            origin=origin,
            details={"scope": scope},
        )
        return issue_code(
            connection,
            redirect_uri=consent.request.destination.redirect_uri,
            scope=scope,
            code_challenge=consent.request.code_challenge,
            resource=consent.request.resource,
            consent_nonce=consent.nonce,
            origin=origin,
        )


def lock_shown_client(consent: Consent) -> Client:
    """The client in the revision that was shown, held so that it cannot change under the answer.

    It is the first lock of all, so the answers for one client take turns.

    Raises:
        UnredirectableError: it has another revision by now.
    """
    shown = consent.request.destination.client
    clients = Client.objects.select_for_update(no_key=True)
    client: Client | None = clients.filter(pk=shown.pk, revision=shown.revision).first()
    if client is None:
        raise UnredirectableError("consent_changed", EXPIRED)
    return client


def lock_connection(consent: Consent) -> Connection | None:
    """The person's active connection of this client to this organization, locked."""
    return (
        # No key, so that an exchange whose code we wait for can still add its family.
        Connection.objects.select_for_update(of=("self",), no_key=True)
        .select_related("client")
        .filter(
            user_id=consent.membership.user_id,
            client=consent.request.destination.client,
            organization_id=consent.membership.organization_id,
            revoked_at__isnull=True,
        )
        .first()
    )


def lock_consent(consent: Consent) -> Consent:
    """The consent as the membership allows it now; the membership cannot end before we commit.

    Raises:
        UnredirectableError: it has ended, or its role allows nothing of this.
    """
    membership = (
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .select_related("organization__policy", "user")
        .filter(pk=consent.membership.pk, organization__is_active=True, user__is_active=True)
        .first()
    )
    if membership is None:
        raise UnredirectableError("tenancy", NOT_A_MEMBER)
    grantable = find_member_scopes(membership)
    scopes = tuple(name for name in consent.scopes if name in grantable)
    if not scopes:
        reason = name_narrowing(format_scope(consent.scopes), membership.role)
        raise UnredirectableError(reason, NOTHING_LEFT)
    return replace(consent, membership=membership, scopes=scopes)


def open_connection(
    consent: Consent, client: Client, connection: Connection | None, *, origin: Origin
) -> Connection:
    """The connection to hang the code on: the existing one if it counts, else a new one.

    One that has stopped counting ends here: what it held must not come back to life.
    """
    membership = consent.membership
    if connection is not None and still_counts(connection, membership):
        allow_again(connection, client, consent.scopes, origin=origin)
        return connection
    if connection is not None:
        end_connection(
            connection, by_user_id=membership.user_id, reason="superseded", origin=origin
        )
    return Connection.objects.create(
        user_id=membership.user_id,
        client=client,
        organization_id=membership.organization_id,
        membership=membership,
        scope=format_scope(consent.scopes),
        client_revision=client.revision,
        allowed_client=describe_state(client),
    )


def allow_again(
    connection: Connection, client: Client, scopes: tuple[str, ...], *, origin: Origin
) -> None:
    """Make an existing connection, locked by the caller, stand for this Allow.

    It keeps its other devices: it is widened, never narrowed. A client that has changed since is
    another question with an answer of its own; nothing that was allowed before goes beyond it.
    """
    has_changed = is_outdated(connection, client)
    kept = () if has_changed else connection.scope.split()
    connection.scope = format_scope({*kept, *scopes})
    connection.client_revision = client.revision
    connection.allowed_client = describe_state(client)
    connection.save(update_fields=["scope", "client_revision", "allowed_client"])
    if has_changed:
        # First the codes: an exchange that holds one has a family by the time we have it.
        burn_codes(connection)
        narrow_families(connection, origin=origin)


def still_counts(connection: Connection, membership: Membership) -> bool:
    """Whether it was made under this very membership, and since the last password reset."""
    return connection.membership_id == membership.id and not is_before(
        connection.created_at, membership.user.tokens_valid_from
    )


def refuse_after_allow(nonce: str) -> None:
    """Raise if the page was used to allow: Cancel would take nothing back."""
    if find_page_code(nonce) is not None:
        raise UnredirectableError("consent_reused", ALLOWED)


def deny_consent(
    request: AuthorizationRequest, *, user: User, origin: Origin, reason: str = "cancelled"
) -> None:
    """The person pressed Cancel, or could not have allowed it."""
    record_event(
        Event.CONSENT_DENIED,
        origin=origin,
        outcome=Outcome.REFUSED,
        reason=reason,
        user_id=user.pk,
        client_id=request.destination.client.client_id,
    )
