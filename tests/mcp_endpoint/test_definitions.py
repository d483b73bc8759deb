"""What a tool's author is told: every mistake stops the process and says what to write."""

from collections.abc import Callable, Generator, Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretStr

from mcp_endpoint.content import Text, ToolResult
from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import Tool, ToolOptions, define_tool
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.progress import Progress
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


class Degrees(RootModel[list[float]]):
    pass


class Thing:
    """Nothing that JSON could have."""


def forecast(context: CallContext, arguments: Arguments) -> Result:
    """Tell tomorrow's weather."""
    return Result(degrees=20.0)


OPTIONS: dict[str, Any] = {
    "name": "forecast",
    "scope": "actions",
    "title": "Forecast",
    "read_only": False,
    "destructive": False,
    "idempotent": True,
    "open_world": True,
}


def define(function: Callable[..., Any] = forecast, **changes: Any) -> Tool:
    return define_tool(function, ToolOptions(**(OPTIONS | changes)))


def test_a_complete_definition_becomes_a_tool() -> None:
    defined = define(redact=frozenset({"secret_word"}))
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


def test_what_is_not_said_is_the_usual() -> None:
    usual = define()
    assert (usual.reports_progress, usual.time_limit, usual.metered, usual.hints) == (
        (False, 30.0, True, "")
    )
    said = define(reports_progress=True, time_limit=2, metered=False, hints="Call whoami first.")
    assert (said.reports_progress, said.time_limit, said.metered, said.hints) == (
        (True, 2.0, False, "Call whoami first.")
    )


def test_an_argument_is_kept_out_of_the_log_by_either_of_its_names() -> None:
    assert define(redact=frozenset({"secretWord"})).recordable == {"city"}


class Door(BaseModel):
    pins: list[SecretStr] = []


def test_what_is_typed_as_a_secret_is_kept_out_of_the_log_by_itself() -> None:
    def unlock(context: CallContext, pin: SecretStr, door: Door | None, house: str) -> Result:
        """Unlock a door."""
        return Result(degrees=0)

    assert define(unlock).recordable == {"house"}


@pytest.mark.parametrize("name", ["", "two words", "ümlaut", "x" * 65, "a/b", "a\n"])
def test_bad_names_are_refused(name: str) -> None:
    function = forecast if name else lambda context: None
    with pytest.raises(ToolDefinitionError, match="Write name= with 1 to 64"):
        define(function, name=name)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"scope": None}, "write scope= as one of read, draft, actions"),
        ({"scope": "admin"}, "write scope= as one of read, draft, actions"),
        ({"title": None}, "write title="),
        ({"title": ""}, "write title="),
        ({"read_only": None}, "write read_only=True or False"),
        ({"destructive": None}, "write destructive=True or False"),
        ({"idempotent": None}, "write idempotent=True or False"),
        ({"open_world": None}, "write open_world=True or False"),
        ({"read_only": True, "destructive": True}, "can't be read_only and destructive"),
        ({"scope": "read"}, 'changes something needs scope="draft" or "actions"; read promises'),
        ({"redact": frozenset({"nothing"})}, "redact= names nothing"),
        ({"time_limit": 0}, "write time_limit= in seconds, more than 0"),
        ({"time_limit": -1}, "write time_limit= in seconds, more than 0"),
        ({"time_limit": True}, "write time_limit= in seconds, more than 0"),
        ({"time_limit": float("inf")}, "write time_limit= in seconds, more than 0"),
        ({"time_limit": "30s"}, "write time_limit= in seconds, more than 0"),
        ({"hints": "x" * 501}, "write hints= as one text of at most 500 characters"),
        ({"hints": ["a", "b"]}, "write hints= as one text"),
    ],
)
def test_what_is_missing_or_wrong_is_named(changes: dict[str, Any], advice: str) -> None:
    with pytest.raises(ToolDefinitionError, match=advice) as refusal:
        define(**changes)
    assert str(refusal.value).startswith("tests.mcp_endpoint.test_definitions.forecast: ")


def test_a_tool_that_only_reads_need_not_say_that_it_destroys_nothing() -> None:
    defined = define(read_only=True, destructive=None, idempotent=None, open_world=False)
    assert (defined.destructive, defined.idempotent) == (False, True)


def without_docstring(context: CallContext, arguments: Arguments) -> Result:
    return Result(degrees=0)


def with_sections_only(context: CallContext, city: str) -> Result:
    """
    Args:
        city: where.
    """
    return Result(degrees=0)


def without_types(context, arguments):  # type: ignore[no-untyped-def]
    """Untyped."""


def without_a_type(context: CallContext, city) -> Result:  # type: ignore[no-untyped-def]
    """One parameter is untyped."""
    return Result(degrees=0)


def without_a_context(city: str) -> Result:
    """Nobody calls it."""
    return Result(degrees=0)


def with_another_context(context: str, arguments: Arguments) -> Result:
    """Takes no context."""
    return Result(degrees=0)


def with_a_type_that_is_not_there(context: CallContext, city: "Nowhere") -> Result:  # type: ignore[name-defined]  # noqa: F821
    """Its type was imported for the type checker only."""
    return Result(degrees=0)


async def with_async(context: CallContext, city: str) -> Result:
    """Waits for an event loop that is not there."""
    return Result(degrees=0)


def with_any_number(context: CallContext, *cities: str) -> Result:
    """Takes as many as come."""
    return Result(degrees=0)


def with_any_name(context: CallContext, **cities: str) -> Result:
    """Takes whatever comes."""
    return Result(degrees=0)


def with_a_slash(context: CallContext, city: str, /) -> Result:
    """Wants no names."""
    return Result(degrees=0)


def with_an_underscore(context: CallContext, _city: str) -> Result:
    """Names what clients must not know."""
    return Result(degrees=0)


def with_a_thing(context: CallContext, thing: Thing) -> Result:
    """Takes what JSON does not have."""
    return Result(degrees=0)


def with_a_thing_by_default(context: CallContext, thing: Any = Thing) -> Result:
    """Shows what JSON does not have."""
    return Result(degrees=0)


def with_a_wrong_default(context: CallContext, days: int = "three") -> Result:  # type: ignore[assignment]
    """Counts in words."""
    return Result(degrees=0)


def with_too_large_a_default(
    context: CallContext, days: Annotated[int, Field(le=7)] = 14
) -> Result:
    """Breaks its own limit."""
    return Result(degrees=0)


def with_a_function(context: CallContext, city: Callable[[], str] = str) -> Result:
    """Takes code."""
    return Result(degrees=0)


def with_a_stranger_in_args(context: CallContext, city: str) -> Result:
    """Tell the weather.

    Args:
        town: renamed meanwhile.
    """
    return Result(degrees=0)


def with_open_arguments(context: CallContext, arguments: OpenArguments) -> Result:
    """Takes whatever comes."""
    return Result(degrees=0)


def with_endless_arguments(context: CallContext, arguments: Endless) -> Result:
    """Cannot be written out."""
    return Result(degrees=0)


def with_an_endless_result(context: CallContext) -> Endless:
    """Cannot be written out either."""
    return Endless()


def without_a_result(context: CallContext, city: str):  # type: ignore[no-untyped-def]
    """Gives nothing back."""


def with_a_string(context: CallContext, city: str) -> str:
    """A string has no schema."""
    return ""


def with_a_dict(context: CallContext, city: str) -> dict[str, Any]:
    """A dict has no schema."""
    return {}


def with_a_list(context: CallContext, city: str) -> Degrees:
    """A list has no names."""
    return Degrees([])


def with_mixed_content(context: CallContext, city: str) -> list[Text | int]:
    """A number is no content."""
    return []


def with_a_plain_generator(context: CallContext, city: str) -> Result:  # type: ignore[misc]
    """Yields without saying so."""
    yield Progress(1)


def with_steps_and_no_result(context: CallContext, city: str) -> Iterator[Progress]:
    """Never comes to an end."""
    yield Progress(1)


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (without_docstring, "write a docstring; it is what the model reads"),
        (with_sections_only, "write a docstring; it is what the model reads"),
        (without_types, r"write def without_types\(context: CallContext, …\)"),
        (without_a_type, "write a type for city, such as city: str"),
        (without_a_context, r"write def without_a_context\(context: CallContext, …\)"),
        (with_another_context, r"write def with_another_context\(context: CallContext, …\)"),
        (with_a_type_that_is_not_there, "write types that exist at run time.*Nowhere"),
        (with_async, "write def, not async def"),
        (with_any_number, r"write each parameter .* instead of \*cities"),
        (with_any_name, r"write each parameter .* instead of \*cities"),
        (with_a_slash, "leave out the /"),
        (with_an_underscore, "write _city without the underscore"),
        (with_a_thing, "write parameters of types that JSON has"),
        (with_a_thing_by_default, "write a default for thing that JSON has"),
        (with_a_wrong_default, "the default of days is not of its own type: .* valid integer"),
        (with_too_large_a_default, "the default of days is not of its own type: .* less than"),
        (with_a_function, "write a default for city that JSON has"),
        (with_a_stranger_in_args, "Args: describes town, which is no parameter"),
        (with_open_arguments, r'write model_config = ConfigDict\(extra="forbid"\)'),
        (with_endless_arguments, "Endless contains itself"),
        (with_an_endless_result, "Endless contains itself"),
        (without_a_result, "write what it gives back: -> a pydantic model, content"),
        (with_a_string, "write what it gives back: -> a pydantic model, content"),
        (with_a_dict, "write what it gives back: -> a pydantic model, content"),
        (with_a_list, "Degrees is no object"),
        (with_mixed_content, "write what it gives back"),
        (with_a_plain_generator, r"Write -> Generator\[Progress, None, <result>\]"),
        (with_steps_and_no_result, r"Write -> Generator\[Progress, None, <result>\]"),
    ],
)
def test_functions_of_another_shape_are_refused(function: Any, advice: str) -> None:
    with pytest.raises(ToolDefinitionError, match=advice) as refusal:
        define(function)
    assert f"{function.__name__}: " in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_result_inside_a_generator_is_held_to_the_same() -> None:
    def count(context: CallContext) -> Generator[Progress, None, ToolResult[Result]]:
        """Count."""
        yield Progress(1)
        return ToolResult(structured=Result(degrees=1))

    defined = define(count)
    assert defined.reports_progress is True
    assert defined.definition["outputSchema"]["required"] == ["degrees"]


def test_a_name_can_be_taken_once_and_the_list_is_alphabetical() -> None:
    own = ToolRegistry()
    own.add(define(name="b"))
    own.add(define(name="a"))
    assert [entry["name"] for entry in own.list_definitions()] == ["a", "b"]
    with pytest.raises(
        ToolDefinitionError, match=r"Two tools are called 'a': .*\.forecast \(line .* and"
    ):
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
