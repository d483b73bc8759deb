"""What a person may do to a connection short of ending it: pause it, let it go on, label it.

Every surface (tools, the REST API, pages) asks here who may touch which connection, so that none
of them has an answer of its own. Each change and its row are one transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from activity.events import Event
from activity.origin import Origin
from oauth_ext.connection_events import record_connection_event
from oauth_ext.connections import (
    ConnectionNotFoundError,
    ConnectionSummary,
    find_connections,
    find_organization_connections,
)
from oauth_ext.models import Connection
from oauth_ext.verification import Principal

MAX_LABEL = 100


def find_visible_connections(
    principal: Principal, *, whole_organization: bool
) -> list[ConnectionSummary]:
    """The person's own connections in this organization, or everybody's for administrators.

    Raises:
        PermissionError: everybody's were asked for by somebody who is no administrator.
    """
    if not whole_organization:
        return find_connections(
            user_id=principal.user_id, organization_id=principal.organization_id
        )
    if not principal.is_administrator:
        raise PermissionError("not_an_administrator")
    return find_organization_connections(organization_id=principal.organization_id)


def find_visible_connection(principal: Principal, connection_id: UUID) -> ConnectionSummary | None:
    """The connection, if it has not ended and this person may see and change it.

    What belongs to somebody else is not found, exactly as what does not exist.
    """
    visible = find_visible_connections(principal, whole_organization=principal.is_administrator)
    return next((summary for summary in visible if summary.id == connection_id), None)


def pause_connection(*, connection_id: UUID, by_user_id: UUID, origin: Origin) -> bool:
    """Refuse every call from the next one on, until it is resumed; False if it rested already.

    Raises:
        ConnectionNotFoundError: it does not exist or has ended.
    """
    with lock_connection(connection_id) as connection:
        if connection.paused_at is not None:
            return False
        connection.paused_at = timezone.now()
        connection.save(update_fields=["paused_at"])
        record_control(Event.CONNECTION_PAUSED, connection, by_user_id, origin)
    return True


def resume_connection(*, connection_id: UUID, by_user_id: UUID, origin: Origin) -> bool:
    """Let it go on with the tokens it has; False if it did not rest.

    Raises:
        ConnectionNotFoundError: it does not exist or has ended.
    """
    with lock_connection(connection_id) as connection:
        if connection.paused_at is None:
            return False
        connection.paused_at = None
        connection.save(update_fields=["paused_at"])
        record_control(Event.CONNECTION_RESUMED, connection, by_user_id, origin)
    return True


def rename_connection(*, connection_id: UUID, label: str, by_user_id: UUID, origin: Origin) -> bool:
    """Give it a label of the person's own, trimmed, 100 characters at most; empty takes it away.

    False if it had this label already.

    Raises:
        ConnectionNotFoundError: it does not exist or has ended.
        ValueError: the label is too long.
    """
    trimmed = label.strip()
    if len(trimmed) > MAX_LABEL:
        raise ValueError(f"A label has at most {MAX_LABEL} characters.")
    with lock_connection(connection_id) as connection:
        former = connection.label
        if former == trimmed:
            return False
        connection.label = trimmed
        connection.save(update_fields=["label"])
        changed = {"label": trimmed, "former_label": former}
        record_control(Event.CONNECTION_RENAMED, connection, by_user_id, origin, changed)
    return True


@contextmanager
def lock_connection(connection_id: UUID) -> Iterator[Connection]:
    """The standing connection, locked in a transaction that ends with the block."""
    with transaction.atomic():
        connection = (
            Connection.objects.select_for_update(of=("self",), no_key=True)
            .select_related("client")
            .filter(id=connection_id, revoked_at__isnull=True)
            .first()
        )
        if connection is None:
            raise ConnectionNotFoundError(str(connection_id))
        yield connection


def record_control(
    event: Event,
    connection: Connection,
    by_user_id: UUID,
    origin: Origin,
    details: dict[str, str] | None = None,
) -> None:
    """Record who changed what of a connection."""
    record_connection_event(
        event, connection, origin=origin, details={"by_user": by_user_id, **(details or {})}
    )
