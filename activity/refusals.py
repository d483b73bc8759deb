"""The row of a refused HTTP request, and the reference that its answer shows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from activity.events import Event, Outcome
from activity.noise import record_noise
from activity.origin import origin_of
from activity.recorder import record_event


def record_refusal(
    request: HttpRequest,
    event: Event,
    *,
    reason: str,
    user_id: UUID | None = None,
    client_id: str = "",
    http_status: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> str:
    """Record why somebody was refused; the reference goes into the answer's header as well.

    A signed-in person's refusal is always a row of its own. A stranger's is subject to the noise
    limit, whatever client they name: anybody can name one.
    """
    origin = origin_of(request)
    if user_id is None:
        reference = record_noise(
            event,
            origin=origin,
            reason=reason,
            http_status=http_status,
            client_id=client_id,
            details=details,
        )
        # The first middleware repeats it in the header; it may be a summary's by now.
        request.reference = reference  # type: ignore[attr-defined]
        return reference
    record_event(
        event,
        origin=origin,
        outcome=Outcome.REFUSED,
        reason=reason,
        user_id=user_id,
        client_id=client_id,
        http_status=http_status,
        details=details,
    )
    return origin.reference
