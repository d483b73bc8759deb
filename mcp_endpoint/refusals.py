"""The activity row of every request that is answered with an error.

A refusal of somebody whose token works is one row of its own. Strangers can cause refusals at no
cost, and so can whoever has a token that ended: theirs go through the noise limit, which may hand
back the reference of a summary instead.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import django.db

from activity.events import Event, Outcome
from activity.noise import record_token_noise
from activity.origin import Origin
from activity.recorder import record_event
from activity.subject import Subject
from mcp_endpoint.errors import RefusedError
from oauth_ext.verification import Principal

logger = logging.getLogger(__name__)


def record_refusal(
    refusal: RefusedError, origin: Origin, principal: Principal | None, protocol_version: str
) -> str:
    """Record why a request was refused; returns the reference to show for it.

    Raises:
        django.db.Error: the row could not be written.
    """
    # Whoever is over a limit goes on calling; their refusals must not fill the log.
    if principal is None or refusal.event is Event.LIMIT_REFUSED:
        return record_token_noise(
            refusal.event,
            origin=origin,
            reason=refusal.reason,
            http_status=refusal.status,
            subject=refusal.subject or build_subject(principal),
        )
    record_event(
        refusal.event,
        origin=origin,
        outcome=refusal.outcome,
        reason=refusal.reason,
        tool=refusal.tool,
        protocol_version=protocol_version,
        http_status=refusal.status,
        **asdict(build_subject(principal, refusal.details)),
    )
    return origin.reference


def record_fault(origin: Origin, principal: Principal | None, reason: str) -> None:
    """Record a fault of our own as far as possible; the answer is an error either way."""
    try:
        record_event(
            Event.SERVER_FAULT,
            origin=origin,
            outcome=Outcome.FAILED,
            reason=reason,
            http_status=500,
            **asdict(build_subject(principal)),
        )
    except django.db.Error:
        logger.exception("a fault could not be recorded")


def build_subject(principal: Principal | None, details: Mapping[str, Any] | None = None) -> Subject:
    """The principal as the log names it, and what else belongs into the row's details."""
    if principal is None:
        return Subject()
    return Subject(
        user_id=principal.user_id,
        organization_id=principal.organization_id,
        client_id=principal.client_id,
        connection_id=principal.connection_id,
        details={**(details or {}), **principal.named_in_log},
    )
