"""What a person may do to a connection short of ending it: pause it, let it go on, label it.

Every surface (tools, the REST API, pages) asks here who may touch which connection, so that none
of them has an answer of its own. Each change and its row are one transaction.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from activity.events import Event
from activity.origin import Origin
from oauth_ext.client_metadata import make_visible
from oauth_ext.connection_events import record_connection_event
from oauth_ext.connections import (
    SUMMARIZED,
    ConnectionNotFoundError,
    ConnectionSummary,
    find_standing_rows,
    summarize,
)
from oauth_ext.models import Connection
from oauth_ext.verification import Principal

MAX_LABEL = 100
# Control characters, line breaks and halves of letters: a label is one line, in a list of others.
UNFIT_FOR_LABELS = frozenset({"Cc", "Cs", "Zl", "Zp"})


def select_visible_connections(
    principal: Principal, *, whole_organization: bool
) -> QuerySet[Connection]:
    """The person's own standing connections in this organization, or everybody's, newest first.

    Raises:
        PermissionError: everybody's were asked for by somebody who is no administrator.
    """
    rows = find_standing_rows().filter(organization_id=principal.organization_id)
    if not whole_organization:
        return rows.filter(user_id=principal.user_id)
    if not principal.is_administrator:
        raise PermissionError("not_an_administrator")
    return rows


def find_visible_connections(
    principal: Principal, *, whole_organization: bool
) -> list[ConnectionSummary]:
    """What ``select_visible_connections`` selects, summarized.

    Raises:
        PermissionError: everybody's were asked for by somebody who is no administrator.
    """
    rows = select_visible_connections(principal, whole_organization=whole_organization)
    return summarize(rows.select_related(*SUMMARIZED))


def find_visible_connection(principal: Principal, connection_id: UUID) -> ConnectionSummary | None:
    """The connection, if it has not ended and this person may see and change it.

    What belongs to somebody else is not found, exactly as what does not exist.
    """
    visible = select_visible_connections(principal, whole_organization=principal.is_administrator)
    rows = visible.filter(id=connection_id).select_related(*SUMMARIZED)
    return next(iter(summarize(rows)), None)


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
        ValueError: it is no label; the text says what one is.
    """
    trimmed = parse_label(label)
    with lock_connection(connection_id) as connection:
        former = connection.label
        if former == trimmed:
            return False
        connection.label = trimmed
        connection.save(update_fields=["label"])
        changed = {"label": trimmed, "former_label": former}
        record_control(Event.CONNECTION_RENAMED, connection, by_user_id, origin, changed)
    return True


def parse_label(text: str) -> str:
    """A label as it is kept: without what nobody sees, which also parts joined emoji.

    Raises:
        ValueError: it is too long or no single line; the text is for whoever typed it.
    """
    if any(unicodedata.category(letter) in UNFIT_FOR_LABELS for letter in text.strip()):
        raise ValueError("A label is one line of text, without control characters.")
    visible = make_visible(text)
    if len(visible) > MAX_LABEL:
        raise ValueError(f"A label has at most {MAX_LABEL} characters.")
    return visible


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
