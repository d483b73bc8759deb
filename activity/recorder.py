"""The only writer of the log: one prepared INSERT, in the caller's transaction.

It must never be called with a secret; ``activity.redaction`` is the second line, not the first.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from activity.events import Event, Outcome
from activity.origin import Origin
from activity.prepared import execute_prepared
from activity.redaction import clean_text, encode_redacted

COLUMNS = (
    "reference",
    "event",
    "outcome",
    "reason",
    "user_id",
    "organization_id",
    "client_id",
    "connection_id",
    "tool",
    "protocol_version",
    "http_status",
    "latency_ms",
    "ip",
    "user_agent",
    "details",
)
INSERT = (
    f"INSERT INTO activity_event ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"
)


def record_event(
    event: Event,
    *,
    origin: Origin,
    outcome: Outcome = Outcome.SUCCEEDED,
    reason: str = "",
    user_id: UUID | None = None,
    organization_id: UUID | None = None,
    client_id: str = "",
    connection_id: UUID | None = None,
    tool: str = "",
    protocol_version: str = "",
    http_status: int | None = None,
    latency_ms: float | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Append one row.

    Inside a transaction the row commits or vanishes with what it describes; outside one it is
    durable when this returns. The database gives it its number and its time.

    Raises:
        django.db.Error: the row could not be written; the caller must not acknowledge.
    """
    execute_prepared(
        INSERT,
        (
            origin.reference,
            event.value,
            outcome.value,
            reason[:64],
            user_id,
            organization_id,
            clean_text(client_id)[:255],
            connection_id,
            clean_text(tool)[:128],
            clean_text(protocol_version)[:16],
            http_status,
            latency_ms,
            origin.ip,
            origin.user_agent,
            encode_redacted(details) if details else "{}",
        ),
    )
