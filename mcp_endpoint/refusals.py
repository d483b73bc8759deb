"""The activity row of every request that is answered with an error.

Refusals can be caused at no cost, by strangers as by whoever has a token that works or that ended:
all go through the noise limit, which may hand back the reference of a summary instead of a row.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import django.db

from activity.events import Event, Outcome
from activity.noise import record_caller_noise, record_token_noise
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
    if principal is None:
        return record_token_noise(
            refusal.event,
            origin=origin,
            reason=refusal.reason,
            http_status=refusal.status,
            subject=refusal.subject or Subject(),
        )
    row = partial(
        record_event,
        refusal.event,
        origin=origin,
        outcome=refusal.outcome,
        reason=refusal.reason,
        tool=refusal.tool,
        protocol_version=protocol_version,
        http_status=refusal.status,
        **asdict(build_subject(principal, refusal.details)),
    )
    return record_caller_noise(
        refusal.event, origin=origin, subject=build_subject(principal), record_row=row
    )


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
