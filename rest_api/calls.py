"""One call of an operation and its row in the activity log: both or neither.

An operation that changes something runs in one transaction with its row. One that reads runs in
autocommit and is recorded once. If the row can't be written the call is not acknowledged.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import django.db
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from pydantic import BaseModel

from activity.events import Event, Outcome
from activity.noise import record_caller_noise, record_token_noise
from activity.origin import Origin
from activity.recorder import record_event
from activity.subject import Subject
from mcp_endpoint.errors import RefusedError, UnrecordedError
from mcp_endpoint.paced_body import Reader
from mcp_endpoint.refusals import build_subject
from mcp_endpoint.responses import build_document
from oauth_ext.verification import Principal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``tool`` is the name of the tool that does the same."""

    name: str
    tool: str
    scope: str
    read_only: bool
    query: type[BaseModel]
    body: type[BaseModel]
    answer: type[BaseModel] | None
    perform: Callable[..., BaseModel | None]


@dataclass(slots=True)
class Progress:
    """How far a request came: what its row can tell. ``started`` is of the performance counter."""

    origin: Origin
    started: float
    method: str
    path: str
    principal: Principal | None = None
    tool: str = ""

    def record(
        self,
        event: Event,
        outcome: Outcome,
        *,
        status: int,
        reason: str = "",
        told: Mapping[str, Any] | None = None,
    ) -> None:
        """Write this request's row in the current transaction.

        Raises:
            UnrecordedError: it could not be written.
        """
        principal = self.principal
        named = principal.named_in_log if principal else {}
        try:
            record_event(
                event,
                origin=self.origin,
                outcome=outcome,
                reason=reason,
                user_id=principal.user_id if principal else None,
                organization_id=principal.organization_id if principal else None,
                client_id=principal.client_id if principal else "",
                connection_id=principal.connection_id if principal else None,
                tool=self.tool,
                http_status=status,
                latency_ms=round((time.perf_counter() - self.started) * 1000, 2),
                details={"method": self.method, "path": self.path, **(told or {}), **named},
            )
        except django.db.Error as error:
            raise UnrecordedError from error

    def record_refusal(self, refusal: RefusedError) -> str:
        """Record why the request was refused; returns the reference to show for it.

        Raises:
            UnrecordedError: the row could not be written.
        """
        event = Event.API_REFUSED if refusal.event is Event.REQUEST_REFUSED else refusal.event
        try:
            if self.principal is not None:
                return record_caller_noise(
                    event,
                    origin=self.origin,
                    subject=build_subject(self.principal),
                    record_row=partial(
                        self.record,
                        event,
                        Outcome.REFUSED,
                        status=refusal.status,
                        reason=refusal.reason,
                    ),
                )
            return record_token_noise(
                event,
                origin=self.origin,
                reason=refusal.reason,
                http_status=refusal.status,
                subject=refusal.subject or Subject(),
            )
        except django.db.Error as error:
            raise UnrecordedError from error

    def record_fault(self, event: Event, *, reason: str, status: int) -> None:
        """Record a fault of our own as far as possible; the answer is an error either way."""
        try:
            self.record(event, Outcome.FAILED, status=status, reason=reason)
        except UnrecordedError:
            logger.warning("a fault could not be recorded")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One admitted call: who, from where, and what was asked for."""

    principal: Principal
    origin: Origin
    query: Any
    body: Any
    path: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """What the row tells of the question: known fields that were given, and the target."""
        told = {
            "query": self.query.model_dump(mode="json", exclude_unset=True),
            "body": self.body.model_dump(mode="json", exclude_unset=True),
            "target": {name: str(value) for name, value in self.path.items()},
        }
        return {name: members for name, members in told.items() if members}


def answer_call(
    operation: Operation, call: ApiCall, progress: Progress, reader: Reader
) -> HttpResponseBase:
    """Perform the operation, record the call, and build the answer.

    Raises:
        RefusedError: nothing was changed.
        UnrecordedError, django.db.Error: nothing may be acknowledged, and nothing was kept.
    """
    scene: AbstractContextManager[Any] = (
        nullcontext() if operation.read_only else transaction.atomic()
    )
    with scene:
        document = operation.perform(call, **call.path)
        # Built before it is recorded: what can't be sent did not succeed.
        response = build_answer(document, reader)
        progress.record(
            Event.API_CALLED,
            Outcome.SUCCEEDED,
            status=response.status_code,
            told=call.describe(),
        )
    return response


def build_answer(document: BaseModel | None, reader: Reader) -> HttpResponseBase:
    """200 with the document, or 204 where nothing is left to show."""
    if document is not None:
        return build_document(document.model_dump(mode="json"), reader)
    response = HttpResponse(status=204, headers={"Cache-Control": "no-store"})
    del response["Content-Type"]
    return response
