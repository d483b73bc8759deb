"""One reading of a resource or a prompt and its row in the activity log: both or neither.

Readings have no effects, and statements that write are refused while one runs; but what can't be
recorded is not given.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import django.db
from django.db import InterfaceError, OperationalError

from activity.events import Event, Outcome
from activity.recorder import record_event
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import (
    InvalidParamsError,
    ReadingFailedError,
    RefusedError,
    ResourceNotFoundError,
    ToolError,
    UnrecordedError,
)
from mcp_endpoint.exchange import Exchange
from mcp_endpoint.input_rounds import InputRequiredError, open_round
from mcp_endpoint.read_only import run_reading
from mcp_endpoint.responses import encode_json

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read, as the log names it; ``absence`` is the refusal if there is no such thing."""

    exchange: Exchange
    context: CallContext
    event: Event
    details: Mapping[str, Any]
    absence: RefusedError

    def run(self, build: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """The result, once its row is written.

        Raises:
            RefusedError: it is not there, can't be had, or failed; whoever answers records it.
            UnrecordedError: the row could not be written, so nothing may be given.
            django.db.OperationalError: the database failed below.
        """
        try:
            result = run_reading(build)
            # Encoded here, so that what no client can read is a failure and not a success.
            encode_json(result)
        except RefusedError:
            raise
        except InputRequiredError as asked:
            # Started, because nobody knows whether the question comes back with its answer.
            self.record(Outcome.STARTED, "input_required")
            return asked.result
        except ResourceNotFoundError as error:
            raise self.absence from error
        except ToolError as error:
            raise InvalidParamsError(
                error.message, reason=error.reason, event=self.event, details=self.details
            ) from error
        except (OperationalError, InterfaceError):
            self.record_outage()
            raise
        except Exception as error:
            raise build_failure(error, self.event, self.details) from error
        self.record(Outcome.SUCCEEDED)
        return result

    def record(self, outcome: Outcome, reason: str = "") -> None:
        """Write the row.

        Raises:
            UnrecordedError: it could not be written.
        """
        exchange, principal = self.exchange, self.exchange.principal
        try:
            record_event(
                self.event,
                origin=exchange.origin,
                outcome=outcome,
                reason=reason,
                user_id=principal.user_id,
                organization_id=principal.organization_id,
                client_id=principal.client_id,
                connection_id=principal.connection_id,
                protocol_version=exchange.message.protocol_version,
                http_status=200,
                latency_ms=round((time.perf_counter() - exchange.started) * 1000, 2),
                details={
                    **self.details,
                    **self.context.inputs.named_in_log,
                    **principal.named_in_log,
                },
            )
        except django.db.Error as error:
            raise UnrecordedError from error

    def record_outage(self) -> None:
        """Record that the database failed the reading, if it recovered meanwhile."""
        try:
            self.record(Outcome.FAILED, "database_unavailable")
        except UnrecordedError:
            logger.warning("a reading could not be recorded")


def build_context(
    exchange: Exchange, name: str = "", texts: Mapping[str, Any] | None = None
) -> CallContext:
    """What the function knows about the request.

    Args:
        name: of the prompt, or the URI, if the function may ask the client for input.
        texts: the arguments that go with it.

    Raises:
        InvalidParamsError: what the client brings from the round before is not this call's.
    """
    context = CallContext(exchange.principal, exchange.origin, exchange.message.protocol_version)
    return replace(context, inputs=open_round(exchange, name, texts or {})) if name else context


def build_failure(error: Exception, event: Event, details: Mapping[str, Any]) -> ReadingFailedError:
    """Generic words for a fault of ours; the log has the name, because messages quote values."""
    logger.error("a reading failed", exc_info=error)
    return ReadingFailedError(
        "Something went wrong on our side.",
        reason=type(error).__name__,
        event=event,
        details=details,
    )
