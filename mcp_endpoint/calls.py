"""One tool call and its row in the activity log: both or neither.

A tool that changes something runs in one transaction with its row, so that there is no effect
without a record and no record of an effect that did not happen. A tool that reads runs in
autocommit and is recorded once. A tool that acts outside our database leaves a row before it
starts. If a row can't be written the call is not acknowledged.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import django.db
from django.db import InterfaceError, OperationalError, transaction
from pydantic import BaseModel, ValidationError

from activity.events import Event, Outcome
from activity.recorder import record_event
from activity.redaction import REDACTED
from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import Tool
from mcp_endpoint.errors import RefusedError, ToolError, UnrecordedError
from mcp_endpoint.input_rounds import InputRequiredError
from mcp_endpoint.result_shapes import build_result
from mcp_endpoint.results import build_tool_failure

MAX_PROBLEMS = 10
MAX_ARGUMENT_NAME = 64
UNCHANGED = "Nothing was changed."
MAYBE_CHANGED = "It may have taken effect, so look before you try again."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the tool, what the client sent, who calls, and when it came in."""

    tool: Tool
    arguments: Mapping[str, Any]
    context: CallContext
    started: float

    def record(self, outcome: Outcome, reason: str = "") -> None:
        """Write this call's row in the current transaction.

        Raises:
            UnrecordedError: it could not be written.
        """
        principal = self.context.principal
        details = {
            "arguments": self.redact_arguments(),
            **self.context.inputs.named_in_log,
            **principal.named_in_log,
        }
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

    def redact_arguments(self) -> dict[str, Any]:
        """The arguments, with the values that the tool lets be kept; the recorder bounds them."""
        keep = self.tool.recordable
        return {name: value if name in keep else REDACTED for name, value in self.arguments.items()}


def call_tool(call: Call) -> dict[str, Any]:
    """Run the tool, record the call, and build the result that the model reads.

    Raises:
        UnrecordedError: nothing may be acknowledged, and nothing was kept.
        RefusedError: the tool asked for what the client cannot give.
        django.db.OperationalError: the database failed below the tool; nothing was kept.
    """
    try:
        return run_tool(call, read_arguments(call))
    except (UnrecordedError, RefusedError):
        raise
    except InputRequiredError as asked:
        # Started, because nothing was done and nobody knows whether the call comes back.
        call.record(Outcome.STARTED, "input_required")
        return asked.result
    except ToolError as error:
        call.record(Outcome.REFUSED, error.reason)
        return build_tool_failure(error.message)
    except (OperationalError, InterfaceError):
        record_outage(call)
        raise
    except Exception as error:
        # The name only: messages of exceptions quote values.
        logger.exception("tool %s failed", call.tool.name)
        call.record(Outcome.FAILED, type(error).__name__)
        consequence = MAYBE_CHANGED if call.tool.open_world else UNCHANGED
        return build_tool_failure(
            f"Something went wrong on our side. {consequence} Reference: {call.context.reference}"
        )


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
        "organization can change the role."
    )


def read_arguments(call: Call) -> BaseModel:
    """The arguments as the tool's model.

    MCP 2025-11-25 server/tools: wrong input is a result for the model, not a protocol error.
    """
    try:
        return call.tool.arguments_model.model_validate(call.arguments)
    except ValidationError as error:
        raise ToolError(
            describe_problems(call.tool.name, error), reason="invalid_arguments"
        ) from error


def run_tool(call: Call, arguments: BaseModel) -> dict[str, Any]:
    """Run the tool and record its success, in one transaction unless it only reads."""
    if call.tool.open_world:
        call.record(Outcome.STARTED)
    if call.tool.read_only:
        result = compute_result(call, arguments)
        call.record(Outcome.SUCCEEDED)
        return result
    with transaction.atomic():
        result = compute_result(call, arguments)
        call.record(Outcome.SUCCEEDED)
    return result


def compute_result(call: Call, arguments: BaseModel) -> dict[str, Any]:
    """The tool's result, serialized before it is recorded: what can't be sent did not succeed."""
    result = call.tool.function(call.context, arguments)
    return build_result(call.tool.shape, result, call.context.protocol_version)


def record_outage(call: Call) -> None:
    """Record that the database failed a call, if it recovered meanwhile."""
    try:
        call.record(Outcome.FAILED, "database_unavailable")
    except UnrecordedError:
        logger.warning("a call of %s could not be recorded", call.tool.name)


def describe_problems(tool_name: str, error: ValidationError) -> str:
    """Which arguments are wrong and how, for a model to correct itself."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"The arguments of {tool_name} are not valid. Correct them and call it again:"]
    for problem in problems[:MAX_PROBLEMS]:
        name = ".".join(str(part) for part in problem["loc"])[:MAX_ARGUMENT_NAME] or "arguments"
        text = (
            "there is no such argument"
            if problem["type"] == "extra_forbidden"
            else problem["msg"].removeprefix("Value error, ")
        )
        lines.append(f"- {name}: {text}")
    if len(problems) > MAX_PROBLEMS:
        lines.append(f"- and {len(problems) - MAX_PROBLEMS} more")
    return "\n".join(lines)
