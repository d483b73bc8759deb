"""Refusals that can be caused at no cost, kept from filling the log.

The first twenty of a source (an address, an IPv6 /64) of one kind in a minute are rows of their
own, the first twenty of a dead token or of a caller over a limit, and the first sixty of somebody
signed in and of a token that works. Beyond that one
summary row stands for the rest of the minute; they all carry its reference, so that no reference
leads nowhere. How many it stands for is told when the next one comes.
"""

import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from activity.events import Event, Outcome
from activity.origin import Origin
from activity.recorder import record_event
from activity.references import derive_reference
from activity.subject import Subject

ROWS_PER_MINUTE = 20
# People are patient with a page that reloads itself; a program with their cookie is not.
ROWS_OF_A_PERSON = 60
# Whoever caused these goes on calling, mostly unheard; and a count has one allowance only.
LOUD = frozenset({Event.TOKEN_REFUSED, Event.LIMIT_REFUSED})

# ``last_count`` is what the previous minute came to, in the first answer of a new one.
COUNT = """
INSERT INTO activity_noise AS noise (source, event, minute, count, last_minute, last_count)
VALUES (%s, %s, %s, 1, 0, 0)
ON CONFLICT (source, event) DO UPDATE SET
  last_minute = CASE WHEN noise.minute = excluded.minute THEN 0 ELSE noise.minute END,
  last_count = CASE WHEN noise.minute = excluded.minute THEN 0 ELSE noise.count END,
  count = CASE WHEN noise.minute = excluded.minute THEN noise.count + 1 ELSE 1 END,
  minute = excluded.minute
RETURNING count, last_minute, last_count
"""


def record_noise(
    event: Event,
    *,
    origin: Origin,
    reason: str,
    http_status: int | None = None,
    client_id: str = "",
    user_id: UUID | None = None,
    organization_id: UUID | None = None,
    connection_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> str:
    """Record a refusal of a stranger, or of somebody signed in; return the reference to show.

    That is the origin's own, or the summary's once the source has used up its rows.
    """
    source = f"user {user_id}" if user_id else name_source(origin.ip)
    allowance = ROWS_OF_A_PERSON if user_id else ROWS_PER_MINUTE
    # Not the client: a stranger can name any, and another in each request.
    summary = Summary(event, origin, source, Subject(user_id))
    row = partial(
        record_event,
        event,
        origin=origin,
        outcome=Outcome.REFUSED,
        reason=reason,
        http_status=http_status,
        user_id=user_id,
        organization_id=organization_id,
        connection_id=connection_id,
        client_id=client_id,
        details=details,
    )
    return record_within(allowance, summary, row)


def record_token_noise(
    event: Event,
    *,
    origin: Origin,
    reason: str,
    http_status: int,
    subject: Subject,
) -> str:
    """Record a refused token, whosever it is; return the reference to show.

    A dead token can be shown for ever and from anywhere, so it counts by whose it was.
    """
    row = partial(
        record_event,
        event,
        origin=origin,
        outcome=Outcome.REFUSED,
        reason=reason,
        http_status=http_status,
        **asdict(subject),
    )
    source = subject.name_source() or name_source(origin.ip)
    summary = Summary(event, origin, source, subject)
    return record_within(ROWS_PER_MINUTE, summary, row)


def record_caller_noise(
    event: Event, *, origin: Origin, subject: Subject, record_row: Callable[[], None]
) -> str:
    """Record a refusal of somebody whose token works; return the reference to show.

    Args:
        record_row: writes the row with the origin's reference; such rows tell more.
    """
    allowance = ROWS_PER_MINUTE if event in LOUD else ROWS_OF_A_PERSON
    summary = Summary(event, origin, subject.name_source(), subject)
    return record_within(allowance, summary, record_row)


def record_within(allowance: int, summary: "Summary", record_row: Callable[[], None]) -> str:
    """Write the row if the source has any left; return the reference that leads somewhere."""
    minute = int(time.time() // 60)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, (summary.source, summary.event.value, minute))
        count, last_minute, last_count = cursor.fetchone()
    if last_count > allowance:
        summary.record(last_minute, {"refusals": last_count})
    if count > allowance:
        if count == allowance + 1:
            summary.record(minute, {"rows_kept": allowance})
        return summary.derive_reference(minute)
    record_row()
    return summary.origin.reference


@dataclass(frozen=True, slots=True)
class Summary:
    """The row that stands for what one source was refused in one way in a minute."""

    event: Event
    origin: Origin
    source: str
    subject: Subject

    def record(self, minute: int, details: Mapping[str, Any]) -> None:
        """Write what the minute's reference leads to."""
        told = {"event": self.event.value, **details, **self.subject.details}
        record_event(
            Event.NOISE_SUMMARIZED,
            origin=replace(self.origin, reference=self.derive_reference(minute)),
            outcome=Outcome.REFUSED,
            reason="too_many_refusals",
            **asdict(self.subject) | {"details": told},
        )

    def derive_reference(self, minute: int) -> str:
        """The reference that all further refusals of the minute share."""
        parts = (self.event.value, self.source, str(minute))
        return derive_reference(settings.SECRET_KEY, "noise", *parts)


def name_source(ip: str | None) -> str:
    """An IPv4 address or the /64 of an IPv6 one: what one customer of a network owns."""
    if ip is None:
        return "unknown"
    address = ipaddress.ip_address(ip)
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
