"""What a tool may give back, by its annotation, and how one call of it is run to its end.

A pydantic model has an output schema and becomes ``structuredContent``; content (text, images,
links) has none. A generator yields its ``Progress`` and then gives its result.
MCP 2026-07-28 server/tools §Output Schema, basic/patterns/progress.
"""

import inspect
import json
import types
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from mcp_endpoint.content import CONTENT_TYPES, ToolResult, build_content
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.progress import Progress
from mcp_endpoint.results import build_tool_result
from mcp_endpoint.signatures import Parameters, is_model

ToolFunction = Callable[[CallContext, Any], Any]

LISTS = (list, Sequence)
STREAMS = (Iterator, Iterable)
UNIONS = (Union, types.UnionType)
RESULTS = (
    "a pydantic model, content (Text, Image, Audio, ResourceLink, EmbeddedResource, or a list of "
    "them) or ToolResult"
)


@dataclass(frozen=True, slots=True)
class ResultShape:
    """What a call gives back. ``model`` is None for content without a schema."""

    model: type[BaseModel] | None
    is_wrapped: bool = False
    is_generator: bool = False

    def accepts(self, result: Any) -> bool:
        """Whether this is what the annotation promised."""
        if not self.is_wrapped and self.model is not None:
            return isinstance(result, self.model)
        if not self.is_wrapped:
            return is_content(result)
        if not isinstance(result, ToolResult) or not is_content(list(result.content)):
            return False
        wanted = self.model or BaseModel
        return isinstance(result.structured, wanted) or (
            self.model is None and result.structured is None
        )


def read_shape(function: Callable[..., Any], annotation: Any, place: str) -> ResultShape:
    """What the function promises to give back.

    Raises:
        ToolDefinitionError: nothing that can be sent.
    """
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    origin, members = get_origin(annotation), get_args(annotation)
    steps = annotation
    if origin is Generator and len(members) == 3 and members[0] is Progress:
        steps = members[2]
    elif origin in STREAMS and len(members) == 1 and Progress in get_args(members[0]):
        rest = tuple(member for member in get_args(members[0]) if member is not Progress)
        steps = Union[rest]  # noqa: UP007
    elif inspect.isgeneratorfunction(function):
        raise ToolDefinitionError(
            f"{place}: a function with yield reports its progress. Write -> Generator[Progress, "
            "None, <result>] and return the result at the end."
        )
    model, is_wrapped = read_result(steps, place)
    return ResultShape(model, is_wrapped, is_generator=steps is not annotation)


def read_result(annotation: Any, place: str) -> tuple[type[BaseModel] | None, bool]:
    """The model of a result, if it has one, and whether a ToolResult is around it."""
    if is_model(annotation):
        return annotation, False
    if annotation is ToolResult:
        return None, True
    if get_origin(annotation) is ToolResult:
        (model,) = get_args(annotation)
        if is_model(model):
            return (None if model is BaseModel else model), True
    elif is_content_type(annotation):
        return None, False
    raise ToolDefinitionError(f"{place}: write what it gives back: -> {RESULTS}.")


def is_content_type(annotation: Any) -> bool:
    """Whether values of this type are blocks of content."""
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return is_content_type(members[0])
    if origin in UNIONS or origin in LISTS:
        return bool(members) and all(is_content_type(member) for member in members)
    return annotation in CONTENT_TYPES


def is_content(result: Any) -> bool:
    """A block, or a list of blocks."""
    return all(isinstance(block, CONTENT_TYPES) for block in list_of(result))


def normalise(
    function: Callable[..., Any], parameters: Parameters, shape: ResultShape
) -> ToolFunction:
    """The function as it is called: with its arguments' model, and run to its end."""

    @wraps(function)
    def run(context: CallContext, arguments: BaseModel) -> Any:
        result = function(context, **parameters.spread(arguments))
        return run_to_end(context, result) if shape.is_generator else result

    return run


def run_to_end(context: CallContext, steps: Iterator[Any]) -> Any:
    """Report every step of a generator; what it returns, or yields besides, is the result.

    It is closed whatever happens, so that what it holds open is let go when a call is cancelled.
    """
    results: list[Any] = []
    with closing(steps):  # type: ignore[type-var]
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                results += [] if end.value is None else [end.value]
                break
            if isinstance(step, Progress):
                context.report_progress(step.progress, step.total, step.message)
            else:
                results.append(step)
    if len(results) != 1:
        raise TypeError(f"a tool gives one result, not {len(results)}")
    return results[0]


def build_result(shape: ResultShape, result: Any, protocol_version: str) -> dict[str, Any]:
    """The result of ``tools/call``.

    Raises:
        TypeError, ValueError: the tool gave back something else than it promised, or what no
            client could read.
    """
    if not shape.accepts(result):
        promised = shape.model.__name__ if shape.model else "content"
        raise TypeError(f"a tool promised {promised} and gave back {type(result).__name__}")
    if isinstance(result, BaseModel):
        return build_structured(result)
    if isinstance(result, ToolResult) and not result.content and result.structured is not None:
        return build_structured(result.structured)
    wrapped = result if isinstance(result, ToolResult) else ToolResult[BaseModel](list_of(result))
    built: dict[str, Any] = {"content": build_content(wrapped.content, protocol_version)}
    if wrapped.structured is not None:
        built["structuredContent"] = dump(wrapped.structured)
    # Encoded here, so that what no client can read is the tool's failure.
    encode(built)
    return {**built, "isError": False}


def build_structured(result: BaseModel) -> dict[str, Any]:
    """A typed result, and the same as text for clients that show only text."""
    structured = dump(result)
    return build_tool_result(encode(structured), structured)


def list_of(result: Any) -> list[Any]:
    """Blocks, of which a tool may give one by itself."""
    return list(result) if isinstance(result, list | tuple) else [result]


def dump(result: BaseModel) -> dict[str, Any]:
    """The model as JSON has it."""
    dumped: dict[str, Any] = result.model_dump(mode="json", by_alias=True)
    return dumped


def encode(document: Any) -> str:
    """The document as compact JSON, which is UTF-8 for certain."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode("utf-8")
    return text
