"""Refusals that a stranger can cause at no cost, kept from filling the log.

The first twenty of a source (an address, an IPv6 /64) of one kind in a minute are rows of their
own. Beyond that one summary row stands for the rest of the minute; they all carry its reference,
so that no reference leads nowhere. How many it stands for is told when the next one comes.
"""

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import connection

from activity.events import Event, Outcome
from activity.origin import Origin
from activity.recorder import record_event
from activity.references import derive_reference

ROWS_PER_MINUTE = 20

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
    details: Mapping[str, Any] | None = None,
) -> str:
    """Record a refusal of somebody unknown and return the reference to show.

    That is the origin's own, or the summary's once the source has used up its rows.
    """
    source, minute = name_source(origin.ip), int(time.time() // 60)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, (source, event.value, minute))
        count, last_minute, last_count = cursor.fetchone()
    if last_count > ROWS_PER_MINUTE:
        summarize(event, origin, source, last_minute, {"refusals": last_count})
    if count > ROWS_PER_MINUTE:
        if count == ROWS_PER_MINUTE + 1:
            summarize(event, origin, source, minute, {"rows_kept": ROWS_PER_MINUTE})
        return derive_summary_reference(event, source, minute)
    record_event(
        event,
        origin=origin,
        outcome=Outcome.REFUSED,
        reason=reason,
        http_status=http_status,
        client_id=client_id,
        details=details,
    )
    return origin.reference


def summarize(
    event: Event, origin: Origin, source: str, minute: int, details: Mapping[str, Any]
) -> None:
    """The row that a minute's summary reference leads to."""
    record_event(
        Event.NOISE_SUMMARIZED,
        origin=replace(origin, reference=derive_summary_reference(event, source, minute)),
        outcome=Outcome.REFUSED,
        reason="too_many_refusals",
        details={"event": event.value, **details},
    )


def derive_summary_reference(event: Event, source: str, minute: int) -> str:
    """The reference that all of a source's further refusals of a minute share."""
    return derive_reference(settings.SECRET_KEY, "noise", event.value, source, str(minute))


def name_source(ip: str | None) -> str:
    """An IPv4 address or the /64 of an IPv6 one: what one customer of a network owns."""
    if ip is None:
        return "unknown"
    address = ipaddress.ip_address(ip)
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
