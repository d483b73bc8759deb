"""Connections as people see and cut them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from activity.events import Event
from activity.origin import Origin
from oauth_ext.client_changes import ClientChange, find_change
from oauth_ext.client_trust import (
    Tier,
    find_client_look_alike,
    find_common_tier,
    find_document_host,
)
from oauth_ext.connection_events import record_connection_event
from oauth_ext.families import revoke_family
from oauth_ext.models import Client, Connection, TokenFamily
from oauth_ext.redirect_uris import find_host

# What a summary needs joined.
SUMMARIZED = ("client", "organization", "user")


class ConnectionNotFoundError(LookupError):
    """There is no such active connection, or it is not for this person to see."""


@dataclass(frozen=True, slots=True)
class ConnectionSummary:
    """One connected application. ``client_name`` is the client's own claim.

    ``look_alike`` is the well-known application that the name reads like at a foreign address;
    ``document_host`` publishes the client's metadata document, if it has one; ``change`` is what
    the person has not been asked about yet; ``is_switched_off`` says that the operator did so to
    the client.
    """

    id: UUID
    client_id: str
    client_name: str
    trust: Tier
    look_alike: str
    document_host: str
    redirect_hosts: tuple[str, ...]
    organization_id: UUID
    organization_name: str
    user_id: UUID
    user_email: str
    scopes: tuple[str, ...]
    label: str
    state: str
    is_switched_off: bool
    connected_at: datetime
    last_used_at: datetime | None
    change: ClientChange | None


def find_connections(*, user_id: UUID) -> list[ConnectionSummary]:
    """The person's own connections in all their organizations, newest first."""
    return summarize(find_standing_rows().filter(user_id=user_id).select_related(*SUMMARIZED))


def find_standing_rows() -> QuerySet[Connection]:
    """Connections that can still be used: not revoked, not older than a password reset."""
    return Connection.objects.filter(
        revoked_at__isnull=True, membership__isnull=False, organization__isnull=False
    ).exclude(user__tokens_valid_from__gt=F("created_at"))


def find_allowed(*, user_id: UUID, client: Client) -> dict[UUID, frozenset[str]]:
    """What the person has allowed this client so far, by organization."""
    rows = find_standing_rows().filter(user_id=user_id, client=client)
    return {
        row.organization_id: frozenset(row.scope.split()) for row in rows if row.organization_id
    }


def find_paused(*, user_id: UUID, client: Client) -> frozenset[UUID]:
    """The organizations in which this client of the person's is paused."""
    rows = find_standing_rows().filter(user_id=user_id, client=client, paused_at__isnull=False)
    return frozenset(rows.values_list("organization_id", flat=True))


def find_change_for(*, user_id: UUID, client: Client) -> ClientChange | None:
    """What has changed since the person allowed this client; None if they never did."""
    return find_change(client, find_standing_rows().filter(user_id=user_id, client=client))


def summarize(connections: Iterable[Connection]) -> list[ConnectionSummary]:
    """Rows with their client, organization and user joined, as summaries."""
    return [
        ConnectionSummary(
            id=connection.id,
            client_id=connection.client.client_id,
            client_name=connection.client.name,
            trust=find_common_tier(connection.client),
            look_alike=find_client_look_alike(connection.client),
            document_host=find_document_host(connection.client),
            # Which of them the person was shown is not kept for long: all may get an answer.
            redirect_hosts=tuple(
                dict.fromkeys(map(find_host, connection.client.redirect_uri_list))
            ),
            organization_id=connection.organization.id,
            organization_name=connection.organization.name,
            user_id=connection.user_id,
            user_email=connection.user.email,
            scopes=tuple(connection.scope.split()),
            label=connection.label,
            state=connection.state,
            is_switched_off=connection.client.disabled_at is not None,
            connected_at=connection.created_at,
            last_used_at=connection.last_used_at,
            change=find_change(connection.client, [connection]),
        )
        for connection in connections
        if connection.organization is not None
    ]


def revoke_connection(
    *, connection_id: UUID, by_user_id: UUID, reason: str, origin: Origin
) -> None:
    """End the connection and every token under it, with the row; the next request is refused.

    Raises:
        ConnectionNotFoundError: it does not exist or has ended already.
    """
    with transaction.atomic():
        connection = (
            Connection.objects.select_for_update(of=("self",))
            .select_related("client")
            .filter(id=connection_id, revoked_at__isnull=True)
            .first()
        )
        if connection is None:
            raise ConnectionNotFoundError(str(connection_id))
        end_connection(connection, by_user_id=by_user_id, reason=reason, origin=origin)


def end_connection(
    connection: Connection, *, by_user_id: UUID, reason: str, origin: Origin
) -> None:
    """End a connection whose row the caller's transaction has locked, with all its families."""
    connection.revoked_at = timezone.now()
    connection.revoked_by_id = by_user_id
    connection.revoke_reason = reason
    connection.save(update_fields=["revoked_at", "revoked_by_id", "revoke_reason"])
    TokenFamily.objects.filter(connection=connection, revoked_at__isnull=True).update(
        revoked_at=connection.revoked_at, revoke_reason=reason
    )
    record_connection_event(
        Event.CONNECTION_REVOKED,
        connection,
        origin=origin,
        reason=reason,
        details={"by_user": by_user_id},
    )


def narrow_families(connection: Connection, *, origin: Origin) -> None:
    """End the sign-ins that go beyond what the connection allows now, with a row for each."""
    allowed = set(connection.scope.split())
    for family in TokenFamily.objects.filter(connection=connection, revoked_at__isnull=True):
        if set(family.scope.split()) <= allowed or not revoke_family(family.id, reason="narrowed"):
            continue
        record_connection_event(
            Event.TOKEN_REVOKED,
            connection,
            origin=origin,
            reason="narrowed",
            details={"family": family.id, "scope": family.scope},
        )
