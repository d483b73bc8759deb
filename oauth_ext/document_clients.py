"""Clients that are known by their metadata document (MCP 2026-07-28 authorization §Client ID
Metadata Documents).

The row is the cache: the authorization endpoint fetches a document that it has not seen or whose
time is over, and only for somebody who is signed in. Every other endpoint uses the row as it is,
so a client's outage disconnects nobody. A stored client always wins over what its URL says.
"""

import logging
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.limits import (
    DOCUMENT_HOST,
    DOCUMENT_URL,
    DOCUMENT_USER,
    DOCUMENT_USER_AND_HOST,
    allow_document_fetch,
    allow_document_request,
    forgive_document_fetch,
)
from activity.events import Event, Outcome
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.client_changes import change_client
from oauth_ext.client_documents import compute_expiry, parse_client_document
from oauth_ext.client_id_urls import (
    ClientIdUrl,
    ClientIdUrlError,
    is_named,
    is_own,
    is_url,
    parse_client_id_url,
)
from oauth_ext.client_metadata import ClientMetadata
from oauth_ext.document_connection import DocumentPostponedError, DocumentRefusedError
from oauth_ext.document_fetch import FETCH_SECONDS, FetchedDocument, fetch_document
from oauth_ext.document_refusals import build_refusal, find_recorded_reason
from oauth_ext.document_slots import hold_person, hold_slot, hold_url
from oauth_ext.models import Client
from oauth_ext.registration import describe_registration

logger = logging.getLogger(__name__)

# After its time is over, a copy still serves while the document cannot be had.
LAST_GOOD_FOR = timedelta(hours=24)
# What a used-up bucket means for the person.
POSTPONED = {
    DOCUMENT_URL: "cimd_backoff",
    DOCUMENT_USER_AND_HOST: "cimd_user_limit",
    DOCUMENT_HOST: "cimd_host_limit",
}


def needs_document(client_id: str) -> bool:
    """Whether a document must be fetched before this client can be put before a person.

    Raises:
        UnredirectableError: the client id is a URL that will never be fetched.
    """
    if not settings.CIMD_ENABLED or not is_url(client_id):
        return False
    client = find_client(client_id)
    if client is not None and not is_from_document(client):
        return False
    try:
        check_policy(parse_url(client_id))
    except (ClientIdUrlError, DocumentRefusedError) as error:
        raise build_refusal(error.reason, client_id) from error
    return client is None or (client.is_usable(None) and not is_fresh(client, timezone.now()))


def parse_url(client_id: str) -> ClientIdUrl:
    """The client id as a URL, by the rules of this deployment."""
    allow_loopback = settings.CIMD_ALLOW_LOOPBACK and settings.QUICK_START
    return parse_client_id_url(client_id, allow_loopback=allow_loopback)


def check_policy(url: ClientIdUrl) -> None:
    """Raise for this server itself, and for hosts that the operator does not want."""
    authority = urlsplit(settings.PUBLIC_URL).netloc
    if is_own(url, own_authority=authority, own_hosts=settings.ALLOWED_HOSTS):
        raise DocumentRefusedError("cimd_self")
    allowed, denied = settings.CIMD_ALLOWED_HOSTS, settings.CIMD_DENIED_HOSTS
    if is_named(url.host, denied) or (allowed and not is_named(url.host, allowed)):
        raise DocumentRefusedError("cimd_host")


def find_client(client_id: str) -> Client | None:
    """The stored client with exactly this id."""
    client: Client | None = Client.objects.filter(client_id=client_id).first()
    return client


def is_from_document(client: Client) -> bool:
    """Whether the client is what its document says, and not what somebody stored."""
    return bool(client.registration_source == Client.RegistrationSource.CIMD)


def is_fresh(client: Client, now: datetime) -> bool:
    """Whether the copy of the document may be used without looking again."""
    return client.cimd_expires_at is not None and now < client.cimd_expires_at


def is_still_good(client: Client, now: datetime) -> bool:
    """Whether an outdated copy may stand in for a document that cannot be had."""
    return client.cimd_expires_at is not None and now < client.cimd_expires_at + LAST_GOOD_FOR


def refresh_document_client(client_id: str, *, user_id: UUID, origin: Origin) -> None:
    """Fetch the client's document and store what it says; call it outside transactions.

    When this returns, the row may be used: it is new, or the last good copy is good enough.

    Raises:
        UnredirectableError: there is nothing that may be used; nothing was stored.
    """
    url = parse_url(client_id)
    client = find_client(client_id)
    fallback = client if client is not None and is_still_good(client, timezone.now()) else None
    # Whoever has something to fall back on does not wait for somebody else's fetch.
    wait_seconds = 0 if fallback else FETCH_SECONDS
    try:
        read_document(url, user_id=user_id, wait_seconds=wait_seconds, origin=origin)
    except DocumentPostponedError as error:
        if fallback is None:
            raise build_refusal(error.reason, client_id, retry_after=error.retry_after) from error
    except DocumentRefusedError as error:
        logger.warning("client metadata document refused: %s at %s", error.reason, url.host)
        cause = find_recorded_reason(error.reason)
        details = {"cause": cause, **error.details}
        if fallback is None:
            raise build_refusal("cimd_stale" if client else cause, client_id, details) from error
        record_unread(fallback, cause, details, origin=origin)


def read_document(url: ClientIdUrl, *, user_id: UUID, wait_seconds: float, origin: Origin) -> None:
    """Make the row of this URL fresh, or find that somebody else just did.

    The order keeps one person from standing in everybody's way: first they pay and take one of
    their own few places, then they wait for the URL holding nothing that others need, and only
    who is about to fetch has a slot.

    Raises:
        DocumentRefusedError: it could not be had, or (postponed) not just now.
    """
    if not allow_document_request(user_id):
        raise DocumentPostponedError("cimd_user_limit", retry_after=DOCUMENT_USER.retry_after)
    with hold_person(user_id), hold_url(url.url, wait_seconds=wait_seconds):
        client = find_client(url.url)
        if client is not None and is_fresh(client, timezone.now()):
            return
        with hold_slot():
            fetched = fetch_within_limits(url, user_id)
            metadata = parse_client_document(fetched.body, url=url.url)
            now = timezone.now()
            expires_at = compute_expiry(fetched.headers, now)
            store_document(url.url, metadata, expires_at, now, origin=origin)
            forgive_document_fetch(url=url.url, host=url.host, user_id=user_id)


def fetch_within_limits(url: ClientIdUrl, user_id: UUID) -> FetchedDocument:
    """One fetch, if the limits allow it; a failed one keeps its place in them."""
    exhausted = allow_document_fetch(url=url.url, host=url.host, user_id=user_id)
    if exhausted is not None:
        raise DocumentPostponedError(POSTPONED[exhausted], retry_after=exhausted.retry_after)
    try:
        return fetch_document(url)
    except DocumentPostponedError:
        forgive_document_fetch(url=url.url, host=url.host, user_id=user_id)
        raise


def store_document(
    client_id: str,
    metadata: ClientMetadata,
    expires_at: datetime,
    now: datetime,
    *,
    origin: Origin,
) -> None:
    """Make the row say what the document says, and record what is new about it."""
    try:
        with transaction.atomic():
            rows = Client.objects.select_for_update(no_key=True).filter(client_id=client_id)
            client = rows.first() or create_client(client_id, metadata, origin=origin)
            if not is_from_document(client):
                return
            change = change_client(
                client, name=metadata.client_name, redirect_uris=metadata.redirect_uris
            )
            if change:
                record_event(
                    Event.CLIENT_CHANGED,
                    origin=origin,
                    reason="cimd_changed",
                    client_id=client_id,
                    details=change,
                )
            client.metadata = {"scope": metadata.scope, **dict(metadata.extras)}
            client.document_fetched_at = now
            client.cimd_expires_at = expires_at
            client.save()
    except IntegrityError:
        # An operator stored a client with this id meanwhile; that one counts.
        logger.info("a stored client has the id of a document")


def create_client(client_id: str, metadata: ClientMetadata, *, origin: Origin) -> Client:
    """A public client that has never been seen before, with its row."""
    client: Client = Client.objects.create(
        client_id=client_id,
        client_type=Client.CLIENT_PUBLIC,
        authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
        registration_source=Client.RegistrationSource.CIMD,
        name=metadata.client_name,
        redirect_uris=" ".join(metadata.redirect_uris),
        registered_ip=origin.ip,
    )
    record_event(
        Event.CLIENT_REGISTERED,
        origin=origin,
        client_id=client_id,
        details={**describe_registration(client, metadata), "source": "document"},
    )
    return client


def record_unread(client: Client, reason: str, details: dict[str, str], *, origin: Origin) -> None:
    """The document could not be had, and the last good copy served instead."""
    record_event(
        Event.DOCUMENT_UNREAD,
        origin=origin,
        outcome=Outcome.REFUSED,
        reason=reason,
        client_id=client.client_id,
        details=details,
    )
