"""The typed parameters of functions that are given texts: prompts and resource templates.

Their values come as strings (MCP 2026-07-28 server/prompts; RFC 6570 §2.3), so each type must be
one that a text can be read as.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.signatures import check_descriptions, check_kinds, describe, read_hints

MAX_PROBLEMS = 10
MAX_NAME = 64
# JSON types of values that are no single text.
COMPOSED = frozenset({"array", "object"})
READABLE = "Write a type that a text can be read as: str, int, bool, UUID, datetime or Literal."


class TextArgumentsError(ValueError):
    """Arguments that don't fit; the text names them and repeats none of their values."""


@dataclass(frozen=True, slots=True)
class TextParameter:
    """One parameter: its type, what people read about it, and whether it must be given."""

    name: str
    adapter: TypeAdapter[Any]
    description: str
    required: bool

    def read_exactly(self, text: str) -> Any:
        """The value, if this text is its one spelling.

        Raises:
            ValueError: it is not, or it is no value at all.
        """
        value = self.adapter.validate_strings(text)
        spelled = self.adapter.dump_python(value, mode="json")
        if text != (str(spelled).lower() if isinstance(spelled, bool) else str(spelled)):
            raise ValueError("another spelling")
        return value


@dataclass(frozen=True, slots=True)
class TextParameters:
    """What a function takes besides its context, in the order of its signature."""

    parameters: tuple[TextParameter, ...]
    returns: Any

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(parameter.name for parameter in self.parameters)

    def read(self, texts: Mapping[str, Any]) -> dict[str, Any]:
        """The typed values of those that were given; the function has the defaults.

        Raises:
            TextArgumentsError: one is missing, unknown, no text, or not of its type.
        """
        problems = [
            f"{name[:MAX_NAME]}: there is no such argument"
            for name in texts
            if name not in self.names
        ]
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.name not in texts:
                problems += [f"{parameter.name}: is missing"] if parameter.required else []
                continue
            try:
                values[parameter.name] = read_text(parameter, texts[parameter.name])
            except TextArgumentsError as error:
                problems.append(f"{parameter.name}: {error}")
        if problems:
            left = len(problems) - MAX_PROBLEMS
            more = [f"and {left} more"] if left > 0 else []
            raise TextArgumentsError("; ".join(problems[:MAX_PROBLEMS] + more))
        return values

    def read_exactly(self, texts: Mapping[str, str]) -> dict[str, Any] | None:
        """The typed values if each text is the one spelling of its value, or None."""
        try:
            return {
                parameter.name: parameter.read_exactly(texts[parameter.name])
                for parameter in self.parameters
            }
        except ValueError:
            return None


def read_text(parameter: TextParameter, text: Any) -> Any:
    """The typed value of one text."""
    if not isinstance(text, str):
        raise TextArgumentsError("must be a string")
    try:
        return parameter.adapter.validate_strings(text)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise TextArgumentsError(problem["msg"].removeprefix("Value error, ")) from error


def read_text_parameters(
    function: Callable[..., Any], descriptions: Mapping[str, str], place: str
) -> TextParameters:
    """The parameters of ``(context: CallContext, name: type, …) -> result``, all checked.

    Args:
        descriptions: of parameters, from the docstring; ``Field(description=…)`` wins.
    """
    hints = read_hints(function, place)
    given = list(inspect.signature(function).parameters.values())
    if not given or given[0].name != "context" or hints.get("context") is not CallContext:
        raise ToolDefinitionError(
            f"{place}: write the first parameter as context: CallContext; it says who asks."
        )
    if "return" not in hints:
        raise ToolDefinitionError(f"{place}: write what it returns, after ->.")
    wanted = given[1:]
    check_kinds(wanted, hints, place)
    check_descriptions(wanted, descriptions, place)
    built = tuple(
        build_parameter(place, entry, describe(hints[entry.name], descriptions.get(entry.name)))
        for entry in wanted
    )
    return TextParameters(built, hints["return"])


def build_parameter(place: str, parameter: inspect.Parameter, annotation: Any) -> TextParameter:
    """One parameter, if its type can be read from a text and its default is of that type."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        schema = adapter.json_schema()
    except (PydanticUserError, TypeError) as error:
        raise ToolDefinitionError(f"{place}: {parameter.name}. {READABLE}") from error
    choices = [schema, *schema.get("anyOf", [])]
    if any(choice.get("type") in COMPOSED or "$ref" in choice for choice in choices):
        raise ToolDefinitionError(f"{place}: {parameter.name}. {READABLE}")
    required = parameter.default is parameter.empty
    if not required:
        try:
            adapter.validate_python(parameter.default)
        except ValidationError as error:
            raise ToolDefinitionError(
                f"{place}: write a default of {parameter.name} that is of its own type."
            ) from error
    return TextParameter(parameter.name, adapter, find_description(annotation), required)


def find_description(annotation: Any) -> str:
    """What ``Annotated[type, Field(description=…)]`` says."""
    for entry in getattr(annotation, "__metadata__", ()):
        if isinstance(entry, FieldInfo) and entry.description:
            return entry.description
    return ""
