"""Calls that ask for input: MCP 2026-07-28 basic/patterns/mrtr and client/elicitation."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal

import mcp_types
import pytest
import time_machine
from django.http import HttpResponse
from django.utils import timezone
from mcp_types import _v2026_07_28 as wire
from pydantic import AwareDatetime, BaseModel, Field

from accounts.models import Organization
from activity.models import ActivityEvent
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.input_requests import (
    Elicitation,
    ListRoots,
    Sampling,
    build_form_schema,
)
from mcp_endpoint.prompts import prompt, prompt_registry
from mcp_endpoint.request_state import SECONDS
from tests.mcp_client import MODERN_META, McpClient
from tests.mcp_endpoint.conftest import AddTool, Join, ProbeArguments, ProbeResult, rows_of

pytestmark = pytest.mark.django_db(transaction=True)

WRITES = {"read_only": False, "scope": "actions"}
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
FORMS = {"elicitation": {}}
EVERYTHING = {"elicitation": {"form": {}}, "sampling": {}, "roots": {}}


class Confirmation(BaseModel):
    really: bool


class Name(BaseModel):
    name: str


NEW = {"text": "New"}
YES = {"confirm": {"action": "accept", "content": {"really": True}}}


def rename_if_confirmed(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
    """Changes something, asks, and goes on: what came before the question must not stay."""
    mine = Organization.objects.filter(id=context.principal.organization_id)
    mine.update(name=f"half {arguments.text}")
    answer = context.ask("confirm", Elicitation(f"Call it {arguments.text}?", schema=Confirmation))
    if answer.content is None or not answer.content.really:
        return ProbeResult(text=answer.action)
    mine.update(name=arguments.text)
    return ProbeResult(text="renamed")


def ask(
    client: McpClient,
    tool: str,
    arguments: Mapping[str, Any] | None = None,
    capabilities: Mapping[str, Any] = FORMS,
    **params: Any,
) -> HttpResponse:
    """A call by a client that declares what it can be asked."""
    meta = {**MODERN_META, CAPABILITIES_KEY: dict(capabilities)}
    body = {"name": tool, "arguments": dict(arguments or {}), **params}
    return client.modern("tools/call", body, meta=meta)


def read(answer: HttpResponse) -> dict[str, Any]:
    """The result of an answer."""
    assert answer.status_code == 200, answer.content
    result: dict[str, Any] = answer.json()["result"]  # type: ignore[attr-defined]
    return result


def read_question(answer: HttpResponse) -> dict[str, Any]:
    """A result that asks, as the official types read it."""
    result = read(answer)
    assert result["resultType"] == "input_required"
    wire.InputRequiredResult.model_validate(result)
    for request in result["inputRequests"].values():
        if request["method"] == "elicitation/create":
            wire.ElicitRequestFormParams.model_validate(request["params"])
    return result


def name_of(world: Any) -> str:
    world.acme.refresh_from_db()
    return str(world.acme.name)


def test_a_tool_asks_and_goes_on_with_the_answer(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    before = name_of(world)
    asked = ask(mcp, tool, {"text": "New"})
    question = read_question(asked)
    assert question["inputRequests"] == {
        "confirm": {
            "method": "elicitation/create",
            "params": {
                "mode": "form",
                "message": "Call it New?",
                "requestedSchema": {
                    "type": "object",
                    "properties": {"really": {"type": "boolean"}},
                    "required": ["really"],
                },
            },
        }
    }
    assert "io.modelcontextprotocol/serverInfo" in question["_meta"]
    assert "ttlMs" not in question
    # Nothing is done before the answer, and the row says so.
    assert name_of(world) == before
    (row,) = rows_of(asked.headers["Reference-Id"])
    assert (row.event, row.outcome, row.reason) == ("mcp.tool.called", "started", "input_required")

    done = ask(
        mcp,
        tool,
        {"text": "New"},
        inputResponses=YES,
        requestState=question["requestState"],
    )
    assert read(done)["structuredContent"] == {"text": "renamed"}
    assert name_of(world) == "New"
    (row,) = rows_of(done.headers["Reference-Id"])
    assert (row.outcome, row.reason) == ("succeeded", "")
    assert row.details["answers"] == {"confirm": "accept"}


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_a_person_may_say_no(mcp: McpClient, add_tool: AddTool, action: str) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    state = read_question(ask(mcp, tool))["requestState"]
    answers = {"confirm": {"action": action}}
    done = ask(mcp, tool, inputResponses=answers, requestState=state)
    assert read(done)["structuredContent"] == {"text": action}
    (row,) = rows_of(done.headers["Reference-Id"])
    assert row.details["answers"] == {"confirm": action}


Bend = Callable[[str], str]


@pytest.mark.case(294)
@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda state: state + "-TAMPERED", id="longer"),
        pytest.param(lambda state: state[:-6] + "AAAA" + state[-2:], id="edited"),
        pytest.param(lambda state: state[:8], id="cut"),
        pytest.param(lambda state: "", id="empty"),
        pytest.param(lambda state: "{}", id="no-base64"),
        pytest.param(lambda state: "A" * 80_000, id="huge"),
        pytest.param(lambda state: "\u00e9" + state, id="no-ascii"),
    ],
)
def test_an_edited_state_runs_nothing(
    world: Any, mcp: McpClient, add_tool: AddTool, bend: Bend
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    before = name_of(world)
    state = read_question(ask(mcp, tool, {"text": "New"}))["requestState"]
    refused = ask(mcp, tool, {"text": "New"}, inputResponses=YES, requestState=bend(state))
    check_state_refused(refused, tool)
    assert name_of(world) == before
    # The neighbour: as it was given.
    done = ask(mcp, tool, {"text": "New"}, inputResponses=YES, requestState=state)
    assert read(done)["structuredContent"] == {"text": "renamed"}


def check_state_refused(refused: HttpResponse, tool: str) -> None:
    """Refused like every other state that is not good here."""
    assert refused.status_code == 200
    error = refused.json()["error"]  # type: ignore[attr-defined]
    assert error["code"] == -32602
    assert error["message"].startswith("This requestState is not good for this call, or its time")
    (row,) = rows_of(refused.headers["Reference-Id"])
    assert (row.event, row.outcome, row.reason) == (
        "mcp.request.refused",
        "refused",
        "state_tampered",
    )
    assert row.tool == tool


@pytest.mark.case(294)
def test_a_state_of_other_arguments_or_another_tool_runs_nothing(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    other = add_tool(rename_if_confirmed, **WRITES)
    before = name_of(world)
    state = read_question(ask(mcp, tool, {"text": "New"}))["requestState"]
    for name, text in ((tool, "Evil"), (other, "New")):
        refused = ask(mcp, name, {"text": text}, inputResponses=YES, requestState=state)
        check_state_refused(refused, name)
    assert name_of(world) == before


@pytest.mark.case(294)
def test_a_state_of_another_method_runs_nothing(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    """A prompt may be called like a tool, and what was allowed to the one is not to the other."""
    tool = add_tool(rename_if_confirmed, **WRITES)
    before = name_of(world)

    def same_name(context: CallContext) -> str:
        """Asks what the tool asks."""
        context.ask("confirm", Elicitation("Call it ?", schema=Confirmation))
        return "confirmed"

    prompt(scope="read", title="Same name", name=tool)(same_name)
    try:
        meta = {**MODERN_META, CAPABILITIES_KEY: FORMS}
        state = read_question(mcp.modern("prompts/get", {"name": tool}, meta=meta))["requestState"]
        check_state_refused(ask(mcp, tool, inputResponses=YES, requestState=state), tool)
    finally:
        prompt_registry.remove(tool)
    assert name_of(world) == before


@pytest.mark.case(294)
def test_a_state_is_good_for_its_person_organization_and_connection_only(
    world: Any, join: Join, add_tool: AddTool
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    own = McpClient(join(world.alice, world.acme).access_token)
    strangers = [
        McpClient(join(world.ben, world.acme).access_token),
        McpClient(join(world.alice, world.borealis).access_token),
        McpClient(join(world.alice, world.acme).access_token),
    ]
    state = read_question(ask(own, tool, {"text": "New"}))["requestState"]
    names = set(Organization.objects.values_list("name", flat=True))
    for stranger in strangers:
        refused = ask(stranger, tool, {"text": "New"}, inputResponses=YES, requestState=state)
        # Whoever may not call it at all hears that first; nobody gets further.
        assert "result" not in refused.json() or read(refused)["isError"]  # type: ignore[attr-defined]
    assert set(Organization.objects.values_list("name", flat=True)) == names
    check_state_refused(
        ask(strangers[-1], tool, {"text": "New"}, inputResponses=YES, requestState=state), tool
    )
    done = ask(own, tool, {"text": "New"}, inputResponses=YES, requestState=state)
    assert read(done)["structuredContent"] == {"text": "renamed"}


@pytest.mark.case(294)
def test_a_state_is_good_for_ten_minutes(world: Any, mcp: McpClient, add_tool: AddTool) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    state = read_question(ask(mcp, tool, NEW))["requestState"]
    opened = timezone.now()
    with time_machine.travel(opened + timedelta(seconds=SECONDS - 5), tick=False):
        done = ask(mcp, tool, NEW, inputResponses=YES, requestState=state)
        assert read(done)["structuredContent"] == {"text": "renamed"}
    with time_machine.travel(opened + timedelta(seconds=SECONDS + 5), tick=False):
        check_state_refused(ask(mcp, tool, NEW, inputResponses=YES, requestState=state), tool)


@pytest.mark.case(294)
def test_a_state_survives_a_new_secret_key_while_the_old_one_is_known(
    settings: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    state = read_question(ask(mcp, tool, NEW))["requestState"]
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another key " * 5
    check_state_refused(ask(mcp, tool, NEW, inputResponses=YES, requestState=state), tool)
    settings.SECRET_KEY_FALLBACKS = [former]
    done = ask(mcp, tool, NEW, inputResponses=YES, requestState=state)
    assert read(done)["structuredContent"] == {"text": "renamed"}


def test_an_answer_to_another_question_is_asked_for_again(
    mcp: McpClient, add_tool: AddTool, world: Any
) -> None:
    files = {"count": 3}

    def delete(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        context.ask("confirm", Elicitation(f"Delete {files['count']}?", schema=Confirmation))
        return ProbeResult(text=f"deleted {files['count']}")

    tool = add_tool(delete, **WRITES)
    state = read_question(ask(mcp, tool))["requestState"]
    files["count"] = 30
    again = read_question(ask(mcp, tool, inputResponses=YES, requestState=state))
    assert again["inputRequests"]["confirm"]["params"]["message"] == "Delete 30?"
    done = ask(mcp, tool, inputResponses=YES, requestState=again["requestState"])
    assert read(done)["structuredContent"] == {"text": "deleted 30"}


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"other": YES["confirm"]},
        {"confirm": 12345},
        {"confirm": {}},
        {"confirm": {"action": "maybe"}},
        {"confirm": {"action": ["accept"]}},
        {"confirm": {"action": "accept"}},
        {"confirm": {"action": "accept", "content": "yes"}},
        {"confirm": {"action": "accept", "content": {"really": "perhaps"}}},
    ],
)
def test_an_unusable_answer_is_asked_for_again(
    world: Any, mcp: McpClient, add_tool: AddTool, answers: Any
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    before = name_of(world)
    state = read_question(ask(mcp, tool))["requestState"]
    read_question(ask(mcp, tool, inputResponses=answers, requestState=state))
    assert name_of(world) == before


@pytest.mark.parametrize("answers", [None, [], "yes", 1])
def test_answers_that_are_no_object_are_refused(
    mcp: McpClient, add_tool: AddTool, answers: Any
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    refused = ask(mcp, tool, inputResponses=answers)
    assert refused.json()["error"]["code"] == -32602  # type: ignore[attr-defined]
    (row,) = rows_of(refused.headers["Reference-Id"])
    assert (row.outcome, row.reason) == ("refused", "bad_params")


def test_an_answer_nobody_asked_for_confirms_nothing(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    before = name_of(world)
    read_question(ask(mcp, tool, inputResponses=YES))
    assert name_of(world) == before

    def greet(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        answers = context.require_input(
            {"name": Elicitation("Your name?", schema=Name)}, accept_unasked=True
        )
        return ProbeResult(text=f"Hello, {answers['name'].content.name}!")

    unasked = {"name": {"action": "accept", "content": {"name": "Alice"}}, "more": {"x": 1}}
    done = ask(mcp, add_tool(greet), inputResponses=unasked)
    assert read(done)["structuredContent"] == {"text": "Hello, Alice!"}


def test_several_rounds_keep_what_was_answered_and_what_the_tool_kept(
    mcp: McpClient, add_tool: AddTool
) -> None:
    prices = iter([10, 20, 30])

    def order(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        price = context.kept_state or next(prices)
        who = context.require_input({"who": Elicitation("Who?", schema=Name)}, state=price)["who"]
        what = context.ask("what", Elicitation(f"What for {price}?", schema=Name))
        return ProbeResult(text=f"{who.content.name} {what.content.name} {price}")  # type: ignore[union-attr]

    tool = add_tool(order)
    first = read_question(ask(mcp, tool))
    assert set(first["inputRequests"]) == {"who"}
    second = read_question(
        ask(
            mcp,
            tool,
            inputResponses={"who": {"action": "accept", "content": {"name": "Alice"}}},
            requestState=first["requestState"],
        )
    )
    assert set(second["inputRequests"]) == {"what"}
    assert second["requestState"] != first["requestState"]
    done = ask(
        mcp,
        tool,
        inputResponses={"what": {"action": "accept", "content": {"name": "tea"}}},
        requestState=second["requestState"],
    )
    assert read(done)["structuredContent"] == {"text": "Alice tea 10"}


def test_only_what_is_missing_is_asked_again(mcp: McpClient, add_tool: AddTool) -> None:
    def gather(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        answers = context.require_input(
            {
                "name": Elicitation("Your name?", schema=Name),
                "greeting": Sampling("Write a greeting", max_tokens=50),
                "folders": ListRoots(),
            }
        )
        folders = ",".join(root.uri for root in answers["folders"].roots)
        return ProbeResult(
            text=f"{answers['greeting'].text} {answers['name'].content.name} {folders}"
        )

    tool = add_tool(gather)
    first = read_question(ask(mcp, tool, capabilities=EVERYTHING))
    assert {request["method"] for request in first["inputRequests"].values()} == {
        "elicitation/create",
        "sampling/createMessage",
        "roots/list",
    }
    wire.CreateMessageRequestParams.model_validate(first["inputRequests"]["greeting"]["params"])
    text = {"type": "text", "text": "Hi"}
    second = read_question(
        ask(
            mcp,
            tool,
            capabilities=EVERYTHING,
            inputResponses={
                "name": {"action": "accept", "content": {"name": "Alice"}},
                "greeting": {"role": "assistant", "model": "m", "content": {"no": "type"}},
                "folders": {"roots": [{"uri": "file:///tmp"}]},
            },
            requestState=first["requestState"],
        )
    )
    assert set(second["inputRequests"]) == {"greeting"}
    done = ask(
        mcp,
        tool,
        capabilities=EVERYTHING,
        inputResponses={"greeting": {"role": "assistant", "model": "m", "content": text}},
        requestState=second["requestState"],
    )
    assert read(done)["structuredContent"] == {"text": "Hi Alice file:///tmp"}
    (row,) = rows_of(done.headers["Reference-Id"])
    assert row.details["answers"] == {"name": "accept", "greeting": "given", "folders": "given"}


@pytest.mark.parametrize(
    ("capabilities", "is_asked"),
    [
        ({"elicitation": {}}, True),
        ({"elicitation": {"form": {}}}, True),
        ({"elicitation": {"url": {}}}, False),
        ({"elicitation": True}, False),
        ({"sampling": {}}, False),
        ({}, False),
    ],
)
def test_only_what_the_client_declared_is_asked(
    world: Any, mcp: McpClient, add_tool: AddTool, capabilities: Any, is_asked: bool
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    before = name_of(world)
    answer = ask(mcp, tool, {"text": "New"}, capabilities=capabilities)
    if is_asked:
        read_question(answer)
    else:
        assert answer.status_code == 400
        error = answer.json()["error"]  # type: ignore[attr-defined]
        assert error["code"] == mcp_types.MISSING_REQUIRED_CLIENT_CAPABILITY
        assert error["data"]["requiredCapabilities"] == {"elicitation": {"form": {}}}
        mcp_types.MissingRequiredClientCapabilityErrorData.model_validate(error["data"])
        (row,) = rows_of(answer.headers["Reference-Id"])
        assert (row.event, row.outcome) == ("mcp.request.refused", "refused")
        assert (row.reason, row.tool) == ("missing_capability", tool)
    assert name_of(world) == before


def test_a_tool_may_look_what_it_can_ask(mcp: McpClient, add_tool: AddTool) -> None:
    def look(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        kinds = [kind for kind in (Elicitation, Sampling, ListRoots) if context.can_ask(kind)]
        return ProbeResult(text=" ".join(kind.method for kind in kinds))

    tool = add_tool(look)
    found = read(ask(mcp, tool, capabilities={"sampling": {}}))
    assert found["structuredContent"] == {"text": "sampling/createMessage"}
    legacy = mcp.legacy("tools/call", {"name": tool})
    assert legacy.json()["result"]["structuredContent"] == {"text": ""}  # type: ignore[attr-defined]


def test_a_tool_in_a_thread_of_its_own_asks_too(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES | {"open_world": True})
    before = name_of(world)
    asked = ask(mcp, tool, NEW)
    state = read_question(asked)["requestState"]
    assert name_of(world) == before
    told = [(row.outcome, row.reason) for row in rows_of(asked.headers["Reference-Id"])]
    assert told == [("started", ""), ("started", "input_required")]
    done = ask(mcp, tool, NEW, inputResponses=YES, requestState=state)
    assert read(done)["structuredContent"] == {"text": "renamed"}
    told = [(row.outcome, row.reason) for row in rows_of(done.headers["Reference-Id"])]
    assert told == [("started", ""), ("succeeded", "")]
    assert name_of(world) == "New"


@pytest.mark.parametrize("capabilities", [FORMS, {}])
def test_a_question_after_progress_ends_the_stream(
    mcp: McpClient, add_tool: AddTool, capabilities: Any
) -> None:
    def work(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        context.report_progress(1, 2)
        context.ask("name", Elicitation("Your name?", schema=Name))
        return ProbeResult(text="done")

    tool = add_tool(work, reports_progress=True)
    meta = {**MODERN_META, CAPABILITIES_KEY: capabilities, "progressToken": "p"}
    answer = mcp.modern("tools/call", {"name": tool}, meta=meta)
    messages = [
        json.loads(line.removeprefix("data: "))
        for line in b"".join(answer).decode().splitlines()
        if line.startswith("data: ")
    ]
    assert messages[0]["method"] == "notifications/progress"
    if capabilities:
        assert messages[-1]["result"]["resultType"] == "input_required"
    else:
        assert messages[-1]["error"]["code"] == -32021
    assert len(messages) == 2


def test_a_legacy_client_reads_that_it_cannot_be_asked(
    world: Any, mcp: McpClient, add_tool: AddTool
) -> None:
    tool = add_tool(rename_if_confirmed, **WRITES)
    before = name_of(world)
    params = {"name": tool, "inputResponses": YES, "requestState": "whatever"}
    answer = mcp.legacy("tools/call", params)
    result = answer.json()["result"]  # type: ignore[attr-defined]
    assert result["isError"] is True
    assert "the connected application cannot ask" in result["content"][0]["text"]
    assert "inputRequests" not in result and "resultType" not in result
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert (row.outcome, row.reason) == ("refused", "client_cannot_ask")
    assert name_of(world) == before


def test_answers_too_long_to_carry_on_are_refused(mcp: McpClient, add_tool: AddTool) -> None:
    def chat(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        context.ask("first", Elicitation("First?", schema=Name))
        context.ask("second", Elicitation("Second?", schema=Name))
        return ProbeResult(text="done")

    tool = add_tool(chat)
    state = read_question(ask(mcp, tool))["requestState"]
    answers = {"first": {"action": "accept", "content": {"name": "a" * 100_000}}}
    refused = ask(mcp, tool, inputResponses=answers, requestState=state)
    assert refused.json()["error"]["code"] == -32602  # type: ignore[attr-defined]


def test_the_log_keeps_no_answers(mcp: McpClient, add_tool: AddTool) -> None:
    def remember(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        questions = {"name": Elicitation("Your name?", schema=Name), "folders": ListRoots()}
        context.require_input(questions)
        return ProbeResult(text="done")

    tool = add_tool(remember)
    state = read_question(ask(mcp, tool, capabilities=EVERYTHING))["requestState"]
    answers = {
        "name": {"action": "accept", "content": {"name": "canary"}, "more": "canary"},
        "folders": {"action": "canary", "roots": [{"uri": "file:///canary"}]},
        "canary": {"action": "canary"},
    }
    done = ask(mcp, tool, capabilities=EVERYTHING, inputResponses=answers, requestState=state)
    read(done)
    (row,) = rows_of(done.headers["Reference-Id"])
    assert row.details["answers"] == {"name": "accept", "folders": "given"}
    kept = "".join(str(row.details) for row in ActivityEvent.objects.all())
    assert "canary" not in kept and state not in kept


class NoFields(BaseModel):
    """Nothing to fill in: accepting is the answer."""


@pytest.mark.parametrize("content", [{}, {"content": {}}])
def test_a_form_without_fields_is_accepted_as_it_is(
    mcp: McpClient, add_tool: AddTool, content: Any
) -> None:
    def go_on(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        answer = context.ask("go", Elicitation("Go on?", schema=NoFields))
        return ProbeResult(text=f"{answer.action} {answer.content is not None}")

    tool = add_tool(go_on)
    state = read_question(ask(mcp, tool))["requestState"]
    answers = {"go": {"action": "accept", **content}}
    done = ask(mcp, tool, inputResponses=answers, requestState=state)
    assert read(done)["structuredContent"] == {"text": "accept True"}


class Everything(BaseModel):
    name: str = Field(default="John Doe", min_length=1, max_length=50, description="Who")
    since: AwareDatetime
    age: int = Field(default=30, ge=18, le=99)
    score: float = 95.5
    verified: bool = True
    status: Literal["active", "inactive", "pending"] = "active"
    colors: list[Literal["red", "green", "blue"]] = Field(default=["red"], max_length=2)


def test_forms_are_what_clients_can_draw() -> None:
    fields = build_form_schema(Everything)["properties"]
    drawn: dict[str, type[BaseModel]] = {
        "name": wire.StringSchema,
        "since": wire.StringSchema,
        "age": wire.NumberSchema,
        "score": wire.NumberSchema,
        "verified": wire.BooleanSchema,
        "status": wire.UntitledSingleSelectEnumSchema,
        "colors": wire.UntitledMultiSelectEnumSchema,
    }
    assert set(fields) == set(drawn)
    for name, schema in drawn.items():
        read_back = schema.model_validate(fields[name])
        assert read_back.model_dump(by_alias=True, exclude_none=True).keys() == fields[name].keys()


class Nested(BaseModel):
    inner: Name


class Optional(BaseModel):
    name: str | None = None


class Patterned(BaseModel):
    name: str = Field(pattern="^a+$")


class Exclusive(BaseModel):
    age: int = Field(gt=0)


class Listed(BaseModel):
    names: list[str]


@pytest.mark.parametrize("model", [Nested, Optional, Patterned, Exclusive, Listed])
def test_a_form_that_clients_cannot_draw_says_what_to_write(model: type[BaseModel]) -> None:
    with pytest.raises(ToolDefinitionError, match="a form has only text, numbers, yes or no"):
        Elicitation("Anything?", schema=model)
