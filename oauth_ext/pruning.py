"""What has served its time: clients nobody uses, used codes, ended families, empty buckets.

The activity log keeps the story of all of it. A client that is reaped gets 401 ``invalid_client``
at its next request, which makes it register again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import TokenBucket
from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.models import AuthorizationCode, Client, Connection, RefreshToken, TokenFamily

# A client that was never allowed anything.
UNUSED_FOR = timedelta(hours=24)
# A client that nobody has used, whatever it was allowed.
IDLE_FOR = timedelta(days=90)
# A code's tombstone must outlast any replay; a family's row, the questions about it.
CODES_KEPT_FOR = timedelta(hours=24)
FAMILIES_KEPT_FOR = timedelta(days=30)
COUNTERS_KEPT_FOR = timedelta(days=1)
# An operator's clients stay. One that is known by its document comes back by being fetched.
SELF_REGISTERED = (Client.RegistrationSource.DCR, Client.RegistrationSource.CIMD)
FORGET_NOISE = "DELETE FROM activity_noise WHERE minute < %s"


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows went, by kind."""

    clients: int
    codes: int
    families: int
    sealed_copies: int
    counters: int


def prune(now: datetime, *, origin: Origin) -> Pruned:
    """Remove everything whose time is over at ``now``; safe to run at any time and twice."""
    return Pruned(
        clients=reap_clients(now, origin=origin),
        codes=AuthorizationCode.objects.filter(expires__lt=now - CODES_KEPT_FOR).delete()[0],
        families=forget_families(now),
        sealed_copies=forget_sealed_copies(now),
        counters=forget_counters(now),
    )


def reap_clients(now: datetime, *, origin: Origin) -> int:
    """Delete the self-registered clients that nobody uses, with a row for each."""
    reaped = 0
    for client in find_reapable(now).iterator():
        with transaction.atomic():
            # It may have been connected meanwhile; ask again with the row locked.
            locked = find_reapable(now).filter(pk=client.pk).select_for_update(of=("self",))
            if locked.first() is None:
                continue
            record_event(
                Event.CLIENT_REAPED,
                origin=origin,
                client_id=client.client_id,
                details={"client_name": client.name, "registered": client.created.isoformat()},
            )
            client.delete()
            reaped += 1
    return reaped


def find_reapable(now: datetime) -> QuerySet[Client]:
    """Clients that were never connected for a day, or not used for ninety.

    A client's day starts again when it registers again or its document is read again: somebody
    is about to use it.
    """
    connections = Connection.objects.filter(client=OuterRef("pk"))
    families = TokenFamily.objects.filter(connection__client=OuterRef("pk"))
    since = now - IDLE_FOR
    used = connections.filter(Q(last_used_at__gte=since) | Q(created_at__gte=since))
    renewed = families.filter(Q(refreshed_at__gte=since) | Q(created_at__gte=since))
    reapable: QuerySet[Client] = Client.objects.filter(
        Q(updated__lt=now - UNUSED_FOR) & ~Q(Exists(connections))
        | Q(updated__lt=since) & ~Q(Exists(used)) & ~Q(Exists(renewed)),
        registration_source__in=SELF_REGISTERED,
        # Switched off on purpose: gone, it could register again as if nothing had been.
        disabled_at__isnull=True,
    )
    return reapable


def forget_families(now: datetime) -> int:
    """Delete families that ended long ago, with their tokens; how many."""
    ended = TokenFamily.objects.filter(
        Q(revoked_at__lt=now - FAMILIES_KEPT_FOR) | Q(expires_at__lt=now - FAMILIES_KEPT_FOR)
    )
    _, by_model = ended.delete()
    return int(by_model.get(TokenFamily._meta.label, 0))


def forget_sealed_copies(now: datetime) -> int:
    """Erase the sealed successors whose window has passed."""
    late = now - timedelta(seconds=settings.REFRESH_WINDOW)
    copies = RefreshToken.objects.filter(superseded_at__lt=late, sealed_successor__isnull=False)
    return int(copies.update(sealed_successor=None))


def forget_counters(now: datetime) -> int:
    """Delete limits and noise counters that nobody has touched for a day."""
    before = now - COUNTERS_KEPT_FOR
    buckets, _ = TokenBucket.objects.filter(updated_at__lt=before).delete()
    with database.cursor() as cursor:
        cursor.execute(FORGET_NOISE, (int(before.timestamp() // 60),))
        return buckets + int(cursor.rowcount)
