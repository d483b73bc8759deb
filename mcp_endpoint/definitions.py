"""What a tool is, and every check of its definition (MCP 2026-07-28 server/tools §Tool).

A mistake stops the process with a sentence that says what to write, because a tool without its
scope or its hints is a hole, not a default.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard, get_type_hints

from pydantic import BaseModel

from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.schemas import build_schema
from oauth_ext.scopes import SUPPORTED

# The specification allows 128 characters; one large directory takes 64.
TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

ToolFunction = Callable[[CallContext, Any], BaseModel]


@dataclass(frozen=True, slots=True)
class Tool:
    """One registered tool and everything that is known about it before it is called."""

    name: str
    title: str
    description: str
    scope: str
    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    recordable: frozenset[str]
    arguments_model: type[BaseModel]
    result_model: type[BaseModel]
    function: ToolFunction
    definition: dict[str, Any]


def define_tool(
    function: ToolFunction,
    *,
    name: str,
    scope: str | None,
    title: str | None,
    hints: dict[str, bool | None],
    redact: frozenset[str],
) -> Tool:
    """Check a definition completely and build the tool."""
    place = name_place(function)
    if not TOOL_NAME.fullmatch(name):
        raise ToolDefinitionError(
            f"{place}: {name!r} is no tool name. Write name= with 1 to 64 of A-Z a-z 0-9 _ . -"
        )
    if scope not in SUPPORTED:
        raise ToolDefinitionError(f"{place}: write scope= as one of {', '.join(SUPPORTED)}.")
    if not title:
        raise ToolDefinitionError(f"{place}: write title=, a few words that people see.")
    description = inspect.getdoc(function)
    if not description:
        raise ToolDefinitionError(f"{place}: write a docstring; it is what the model reads.")
    settled = settle_hints(place, hints)
    arguments_model, result_model = read_signature(function, place)
    if unknown := redact - set(arguments_model.model_fields):
        raise ToolDefinitionError(
            f"{place}: redact= names {', '.join(sorted(unknown))}, which {arguments_model.__name__}"
            " does not have. Write names of its fields."
        )
    return Tool(
        name=name,
        title=title,
        description=description,
        scope=scope,
        recordable=list_recordable(arguments_model, redact),
        arguments_model=arguments_model,
        result_model=result_model,
        function=function,
        definition=build_definition(
            name, title, description, settled, arguments_model, result_model, place
        ),
        **settled,
    )


def list_recordable(model: type[BaseModel], redact: frozenset[str]) -> frozenset[str]:
    """The arguments whose values may be recorded, by the names they have on the wire.

    Whatever else is sent may be a misspelt secret, so its value is not kept either.
    """
    return frozenset(
        field.alias or name for name, field in model.model_fields.items() if name not in redact
    )


def settle_hints(place: str, hints: dict[str, bool | None]) -> dict[str, bool]:
    """The four hints, all of them stated: clients ask people for confirmation by them."""
    settled = dict(hints)
    if settled["read_only"]:
        # What reads neither destroys nor adds up; saying otherwise is a contradiction.
        settled["destructive"] = settled["destructive"] or False
        settled["idempotent"] = settled["idempotent"] is not False
    missing = [f"{hint}=True or False" for hint, value in settled.items() if value is None]
    if missing:
        raise ToolDefinitionError(f"{place}: write {', '.join(missing)}.")
    if settled["read_only"] and settled["destructive"]:
        raise ToolDefinitionError(
            f"{place}: a tool can't be read_only and destructive. Write one of them as False."
        )
    return {hint: bool(value) for hint, value in settled.items()}


def read_signature(function: ToolFunction, place: str) -> tuple[type[BaseModel], type[BaseModel]]:
    """The arguments model and the result model of ``(context, arguments) -> result``."""
    expected = (
        f"{place}: write def {function.__name__}(context: CallContext, arguments: <a pydantic "
        "model>) -> <a pydantic model>"
    )
    try:
        hints = get_type_hints(function)
    except NameError as error:
        raise ToolDefinitionError(f"{expected}, with types that exist at run time.") from error
    parameters = list(inspect.signature(function).parameters)
    if parameters != ["context", "arguments"] or hints.get("context") is not CallContext:
        raise ToolDefinitionError(f"{expected}.")
    arguments_model, result_model = hints.get("arguments"), hints.get("return")
    if not is_model(arguments_model) or not is_model(result_model):
        raise ToolDefinitionError(f"{expected}.")
    if arguments_model.model_config.get("extra") != "forbid":
        raise ToolDefinitionError(
            f'{place}: write model_config = ConfigDict(extra="forbid") in '
            f"{arguments_model.__name__}, so that a misspelt argument is an error."
        )
    return arguments_model, result_model


def is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    """Whether this is a pydantic model of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def build_definition(
    name: str,
    title: str,
    description: str,
    hints: dict[str, bool],
    arguments_model: type[BaseModel],
    result_model: type[BaseModel],
    place: str,
) -> dict[str, Any]:
    """The tool as ``tools/list`` shows it."""
    try:
        input_schema = build_schema(arguments_model, "validation")
        output_schema = build_schema(result_model, "serialization")
    except ValueError as error:
        raise ToolDefinitionError(f"{place}: {error}. Write models that end somewhere.") from error
    # The description of the arguments model is for us; the tool's own says everything.
    input_schema.pop("description", None)
    output_schema.pop("description", None)
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": input_schema,
        "outputSchema": output_schema,
        "annotations": {
            "title": title,
            "readOnlyHint": hints["read_only"],
            "destructiveHint": hints["destructive"],
            "idempotentHint": hints["idempotent"],
            "openWorldHint": hints["open_world"],
        },
    }


def name_place(function: Callable[..., Any]) -> str:
    """Where a function is written, for a message to its author."""
    return f"{function.__module__}.{function.__qualname__}"
