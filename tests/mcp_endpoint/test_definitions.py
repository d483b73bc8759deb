"""What a tool's author is told: every mistake stops the process and says what to write."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import Tool, define_tool
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.registry import ToolRegistry, registry, tool


class Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    city: str
    secret_word: str = Field(default="", alias="secretWord")


class OpenArguments(BaseModel):
    city: str


class Endless(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inner: list["Endless"] = []


class Result(BaseModel):
    degrees: float


def forecast(context: CallContext, arguments: Arguments) -> Result:
    """Tell tomorrow's weather."""
    return Result(degrees=20.0)


HINTS: dict[str, bool | None] = {
    "read_only": False,
    "destructive": False,
    "idempotent": True,
    "open_world": True,
}


def define(function: Callable[..., Any] = forecast, **changes: Any) -> Tool:
    options: dict[str, Any] = {
        "name": "forecast",
        "scope": "read",
        "title": "Forecast",
        "hints": HINTS,
        "redact": frozenset({"secret_word"}),
    }
    return define_tool(function, **(options | changes))


def test_a_complete_definition_becomes_a_tool() -> None:
    defined = define()
    assert defined.description == "Tell tomorrow's weather."
    assert defined.recordable == {"city"}
    definition = defined.definition
    assert definition["annotations"] == {
        "title": "Forecast",
        "readOnlyHint": False,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": True,
    }
    assert set(definition["inputSchema"]["properties"]) == {"city", "secretWord"}
    assert definition["inputSchema"]["additionalProperties"] is False
    assert definition["outputSchema"]["required"] == ["degrees"]


@pytest.mark.parametrize("name", ["", "two words", "ümlaut", "x" * 65, "a/b", "a\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ToolDefinitionError, match="Write name= with 1 to 64"):
        define(name=name)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"scope": None}, "write scope= as one of read, draft, actions"),
        ({"scope": "admin"}, "write scope= as one of read, draft, actions"),
        ({"title": None}, "write title="),
        ({"title": ""}, "write title="),
        ({"hints": HINTS | {"read_only": None}}, "write read_only=True or False"),
        ({"hints": HINTS | {"destructive": None}}, "write destructive=True or False"),
        ({"hints": HINTS | {"idempotent": None}}, "write idempotent=True or False"),
        ({"hints": HINTS | {"open_world": None}}, "write open_world=True or False"),
        (
            {"hints": HINTS | {"read_only": True, "destructive": True}},
            "can't be read_only and destructive",
        ),
        ({"redact": frozenset({"nothing"})}, "redact= names nothing"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, Any], advice: str) -> None:
    with pytest.raises(ToolDefinitionError, match=advice):
        define(**changes)


def test_a_tool_that_only_reads_need_not_say_that_it_destroys_nothing() -> None:
    hints = {"read_only": True, "destructive": None, "idempotent": None, "open_world": False}
    defined = define(hints=hints)
    assert (defined.destructive, defined.idempotent) == (False, True)


def without_docstring(context: CallContext, arguments: Arguments) -> Result:
    return Result(degrees=0)


def without_types(context, arguments):  # type: ignore[no-untyped-def]
    """Untyped."""


def with_a_plain_dict(context: CallContext, arguments: dict[str, Any]) -> Result:
    """A dict has no schema."""
    return Result(degrees=0)


def without_a_result_model(context: CallContext, arguments: Arguments) -> str:
    """A string has no schema."""
    return ""


def with_open_arguments(context: CallContext, arguments: OpenArguments) -> Result:
    """Takes whatever comes."""
    return Result(degrees=0)


def with_endless_arguments(context: CallContext, arguments: Endless) -> Result:
    """Cannot be written out."""
    return Result(degrees=0)


def with_another_context(context: str, arguments: Arguments) -> Result:
    """Takes no context."""
    return Result(degrees=0)


def with_three_parameters(context: CallContext, arguments: Arguments, more: int) -> Result:
    """Takes too much."""
    return Result(degrees=0)


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (without_docstring, "write a docstring"),
        (without_types, "write def without_types"),
        (with_a_plain_dict, "arguments: <a pydantic model>"),
        (without_a_result_model, "-> <a pydantic model>"),
        (with_open_arguments, r'write model_config = ConfigDict\(extra="forbid"\)'),
        (with_endless_arguments, "Endless contains itself"),
        (with_another_context, "context: CallContext"),
        (with_three_parameters, "write def with_three_parameters"),
    ],
)
def test_functions_of_another_shape_are_refused(function: Any, advice: str) -> None:
    with pytest.raises(ToolDefinitionError, match=advice):
        define(function, redact=frozenset())


def test_a_name_can_be_taken_once_and_the_list_is_alphabetical() -> None:
    own = ToolRegistry()
    own.add(define(name="b"))
    own.add(define(name="a"))
    assert [entry["name"] for entry in own.list_definitions()] == ["a", "b"]
    with pytest.raises(ToolDefinitionError, match="Two tools are called 'a'"):
        own.add(define(name="a"))
    own.remove("a")
    assert own.find("a") is None


def test_the_decorator_leaves_the_function_as_it_is() -> None:
    decorated = tool(scope="read", title="T", read_only=True, open_world=False, redact="city")(
        forecast
    )
    try:
        assert decorated is forecast
        registered = registry.find("forecast")
        assert registered and "city" not in registered.recordable
    finally:
        registry.remove("forecast")
