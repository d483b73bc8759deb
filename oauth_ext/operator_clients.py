"""What an operator does to clients: register one by hand, edit it, renew its secret, switch it off.

Registered by hand, a client may be confidential (RFC 6749 §2.1). Who does what is recorded with
it; a secret never is.
"""

import secrets
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.client_changes import change_client, describe_state
from oauth_ext.client_secrets import replace_secret
from oauth_ext.models import Client


class SecretMovedOnError(Exception):
    """The secret that was to be replaced is not the client's any more."""


@transaction.atomic
def add_client(client: Client, *, by_user_id: UUID, origin: Origin, nonce: str = "") -> None:
    """Save a new client with the name, redirect URIs and type that an operator chose.

    Args:
        nonce: of the form; a form makes one client, however often it is sent.

    Raises:
        IntegrityError: the form has made its client already.
    """
    client.client_id = find_client_id(nonce or secrets.token_hex(16))
    client.authorization_grant_type = Client.GRANT_AUTHORIZATION_CODE
    client.registration_source = Client.RegistrationSource.MANUAL
    client.save()
    details = {"client_type": client.client_type, **describe_state(client)}
    record(Event.CLIENT_ADDED, client, details, by_user_id=by_user_id, origin=origin)


def find_client_id(nonce: str) -> str:
    """The client id that a form's nonce leads to, which whoever sends the form cannot choose."""
    digest = salted_hmac("oauth_ext.operator_clients", nonce, algorithm="sha256").hexdigest()
    return f"pre_{digest[:32]}"


@transaction.atomic
def edit_client(client: Client, *, by_user_id: UUID, origin: Origin) -> None:
    """Save another name or other redirect URIs, with a row of what they were.

    People are asked again as they are when a document changes: what they allowed is another, and
    nobody knows who sat at the operator's browser.
    """
    stored: Client = Client.objects.select_for_update(no_key=True).get(pk=client.pk)
    change = change_client(stored, name=client.name, redirect_uris=client.redirect_uri_list)
    if change is None:
        return
    stored.save(update_fields=["name", "redirect_uris", "revision", "changed_at", "updated"])
    record(Event.CLIENT_EDITED, stored, change, by_user_id=by_user_id, origin=origin)


@transaction.atomic
def renew_secret(client_pk: int, *, replacing: str, by_user_id: UUID, origin: Origin) -> str:
    """A new secret for a confidential client; the old one is refused from now on.

    Args:
        replacing: the hint of the secret that the operator saw. A form that is sent twice would
            kill the secret that its first answer showed.

    Raises:
        SecretMovedOnError: it has another one by now; nothing was changed.
    """
    client = Client.objects.select_for_update().get(
        pk=client_pk, client_type=Client.CLIENT_CONFIDENTIAL
    )
    if client.secret_hint != replacing:
        raise SecretMovedOnError
    secret = replace_secret(client)
    details = {"hint": client.secret_hint, "replaced": replacing}
    record(Event.CLIENT_SECRET_RENEWED, client, details, by_user_id=by_user_id, origin=origin)
    return secret


@transaction.atomic
def switch_client(client_pk: int, *, off: bool, by_user_id: UUID, origin: Origin) -> bool:
    """Refuse every token of a client from now on, or no longer; whether that was news."""
    changed = Client.objects.filter(pk=client_pk, disabled_at__isnull=off).update(
        disabled_at=timezone.now() if off else None
    )
    if changed:
        event = Event.CLIENT_SWITCHED_OFF if off else Event.CLIENT_SWITCHED_ON
        client = Client.objects.get(pk=client_pk)
        details = {"client_name": client.name}
        record(event, client, details, by_user_id=by_user_id, origin=origin)
    return bool(changed)


def record(
    event: Event, client: Client, details: dict[str, Any], *, by_user_id: UUID, origin: Origin
) -> None:
    """A row in the operator's name."""
    record_event(
        event, origin=origin, user_id=by_user_id, client_id=client.client_id, details=details
    )
