"""From a developer's function to what it takes, what it gives back, and how it is run.

``def tool(context: CallContext, city: str, days: int = 3) -> Forecast``: parameters after
``context`` become a model that refuses unknown arguments. Prompts and resources read theirs here
too. Every mistake is a sentence that says what to write.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeGuard, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_jsonable_python

from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolDefinitionError

REFUSES_UNKNOWN = ConfigDict(extra="forbid")
SPREAD = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a function takes after ``context``: a model, and the field of each parameter.

    ``fields`` is None if the function wants the model itself, as ``arguments``.
    """

    model: type[BaseModel]
    fields: Mapping[str, str] | None

    def spread(self, arguments: BaseModel) -> dict[str, Any]:
        """The keyword arguments that the function is called with."""
        if self.fields is None:
            return {"arguments": arguments}
        return {name: getattr(arguments, field) for name, field in self.fields.items()}


def name_place(function: Callable[..., Any]) -> str:
    """Where a function is written, for a message to its author."""
    return f"{function.__module__}.{function.__qualname__}"


def name_line(function: Callable[..., Any]) -> str:
    """The same with its line, which tells two of one name in one file apart."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{name_place(function)}{f' (line {code.co_firstlineno})' if code else ''}"


def read_hints(function: Callable[..., Any], place: str) -> dict[str, Any]:
    """The types of the parameters and of the result, with what is annotated to them."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ToolDefinitionError(
            f"{place}: write def, not async def. Calls run in threads, where waiting is fine."
        )
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise ToolDefinitionError(
            f"{place}: write types that exist at run time ({error}); what is imported only for "
            "the type checker, or inside a function, does not."
        ) from error


def read_parameters(
    function: Callable[..., Any],
    hints: Mapping[str, Any],
    descriptions: Mapping[str, str],
    place: str,
) -> Parameters:
    """What the function takes after its context.

    Args:
        hints: as ``read_hints`` has them.
        descriptions: of parameters, from the docstring; ``Field(description=…)`` wins.
    """
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].name != "context" or hints.get("context") is not CallContext:
        raise ToolDefinitionError(
            f"{place}: write def {function.__name__}(context: CallContext, …): the first "
            "parameter says who calls."
        )
    wanted = parameters[1:]
    check_kinds(wanted, hints, place)
    check_descriptions(wanted, descriptions, place)
    if [parameter.name for parameter in wanted] == ["arguments"] and is_model(hints["arguments"]):
        return Parameters(check_model(hints["arguments"], place), None)
    return build_parameters(function, wanted, hints, descriptions, place)


def check_kinds(wanted: list[inspect.Parameter], hints: Mapping[str, Any], place: str) -> None:
    """Every parameter has a name, which a client sends, and a type."""
    for parameter in wanted:
        name = parameter.name
        if parameter.kind in SPREAD:
            raise ToolDefinitionError(
                f"{place}: write each parameter with its name and type instead of "
                f"*{name}; clients learn from them what to send."
            )
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise ToolDefinitionError(
                f"{place}: leave out the /: arguments are sent by their names."
            )
        if name not in hints:
            raise ToolDefinitionError(f"{place}: write a type for {name}, such as {name}: str.")
        if name.startswith("_"):
            raise ToolDefinitionError(f"{place}: write {name} without the underscore in front.")


def check_descriptions(
    wanted: list[inspect.Parameter], descriptions: Mapping[str, str], place: str
) -> None:
    """The docstring describes parameters that exist."""
    if unknown := set(descriptions) - {parameter.name for parameter in wanted}:
        raise ToolDefinitionError(
            f"{place}: Args: describes {', '.join(sorted(unknown))}, which is no parameter. Write "
            "the names as they are in the signature."
        )


def check_model(model: type[BaseModel], place: str) -> type[BaseModel]:
    """A model of arguments that somebody wrote."""
    if model.model_config.get("extra") != "forbid":
        raise ToolDefinitionError(
            f'{place}: write model_config = ConfigDict(extra="forbid") in '
            f"{model.__name__}, so that a misspelt argument is an error."
        )
    check_defaults(model, place)
    return model


def build_parameters(
    function: Callable[..., Any],
    wanted: list[inspect.Parameter],
    hints: Mapping[str, Any],
    descriptions: Mapping[str, str],
    place: str,
) -> Parameters:
    """A model of plain parameters."""
    fields: dict[str, str] = {}
    definitions: dict[str, Any] = {}
    for parameter in wanted:
        name = parameter.name
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        annotation = describe(hints[name], descriptions.get(name))
        fields[name] = name_field(name, hints)
        if fields[name] != name:
            annotation = Annotated[annotation, Field(alias=name)]
        definitions[fields[name]] = (annotation, default)
    title = "".join(part.capitalize() for part in function.__name__.split("_"))
    try:
        model = create_model(f"{title}Arguments", __config__=REFUSES_UNKNOWN, **definitions)
    except PydanticSchemaGenerationError as error:
        raise ToolDefinitionError(
            f"{place}: write parameters of types that JSON has (str, int, bool, lists, dicts, "
            "dates, UUID, enumerations, pydantic models)."
        ) from error
    except PydanticUserError as error:
        raise ToolDefinitionError(f"{place}: {str(error).splitlines()[0]}") from error
    check_defaults(model, place)
    return Parameters(model, fields)


def name_field(name: str, taken: Mapping[str, Any]) -> str:
    """What a parameter is called in its model, which has attributes of its own (copy, json)."""
    field = name
    while hasattr(BaseModel, field) or field.startswith("model_") or field in taken.keys() - {name}:
        field = f"argument_{field}"
    return field


def describe(annotation: Any, description: str | None) -> Any:
    """The annotation with a description, unless it has one."""
    metadata = getattr(annotation, "__metadata__", ())
    has_one = any(isinstance(item, FieldInfo) and item.description for item in metadata)
    if not description or has_one:
        return annotation
    return Annotated[annotation, Field(description=description)]


def check_defaults(model: type[BaseModel], place: str) -> None:
    """Every default is shown to the model as JSON, and must be what its own type allows."""
    for name, field in model.model_fields.items():
        if field.is_required():
            continue
        default = field.get_default(call_default_factory=field.default_factory is not None)  # type: ignore[call-overload]
        try:
            to_jsonable_python(default)
        except PydanticSerializationError as error:
            raise ToolDefinitionError(
                f"{place}: write a default for {name_on_wire(name, field)} that JSON has; clients "
                "read it in the schema."
            ) from error
        try:
            TypeAdapter(rebuild_annotation(field)).validate_python(default)
        except ValidationError as error:
            raise ToolDefinitionError(
                f"{place}: the default of {name_on_wire(name, field)} is not of its own type: "
                f"{error.errors()[0]['msg']}. Write one that is."
            ) from error


def rebuild_annotation(field: FieldInfo) -> Any:
    """The type of a field with the limits annotated to it."""
    metadata = tuple(field.metadata)
    return Annotated[(field.annotation, *metadata)] if metadata else field.annotation


def name_on_wire(name: str, field: FieldInfo) -> str:
    """What clients call this field."""
    alias = field.validation_alias
    return alias if isinstance(alias, str) else name


def is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    """Whether this is a pydantic model of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
