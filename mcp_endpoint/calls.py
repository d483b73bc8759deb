"""One tool call and its row in the activity log: both or neither.

A tool that changes something runs in one transaction with its row, so that there is no effect
without a record and no record of an effect that did not happen. A tool that reads runs in
autocommit and is recorded once. A tool that acts outside our database leaves a row before it
starts. If a row can't be written the call is not acknowledged. Whether a call is kept at all is
decided by its gate, the last thing before the row.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import django.db
from django.db import InterfaceError, OperationalError, connection, transaction
from psycopg.errors import QueryCanceled
from pydantic import BaseModel, ValidationError

from activity.events import Event, Outcome
from activity.recorder import record_event
from activity.redaction import REDACTED
from mcp_endpoint.argument_problems import describe_problems
from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import Tool
from mcp_endpoint.errors import RefusedError, ToolError, UnrecordedError
from mcp_endpoint.gate import TIME_LIMIT, Gate, Stop, StoppedError
from mcp_endpoint.input_rounds import InputRequiredError
from mcp_endpoint.read_only import run_reading
from mcp_endpoint.result_shapes import build_result
from mcp_endpoint.results import build_tool_failure

UNCHANGED = "Nothing was changed."
MAYBE_CHANGED = "It may have taken effect, so look before you try again."
# What a tool may idle beyond its own limit before the database gives up its transaction.
IDLE_MARGIN = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the tool, what the client sent, who calls, and when it came in."""

    tool: Tool
    arguments: Mapping[str, Any]
    context: CallContext
    started: float
    gate: Gate = field(default_factory=Gate)

    def record(self, outcome: Outcome, reason: str = "") -> None:
        """Write this call's row in the current transaction.

        Raises:
            UnrecordedError: it could not be written.
        """
        principal = self.context.principal
        details: dict[str, Any] = {
            "arguments": self.redact_arguments(),
            **self.context.inputs.named_in_log,
            **principal.named_in_log,
        }
        if self.gate.client_gone:
            details["client_gone"] = True
        try:
            record_event(
                Event.TOOL_CALLED,
                origin=self.context.origin,
                outcome=outcome,
                reason=reason,
                user_id=principal.user_id,
                organization_id=principal.organization_id,
                client_id=principal.client_id,
                connection_id=principal.connection_id,
                tool=self.tool.name,
                protocol_version=self.context.protocol_version,
                http_status=200,
                latency_ms=round((time.perf_counter() - self.started) * 1000, 2),
                details=details,
            )
        except django.db.Error as error:
            raise UnrecordedError from error

    def record_end(self, outcome: Outcome, reason: str) -> None:
        """Write the row of an end that keeps nothing, unless another end has been told."""
        self.gate.settle()
        self.record(outcome, reason)

    def redact_arguments(self) -> dict[str, Any]:
        """The arguments, with the values that the tool lets be kept; the recorder bounds them."""
        keep = self.tool.recordable
        return {name: value if name in keep else REDACTED for name, value in self.arguments.items()}


def wait_for_end(result: Mapping[str, Any]) -> None:
    """For callers who take the result when everything is over."""


def call_tool(
    call: Call, tell_kept: Callable[[Mapping[str, Any]], None] = wait_for_end
) -> dict[str, Any]:
    """Run the tool, record the call, and build the result that the model reads.

    Args:
        tell_kept: told the result of a call that changes something as soon as it is committed.

    Raises:
        UnrecordedError: nothing may be acknowledged, and nothing was kept.
        RefusedError: the tool asked for what the client cannot give.
        django.db.OperationalError: the database failed below the tool; nothing was kept.
        AbandonedError: somebody else has recorded and answered it; nothing was kept.
    """
    try:
        return run_tool(call, read_arguments(call), tell_kept)
    except (UnrecordedError, RefusedError):
        raise
    except InputRequiredError as asked:
        # Started, because nothing was done and nobody knows whether the call comes back.
        call.record_end(Outcome.STARTED, "input_required")
        return asked.result
    except StoppedError as error:
        return tell_stop(call, error.stop)
    except ToolError as error:
        call.record_end(Outcome.REFUSED, error.reason)
        return build_tool_failure(error.message, call.context.reference)
    except (OperationalError, InterfaceError) as error:
        if isinstance(error.__cause__, QueryCanceled):
            return tell_stop(call, TIME_LIMIT)
        record_outage(call)
        raise
    except Exception as error:
        call.record_end(Outcome.FAILED, type(error).__name__)
        # The name only: messages of exceptions quote values.
        logger.exception("tool %s failed", call.tool.name)
        return build_tool_failure(
            f"Something went wrong on our side. {tell_consequence(call.tool)}",
            call.context.reference,
        )


def tell_stop(call: Call, stop: Stop) -> dict[str, Any]:
    """Record a call that ends before its tool did, and tell the model."""
    call.record_end(stop.outcome, stop.reason)
    return build_stop_failure(call, stop)


def build_stop_failure(call: Call, stop: Stop) -> dict[str, Any]:
    """What the model reads of a call that was stopped."""
    cause = (
        f"{call.tool.name} took longer than it may and was stopped"
        f" (its limit is {call.tool.time_limit:g} s)."
        if stop is TIME_LIMIT
        else f"{call.tool.name} was stopped."
    )
    return build_tool_failure(f"{cause} {tell_consequence(call.tool)}", call.context.reference)


def tell_consequence(tool: Tool) -> str:
    """What a failed call has left behind."""
    return MAYBE_CHANGED if tool.open_world else UNCHANGED


def refuse_by_role(call: Call) -> dict[str, Any]:
    """The answer to a call that the person's role does not allow, whatever the token carries.

    A result for the model, not 403: that would send the person to a consent page which cannot
    give what their role forbids.
    """
    call.record(Outcome.REFUSED, "role_scope")
    principal = call.context.principal
    return build_tool_failure(
        f"The person is {principal.role} in {principal.organization_name}, and that role does not "
        f"allow {call.tool.name}. Connecting again does not help; an owner or admin of the "
        "organization can change the role.",
        call.context.reference,
    )


def read_arguments(call: Call) -> BaseModel:
    """The arguments as the tool's model.

    MCP 2025-11-25 server/tools: wrong input is a result for the model, not a protocol error.
    """
    try:
        return call.tool.arguments_model.model_validate(call.arguments)
    except ValidationError as error:
        raise ToolError(
            describe_problems(call.tool.name, call.tool.definition["inputSchema"], error),
            reason="invalid_arguments",
        ) from error


def run_tool(
    call: Call, arguments: BaseModel, tell_kept: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """Run the tool and record its success, in one transaction unless it only reads."""
    tool = call.tool
    if tool.open_world:
        call.record(Outcome.STARTED)
    if tool.read_only:
        return finish(call, arguments)
    is_kept = False

    def keep() -> None:
        nonlocal is_kept
        is_kept = True
        tell_kept(result)

    try:
        with transaction.atomic():
            # Before whatever the tool leaves for after the commit.
            transaction.on_commit(keep)
            if tool.runs_apart:
                allow_idling(tool.time_limit + IDLE_MARGIN)
            result = finish(call, arguments)
    except Exception:
        if not is_kept:
            raise
        # Its effects and its row are committed: this is no failure of the call any more.
        logger.exception("what %s left for after its commit has failed", tool.name)
    return result


def finish(call: Call, arguments: BaseModel) -> dict[str, Any]:
    """The tool's result, once the call is to be kept and its row is written."""
    result = compute_result(call, arguments)
    call.gate.settle_success()
    call.record(Outcome.SUCCEEDED)
    return result


def allow_idling(seconds: float) -> None:
    """Let this transaction wait for what is outside the database as long as the tool may."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, true)",
            [f"{round(seconds * 1000)}ms"],
        )


def compute_result(call: Call, arguments: BaseModel) -> dict[str, Any]:
    """The tool's result, serialized before it is recorded: what can't be sent did not succeed."""
    tool = call.tool
    if tool.read_only:
        result = run_reading(tool.function, call.context, arguments)
    else:
        result = tool.function(call.context, arguments)
    return build_result(tool.shape, result, call.context.protocol_version)


def record_outage(call: Call) -> None:
    """Record that the database failed a call, if it recovered meanwhile."""
    try:
        call.record_end(Outcome.FAILED, "database_unavailable")
    except UnrecordedError:
        logger.warning("a call of %s could not be recorded", call.tool.name)
