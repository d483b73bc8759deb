"""The row of a refused HTTP request, and the reference that its answer shows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from activity.events import Event
from activity.noise import record_noise
from activity.origin import origin_of


def record_refusal(
    request: HttpRequest,
    event: Event,
    *,
    reason: str,
    user_id: UUID | None = None,
    organization_id: UUID | None = None,
    connection_id: UUID | None = None,
    client_id: str = "",
    http_status: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> str:
    """Record why somebody was refused; the reference goes into the answer's header as well.

    Whoever is refused very often gets a summary's: somebody signed in by who they are, a stranger
    by where they are, whatever client they name, since anybody can name one.
    """
    reference = record_noise(
        event,
        origin=origin_of(request),
        reason=reason,
        http_status=http_status,
        client_id=client_id,
        user_id=user_id,
        organization_id=organization_id,
        connection_id=connection_id,
        details=details,
    )
    # The first middleware repeats it in the header; it may be a summary's by now.
    request.reference = reference  # type: ignore[attr-defined]
    return reference
