"""For the tests of whoever writes tools: call one as a person, in two lines.

    caller = call_as(user, organization)
    assert caller.call("count_people", role="member").people == 2

Nothing is a stand-in: the person gets a token, which is verified at every call; scope, role and
arguments are checked, and the call leaves its row. Everything runs in the test's own thread and
transaction, so it sees what the test made and is rolled back with it. Besides, the kit holds a
tool to what it says of itself: that it only reads, and what its result looks like. For pytest
with ``django_db`` and for Django's ``TestCase``; production never imports it.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg.errors
from django.db import DatabaseError, connection, transaction
from jsonschema import Draft202012Validator
from pydantic_core import to_jsonable_python

from accounts.models import Membership, Organization, User
from activity.models import ActivityEvent
from activity.origin import Origin
from activity.references import new_reference
from mcp_endpoint.calls import Call, call_tool
from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import Tool
from mcp_endpoint.envelope import Kind
from mcp_endpoint.errors import ReadingFailedError, RefusedError, ToolError
from mcp_endpoint.exchange import Exchange
from mcp_endpoint.input_rounds import InputRequiredError
from mcp_endpoint.parameter_headers import find_value, render
from mcp_endpoint.progress import Progress, ProgressFeed
from mcp_endpoint.prompt_methods import get_prompt
from mcp_endpoint.protocol import CAPABILITIES_KEY, MODERN_VERSIONS, Era, Message
from mcp_endpoint.refusals import record_refusal
from mcp_endpoint.registry import registry
from mcp_endpoint.resource_methods import read_resource
from mcp_endpoint.result_shapes import build_result
from mcp_endpoint.tool_methods import admit
from oauth_ext.personal_tokens import create_personal_token
from oauth_ext.scopes import SUPPORTED, format_scope
from oauth_ext.verification import Principal, TokenRefusedError, verify_bearer

# What the endpoint's own watch over tools that only read ends a call with.
WRITE_REFUSED = "ReadOnlyToolError"
# A resource may be there and not for this person, so that its absence asks nothing.
ABSENT = ("unknown_tool", "unknown_prompt")
NOT_LOADED = " Is its application in HOST_APPS?"

Reader = Callable[[Exchange], Mapping[str, Any]]


class ToolRefused(Exception):
    """A call that was refused: ``text`` is what the model or the client reads, ``reason`` is the
    slug in the activity log."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.text = text
        self.reason = reason


class InputAsked(Exception):
    """The tool asked for input that ``Caller.answers`` does not have; ``requests`` say which."""

    def __init__(self, requests: Mapping[str, Any]) -> None:
        super().__init__(f"answers= has nothing for {', '.join(sorted(requests))}")
        self.requests = requests


@dataclass(slots=True)
class Caller:
    """A person whose client calls tools, reads resources and gets prompts.

    ``answers`` are given when a tool asks, by the keys of its questions, as a client sends them:
    ``{"sure": {"action": "accept", "content": {"yes": True}}}``. After each call ``progress`` has
    the steps it reported, ``rows`` its rows in the activity log (oldest first) and ``result`` what
    went over the wire.
    """

    token: str
    answers: dict[str, Any] = field(default_factory=dict)
    progress: list[Progress] = field(default_factory=list)
    rows: list[ActivityEvent] = field(default_factory=list)
    result: Mapping[str, Any] = field(default_factory=dict)

    def call(self, tool_name: str, /, **arguments: Any) -> Any:
        """What the tool gives back: its model, its content, or its ToolResult.

        Args:
            arguments: as Python values; they go through JSON, as a client's do.

        Raises:
            ToolRefused: the tool, or what stands before it, refused the call.
            InputAsked: the tool asked, and there is no answer.
            AssertionError: the tool does not do what it says of itself.
            Exception: what the tool failed with, as it was raised.
        """
        self.progress, self.rows, self.result = [], [], {}
        origin = build_origin()
        watch = Watch()
        try:
            self.result = self._send(tool_name, to_jsonable_python(arguments), origin, watch)
        finally:
            self.rows = find_rows(origin)
        watch.hold_to_reading(self.rows)
        if watch.failure is not None:
            raise watch.failure
        if self.result["isError"]:
            text: str = self.result["content"][0]["text"]
            told, _, _ = text.partition(f"Reference: {origin.reference}")
            raise ToolRefused(told.rstrip(), self.rows[-1].reason)
        watch.hold_to_schema(self.result)
        return watch.returned

    def _send(
        self, name: str, arguments: Mapping[str, Any], origin: Origin, watch: "Watch"
    ) -> Mapping[str, Any]:
        """One call, up to its result; questions on the way are answered if they can be."""
        params: dict[str, Any] = {"name": name, "arguments": arguments}
        given: set[str] = set()
        while True:
            result = self._send_once(params, origin, watch)
            asked = result.get("inputRequests")
            if asked is None:
                return result
            if set(asked) & given or not set(asked) <= set(self.answers):
                raise InputAsked(asked)
            given |= set(asked)
            params["inputResponses"] = {key: self.answers[key] for key in asked}
            params["requestState"] = result["requestState"]

    def _send_once(
        self, params: Mapping[str, Any], origin: Origin, watch: "Watch"
    ) -> Mapping[str, Any]:
        """One round of a call."""

        def run(exchange: Exchange) -> Mapping[str, Any]:
            made = admit(exchange, ProgressFeed())
            return call_tool(watch.over(made, self.progress)) if isinstance(made, Call) else made

        headers = build_headers(registry.find(params["name"]), params["arguments"])
        return self._ask("tools/call", params, run, origin, headers)

    def read(self, uri: str) -> Mapping[str, Any]:
        """The contents of a resource, as a client gets them: ``uri``, and ``text`` or ``blob``.

        Raises:
            ToolRefused: it is not there for this person, or cannot be had.
            Exception: what it failed with, as it was raised.
        """
        contents: Mapping[str, Any] = self._get("resources/read", {"uri": uri}, read_resource)[
            "contents"
        ][0]
        return contents

    def prompt(self, prompt_name: str, /, **arguments: str) -> list[Mapping[str, Any]]:
        """The messages of a prompt, as a client gets them: ``role`` and ``content``.

        Raises:
            ToolRefused: it is not there for this person, or its arguments are wrong.
            Exception: what it failed with, as it was raised.
        """
        params = {"name": prompt_name, "arguments": arguments}
        messages: list[Mapping[str, Any]] = self._get("prompts/get", params, get_prompt)["messages"]
        return messages

    def _get(self, method: str, params: Mapping[str, Any], handler: Reader) -> Mapping[str, Any]:
        """What a method gives that only reads."""
        self.progress, self.rows, self.result = [], [], {}
        origin = build_origin()
        try:
            self.result = self._ask(method, params, handler, origin, {})
        finally:
            self.rows = find_rows(origin)
        return self.result

    def _ask(
        self,
        method: str,
        params: Mapping[str, Any],
        handler: Reader,
        origin: Origin,
        headers: Mapping[str, str],
    ) -> Mapping[str, Any]:
        """One request, up to its result; a refusal leaves its row, as it does at the endpoint."""
        principal: Principal | None = None
        try:
            principal = verify_bearer(self.token)
            message = build_message(method, params, headers)
            return handler(Exchange(message, principal, origin, time.perf_counter()))
        except TokenRefusedError as refusal:
            raise ToolRefused(refusal.description, refusal.reason) from None
        except RefusedError as refusal:
            record_refusal(refusal, origin, principal, MODERN_VERSIONS[-1])
            if isinstance(refusal, ReadingFailedError) and refusal.__cause__ is not None:
                raise refusal.__cause__ from None
            question = NOT_LOADED if refusal.reason in ABSENT else ""
            raise ToolRefused(f"{refusal.message}{question}", refusal.reason) from None


def build_origin() -> Origin:
    """Where the calls of a test come from; each has a reference of its own."""
    return Origin(reference=new_reference(), ip="127.0.0.1", user_agent="test kit")


def find_rows(origin: Origin) -> list[ActivityEvent]:
    """The rows of one request, oldest first."""
    return list(ActivityEvent.objects.with_reference(origin.reference).order_by("id"))


def build_headers(tool: Tool | None, arguments: Mapping[str, Any]) -> dict[str, str]:
    """The headers that repeat arguments, as clients send them."""
    headers = {}
    for parameter in tool.mirrored if tool else ():
        value = render(find_value(arguments, parameter.path))
        if value is not None:
            headers[parameter.key] = f"=?base64?{b64encode(value.encode()).decode()}?="
    return headers


def build_message(method: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> Message:
    """The request of a modern client that can be asked anything."""
    asks: Mapping[str, Any] = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}
    return Message(
        kind=Kind.REQUEST,
        era=Era.MODERN,
        protocol_version=MODERN_VERSIONS[-1],
        id=1,
        method=method,
        params={**params, "_meta": {CAPABILITIES_KEY: asks}},
        parameter_headers=headers,
    )


def call_as(user: User, organization: Organization, scopes: Iterable[str] = SUPPORTED) -> Caller:
    """Somebody who calls tools for an organization, with a token that carries these scopes.

    Their role still narrows the scopes, as it does for everybody's token.

    Raises:
        LookupError: the person is no member of the organization.
    """
    try:
        membership = Membership.objects.get(user=user, organization=organization)
    except Membership.DoesNotExist:
        raise LookupError(
            f"{user} is no member of {organization}. Make a Membership first, with a role."
        ) from None
    token, _ = create_personal_token(
        membership,
        label="Test kit",
        scope=format_scope(scopes),
        tools=None,
        days=1,
        nonce=new_reference(),
    )
    return Caller(token)


class Watch:
    """Looks at what one call of a tool does, and holds the tool to what it says of itself."""

    def __init__(self) -> None:
        self.tool: Tool | None = None
        self.returned: Any = None
        self.failure: Exception | None = None
        self.wrote = False

    def over(self, made: Call, progress: list[Progress]) -> Call:
        """The same call, under this watch; its steps go to the list."""
        tool = self.tool = made.tool

        def run(context: CallContext, arguments: Any) -> Any:
            try:
                with self.forbid_writing() if tool.read_only else nullcontext():
                    self.returned = tool.function(context, arguments)
            except (ToolError, InputRequiredError):
                raise
            except Exception as error:
                self.failure = error
                raise
            self.hold_to_promise(tool, context)
            return self.returned

        return replace(
            made,
            tool=replace(tool, function=run),
            context=replace(made.context, reporter=progress.append),
        )

    def hold_to_promise(self, tool: Tool, context: CallContext) -> None:
        """What the function gave back is of the type it promised, and can be sent."""
        try:
            build_result(tool.shape, self.returned, context.protocol_version)
        except (TypeError, ValueError) as error:
            self.failure = AssertionError(f"{tool.name}: {error}")
            raise

    @contextmanager
    def forbid_writing(self) -> Iterator[None]:
        """Let PostgreSQL refuse what writes, and notice it even if the tool does not pass it on."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('transaction_read_only', 'on', true)")
            with connection.execute_wrapper(self.notice_writing):
                yield

    def notice_writing(
        self,
        execute: Callable[..., Any],
        sql: Any,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        """One statement of a tool that only reads."""
        try:
            return execute(sql, params, many, context)
        except DatabaseError as error:
            if isinstance(error.__cause__, psycopg.errors.ReadOnlySqlTransaction):
                self.wrote = True
            raise

    def hold_to_reading(self, rows: list[ActivityEvent]) -> None:
        """A tool that says it only reads did not try to write."""
        if self.tool and (self.wrote or any(row.reason == WRITE_REFUSED for row in rows)):
            raise AssertionError(
                f"{self.tool.name} says read_only=True and changes or locks rows. Write "
                'read_only=False with scope="draft" or "actions", destructive= and idempotent=, or '
                "leave the rows alone."
            ) from self.failure

    def hold_to_schema(self, result: Mapping[str, Any]) -> None:
        """The result is what the tool's output schema promises."""
        schema = self.tool.definition.get("outputSchema") if self.tool else None
        if self.tool is None or schema is None:
            return
        problems = Draft202012Validator(schema).iter_errors(result.get("structuredContent"))
        for problem in problems:
            raise AssertionError(
                f"{self.tool.name} gave back what its output schema does not allow: "
                f"{problem.json_path}: {problem.message}"
            )
