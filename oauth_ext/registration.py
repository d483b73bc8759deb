"""Dynamic client registration (RFC 7591) of public clients; idempotent.

Hosted assistants register on every connect. The same public metadata gives the same client, so
the table grows with the number of different clients, not with the number of connects.
"""

import hashlib
import json
import secrets
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.limits import REGISTRATION_SOURCE, allow_registration
from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.client_metadata import GRANT_TYPES, RESPONSE_TYPES, ClientMetadata
from oauth_ext.client_trust import find_client_look_alike
from oauth_ext.errors import RegistrationFullError, TooManyRequestsError
from oauth_ext.models import Client, Connection

# The table stays bounded whoever registers: never used, they are removed after a day.
MAX_UNUSED = 10_000
FULL_RETRY_AFTER = 3600
# Hosted assistants register on every connect, which need not be a write each time.
NOTED_FOR = timedelta(hours=1)


def register_client(metadata: ClientMetadata, *, origin: Origin) -> Client:
    """The client with this metadata, made and recorded if it is new.

    Raises:
        TooManyRequestsError: too many new clients from this source, or from everywhere.
        RegistrationFullError: too many that were never used.
    """
    digest = compute_digest(metadata)
    client: Client | None = Client.objects.filter(metadata_digest=digest).first()
    if client is not None and keep_client(client, origin=origin):
        return client
    if not allow_registration(origin.ip):
        raise TooManyRequestsError(
            "registration_limit", retry_after=REGISTRATION_SOURCE.retry_after
        )
    if not has_room():
        raise RegistrationFullError("registration_full", retry_after=FULL_RETRY_AFTER)
    try:
        with transaction.atomic():
            client = Client.objects.create(
                client_id=f"dyn_{secrets.token_hex(16)}",
                client_type=Client.CLIENT_PUBLIC,
                authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
                registration_source=Client.RegistrationSource.DCR,
                name=metadata.client_name,
                redirect_uris=" ".join(metadata.redirect_uris),
                metadata={"scope": metadata.scope, **dict(metadata.extras)},
                metadata_digest=digest,
                registered_ip=origin.ip,
            )
            record_event(
                Event.CLIENT_REGISTERED,
                origin=origin,
                client_id=client.client_id,
                details=describe_registration(client, metadata),
            )
    except IntegrityError:
        # Two identical registrations at once: the other one made it.
        client = Client.objects.get(metadata_digest=digest)
    assert client is not None
    return client


def keep_client(client: Client, *, origin: Origin) -> bool:
    """Put off the removal of a client that registers again; whether it is still there.

    It counts as a new one in the limits: kept for nothing, unused ones could fill the table.
    Beyond the limits it is answered all the same, and goes when its time is over.
    """
    now = timezone.now()
    if now - client.updated < NOTED_FOR or not allow_registration(origin.ip):
        return True
    return bool(Client.objects.filter(pk=client.pk).update(updated=now))


def has_room() -> bool:
    """Whether fewer than ``MAX_UNUSED`` self-registered clients were never connected."""
    unused = Client.objects.filter(registration_source=Client.RegistrationSource.DCR).exclude(
        Exists(Connection.objects.filter(client=OuterRef("pk")))
    )
    return int(unused[:MAX_UNUSED].count()) < MAX_UNUSED


def describe_registration(client: Client, metadata: ClientMetadata) -> dict[str, Any]:
    """What the log keeps of a registration; ``name_matches_verified`` is a call to look closer."""
    look_alike = find_client_look_alike(client)
    return {
        "client_name": metadata.client_name,
        "redirect_uris": metadata.redirect_uris,
        "dropped_redirect_uris": metadata.dropped,
        **({"name_matches_verified": look_alike} if look_alike else {}),
    }


def compute_digest(metadata: ClientMetadata) -> str:
    """What makes two registrations the same: all they said, whatever the order of the URIs."""
    said = [
        metadata.client_name,
        sorted(metadata.redirect_uris),
        metadata.scope,
        sorted(metadata.extras),
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def build_registration_response(client: Client) -> dict[str, Any]:
    """The client information response (RFC 7591 §3.2.1): everything as it is registered.

    ``none`` is always returned, and never a secret: clients pick secret-based methods otherwise.
    """
    return {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created.timestamp()),
        **({"client_name": client.name} if client.name else {}),
        "redirect_uris": list(client.redirect_uri_list),
        "grant_types": list(GRANT_TYPES),
        "response_types": list(RESPONSE_TYPES),
        "token_endpoint_auth_method": "none",
        **client.metadata,
    }
