"""Tools as people write them: plain parameters, content, steps; called over HTTP."""

from collections.abc import Generator, Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from mcp_types import methods
from pydantic import BaseModel, Field

from mcp_endpoint.content import (
    Annotations,
    Audio,
    Content,
    EmbeddedResource,
    Image,
    ResourceLink,
    Text,
    ToolResult,
)
from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import ToolOptions, define_tool
from mcp_endpoint.progress import Progress
from mcp_endpoint.registry import registry
from tests.mcp_client import LATEST_LEGACY, MODERN, McpClient
from tests.mcp_endpoint.conftest import Register, rows_of

pytestmark = pytest.mark.django_db

PIXEL = b"\x89PNG\r\n\x1a\n"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: int
    y: int = 0


class Told(BaseModel):
    text: str


def tell(
    context: CallContext,
    role: Literal["member", "viewer"] = "member",
    *,
    day: date,
    limit: Annotated[int, Field(ge=1, le=3, description="At most three.")] = 1,
    colours: list[Colour] = [],  # noqa: B006
    owner: UUID | None = None,
    at: Point | None = None,
) -> Told:
    """Tell what came.

    Two lines are for the model.

    Args:
        role: whom to count,
            and how.
        limit: never seen, because Field says it.
        at (Point): where.

    Returns:
        What only people who read the code want to know.
    """
    return Told(text=f"{role} {day!r} {limit} {colours} {owner!r} {at!r}")


def test_plain_parameters_become_a_schema_that_says_everything(register: Register) -> None:
    defined = registry.find(register(tell))
    assert defined
    assert defined.description == "Tell what came.\n\nTwo lines are for the model."
    schema = defined.definition["inputSchema"]
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert schema["required"] == ["day"]
    properties = schema["properties"]
    assert properties["role"] == {
        "default": "member",
        "description": "whom to count, and how.",
        "enum": ["member", "viewer"],
        "type": "string",
    }
    assert properties["day"] == {"format": "date", "type": "string"}
    assert properties["limit"]["description"] == "At most three."
    assert (properties["limit"]["minimum"], properties["limit"]["maximum"]) == (1, 3)
    assert properties["colours"]["items"]["enum"] == ["red", "blue"]
    assert properties["at"]["description"] == "where."
    assert "$ref" not in repr(schema) and "title" not in schema


def test_plain_parameters_arrive_as_their_types(mcp: McpClient, register: Register) -> None:
    name = register(tell)
    sent = {
        "day": "2026-11-22",
        "colours": ["blue"],
        "owner": str(UUID(int=1)),
        "at": {"x": 2},
    }
    assert mcp.use(name, sent)["text"] == (
        "member datetime.date(2026, 11, 22) 1 [<Colour.BLUE: 'blue'>] "
        f"{UUID(int=1)!r} Point(x=2, y=0)"
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "- day: Field required"),
        ({"day": "2026-11-22", "role": "owner"}, "- role: "),
        ({"day": "2026-11-22", "limit": 4}, "- limit: "),
        ({"day": "2026-11-22", "rôle": "member"}, "- rôle: there is no such argument"),
        ({"day": "2026-11-22", "context": {}}, "- context: there is no such argument"),
    ],
)
def test_plain_parameters_refuse_what_does_not_fit(
    mcp: McpClient, register: Register, arguments: dict[str, Any], problem: str
) -> None:
    assert problem in mcp.fail(register(tell), arguments)


def copy(
    context: CallContext, copy: str, json: int, model_dump: bool = True, argument_json: int = 0
) -> Told:
    """Parameters may have names that models use themselves."""
    return Told(text=f"{copy} {json} {model_dump} {argument_json}")


def test_parameters_may_be_called_what_models_call_their_own(
    mcp: McpClient, register: Register
) -> None:
    name = register(copy, redact=["copy"])
    answer = mcp.call(name, {"copy": "canary", "json": 2, "model_dump": False})
    assert answer.json()["result"]["structuredContent"] == {"text": "canary 2 False 0"}
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert row.details["arguments"] == {"copy": "[redacted]", "json": 2, "model_dump": False}
    text = mcp.fail(name, {"argument_copy": "x", "json": "x"})
    assert "- copy: Field required" in text and "- argument_copy: there is no such" in text


def test_a_tool_without_arguments_says_so_as_the_specification_recommends(
    mcp: McpClient, register: Register
) -> None:
    def stand(context: CallContext) -> Told:
        """Take nothing."""
        return Told(text="here")

    name = register(stand)
    defined = registry.find(name)
    assert defined
    assert defined.definition["inputSchema"] == {"type": "object", "additionalProperties": False}
    assert mcp.use(name) == {"text": "here"}
    assert "there is no such argument" in mcp.fail(name, {"more": 1})


# --- content --------------------------------------------------------------------------------------

BLOCKS: list[Content] = [
    Text("Grüße", annotations=Annotations(audience=["user"], priority=0.5)),
    Image(PIXEL, "image/png"),
    Image("iVBORw0KGgo=", "image/png"),
    Audio(b"RIFF", "audio/wav"),
    ResourceLink("docjacket://report/7", "report-7", title="Report", size=12),
    EmbeddedResource("docjacket://report/7", "Text", "text/plain"),
    EmbeddedResource("docjacket://report/7.bin", b"\x00\xff"),
]


def show(context: CallContext) -> list[Content]:
    """Show everything there is."""
    return BLOCKS


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", LATEST_LEGACY, MODERN])
def test_content_conforms_to_the_schema_of_each_revision(
    mcp: McpClient, register: Register, version: str
) -> None:
    name = register(show)
    if version == MODERN:
        result = mcp.call(name).json()["result"]
    else:
        params = {"name": name, "arguments": {}}
        result = mcp.legacy("tools/call", params, version=version).json()["result"]
    methods.validate_server_result("tools/call", version, result)
    kinds = [block["type"] for block in result["content"]]
    link = "text" if version == "2025-03-26" else "resource_link"
    assert kinds == ["text", "image", "image", "audio", link, "resource", "resource"]
    assert result["content"][1] == result["content"][2]
    assert result["isError"] is False and "structuredContent" not in result


def test_content_has_no_output_schema_and_a_block_may_stand_alone(
    mcp: McpClient, register: Register
) -> None:
    def draw(context: CallContext, kind: str) -> Text | Image | Sequence[Text]:
        """Draw one thing."""
        return {"image": Image(PIXEL, "image/png"), "text": Text("x")}.get(kind, [])

    name = register(draw)
    defined = registry.find(name)
    assert defined and "outputSchema" not in defined.definition
    for kind, count in (("image", 1), ("text", 1), ("none", 0)):
        result = mcp.call(name, {"kind": kind}).json()["result"]
        assert len(result["content"]) == count


def test_content_and_a_typed_result_go_together(mcp: McpClient, register: Register) -> None:
    def both(context: CallContext, words: bool) -> ToolResult[Told]:
        """Show and tell."""
        return ToolResult([Text("Shown")] if words else [], Told(text="told"))

    name = register(both)
    defined = registry.find(name)
    assert defined and defined.definition["outputSchema"]["required"] == ["text"]
    shown = mcp.call(name, {"words": True}).json()["result"]
    assert shown["content"] == [{"type": "text", "text": "Shown"}]
    silent = mcp.call(name, {"words": False}).json()["result"]
    assert silent["content"] == [{"type": "text", "text": '{"text":"told"}'}]
    assert shown["structuredContent"] == silent["structuredContent"] == {"text": "told"}


@pytest.mark.parametrize("returned", ["x", [Told(text="x")], [1], {"text": "x"}, None, Point(x=1)])
def test_content_that_was_not_promised_is_the_tool_s_failure(
    mcp: McpClient, register: Register, returned: Any
) -> None:
    def lie(context: CallContext) -> list[Content]:
        """Give something else."""
        return returned

    answer = mcp.call(register(lie))
    assert answer.json()["result"]["isError"] is True
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert (row.outcome, row.reason) == ("failed", "TypeError")


@pytest.mark.parametrize("returned", [ToolResult([Text("x")]), ToolResult([], Point(x=1))])
def test_a_promised_result_must_be_there_and_be_the_one(
    mcp: McpClient, register: Register, returned: Any
) -> None:
    def lie(context: CallContext) -> ToolResult[Told]:
        """Give another result."""
        return returned

    assert "Something went wrong on our side" in mcp.fail(register(lie))


def test_text_that_no_client_can_read_is_the_tool_s_failure(
    mcp: McpClient, register: Register
) -> None:
    def garble(context: CallContext) -> Text:
        """Give half a character."""
        return Text("\ud800")

    assert "Something went wrong on our side" in mcp.fail(register(garble))


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda: Image("not base64", "image/png"), "base64"),
        (lambda: Image("iVBORw0KGgp=", "image/png"), "base64"),
        (lambda: Image(7, "image/png"), "base64"),  # type: ignore[arg-type]
        (lambda: Image(PIXEL, "text/html"), "image/"),
        (lambda: Audio(PIXEL, "wav"), "audio/"),
        (lambda: ResourceLink("report/7", "x"), "absolute URI"),
        (lambda: ResourceLink("docjacket://a b", "x"), "absolute URI"),
        (lambda: ResourceLink("docjacket://a", ""), "needs a name"),
        (lambda: EmbeddedResource("docjacket://a", "x", "text"), "media type"),
        (lambda: EmbeddedResource("docjacket://a", None), "string or bytes"),  # type: ignore[arg-type]
        (lambda: Text(None), "string"),  # type: ignore[arg-type]
        (lambda: Annotations(priority=1.5), "between 0 and 1"),
    ],
)
def test_a_block_that_cannot_be_sent_is_refused_where_it_is_made(make: Any, advice: str) -> None:
    with pytest.raises((ValueError, TypeError), match=advice):
        make()


# --- steps ----------------------------------------------------------------------------------------


def climb(context: CallContext, steps: int) -> Generator[Progress, None, Told]:
    """Go up."""
    for step in range(steps):
        yield Progress(step + 1, steps, f"Step {step + 1}")
    return Told(text="up")


def descend(context: CallContext, steps: int) -> Iterator[Progress | Told]:
    """Go down."""
    for step in range(steps):
        yield Progress(step + 1)
    yield Told(text="down")


@pytest.mark.parametrize(("function", "end"), [(climb, "up"), (descend, "down")])
def test_a_generator_s_steps_are_reported_and_its_result_is_the_result(
    world: Any, mcp: McpClient, register: Register, function: Any, end: str
) -> None:
    name = register(function)
    defined = registry.find(name)
    assert defined and defined.reports_progress
    assert defined.definition["outputSchema"]["required"] == ["text"]
    assert mcp.use(name, {"steps": 3}) == {"text": end}
    heard: list[Progress] = []
    context = CallContext(None, None, MODERN, heard.append)  # type: ignore[arg-type]
    defined.function(context, defined.arguments_model(steps=2))
    assert [step.progress for step in heard] == [1, 2]


def test_a_generator_that_is_cancelled_lets_go_of_what_it_holds() -> None:
    held = ["open"]

    def hold(context: CallContext) -> Generator[Progress, None, Told]:
        """Hold something open."""
        try:
            yield Progress(1)
        finally:
            held.clear()
        return Told(text="")

    def cancel(step: Progress) -> None:
        raise InterruptedError

    context = CallContext(None, None, MODERN, cancel)  # type: ignore[arg-type]
    defined = run_alone(hold)
    with pytest.raises(InterruptedError) as cancelled:
        defined.function(context, defined.arguments_model())
    # Also while somebody still holds the exception, and with it the frames.
    assert cancelled.value and held == []


def run_alone(function: Any) -> Any:
    """The tool, without leaving it in the registry."""
    from_test = {"scope": "read", "title": "T", "read_only": True, "open_world": False}
    return define_tool(function, ToolOptions(**from_test))


@pytest.mark.parametrize("results", [0, 2])
def test_a_generator_gives_one_result(mcp: McpClient, register: Register, results: int) -> None:
    def wander(context: CallContext) -> Iterator[Progress | Told]:
        """End too often, or never."""
        yield Progress(1)
        yield from [Told(text="x")] * results

    assert "Something went wrong on our side" in mcp.fail(register(wander))
