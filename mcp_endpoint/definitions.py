"""What a tool is, and every check of its definition (MCP 2026-07-28 server/tools §Tool).

A mistake stops the process with a sentence that says what to write, because a tool without its
scope or its hints is a hole, not a default. Prompts and resources share the checks.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from mcp_endpoint.docstrings import read_docstring
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.parameter_headers import MirroredParameter, find_mirrored, walk
from mcp_endpoint.result_shapes import ResultShape, ToolFunction, normalise, read_shape
from mcp_endpoint.schemas import build_schema
from mcp_endpoint.signatures import name_line, name_on_wire, name_place, read_hints, read_parameters
from oauth_ext.scopes import READ, SUPPORTED

# The specification allows 128 characters; one large directory takes 64.
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MAX_HINTS = 500
# Seconds.
DEFAULT_TIME_LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Tool:
    """One registered tool and everything that is known about it before it is called.

    ``function`` runs it to its end, whatever its author wrote. ``time_limit`` is in seconds.
    ``mirrored`` are arguments that clients repeat in headers. A tool that is not ``metered``
    costs no quota. ``place`` is where it is written.
    """

    name: str
    title: str
    description: str
    scope: str
    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    reports_progress: bool
    time_limit: float
    metered: bool
    hints: str
    recordable: frozenset[str]
    mirrored: tuple[MirroredParameter, ...]
    arguments_model: type[BaseModel]
    shape: ResultShape
    function: ToolFunction
    place: str
    definition: dict[str, Any]

    @property
    def runs_apart(self) -> bool:
        """Whether a call may take its time and so gets a thread of its own."""
        return self.open_world or self.reports_progress


@dataclass(frozen=True, slots=True)
class ToolOptions:
    """What the decorator was told besides the function; see ``registry.tool``."""

    scope: str | None = None
    title: str | None = None
    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    open_world: bool | None = None
    redact: frozenset[str] = frozenset()
    reports_progress: bool = False
    time_limit: float = DEFAULT_TIME_LIMIT
    metered: bool = True
    hints: str = ""
    name: str | None = None


def define_tool(function: Callable[..., Any], options: ToolOptions) -> Tool:
    """Check a definition completely and build the tool."""
    place = name_place(function)
    name = check_name(options.name or function.__name__, place)
    title = check_title(options.title, place)
    scope = check_scope(options.scope, place)
    annotations = settle_annotations(options, place)
    check_promise(scope, annotations["read_only"], place)
    time_limit = check_time_limit(options.time_limit, place)
    hints = check_hints(options.hints, place)
    description, described = read_docstring(function, place)
    types = read_hints(function, place)
    parameters = read_parameters(function, types, described, place)
    shape = read_shape(function, types.get("return"), place)
    check_redact(options.redact, parameters.model, place)
    schemas = build_schemas(parameters.model, shape, place)
    secret = options.redact | find_secrets(schemas["inputSchema"])
    recordable = list_recordable(parameters.model, secret)
    definition = {
        "name": name,
        "title": title,
        "description": description,
        **schemas,
        "annotations": build_annotations(title, annotations),
    }
    return Tool(
        name=name,
        title=title,
        description=description,
        scope=scope,
        reports_progress=options.reports_progress or shape.is_generator,
        time_limit=time_limit,
        metered=options.metered,
        hints=hints,
        recordable=recordable,
        mirrored=check_mirrored(schemas["inputSchema"], recordable, place),
        arguments_model=parameters.model,
        shape=shape,
        function=normalise(function, parameters, shape),
        place=name_line(function),
        definition=definition,
        **annotations,
    )


def check_name(name: str, place: str) -> str:
    """A name that every client and directory takes."""
    if not NAME.fullmatch(name):
        raise ToolDefinitionError(
            f"{place}: {name!r} is no name. Write name= with 1 to 64 of A-Z a-z 0-9 _ . -"
        )
    return name


def check_title(title: str | None, place: str) -> str:
    """What people see instead of the name."""
    if not title:
        raise ToolDefinitionError(f"{place}: write title=, a few words that people see.")
    return title


def check_scope(scope: str | None, place: str) -> str:
    """The permission without which nothing of this runs."""
    if scope not in SUPPORTED:
        raise ToolDefinitionError(f"{place}: write scope= as one of {', '.join(SUPPORTED)}.")
    return scope


def check_promise(scope: str, read_only: bool, place: str) -> None:
    """Whoever allows ``read`` has been told that nothing changes."""
    if scope == READ and not read_only:
        raise ToolDefinitionError(
            f'{place}: a tool that changes something needs scope="draft" or "actions"; read '
            "promises people that nothing changes."
        )


def check_time_limit(seconds: float, place: str) -> float:
    """Seconds after which a call is given up."""
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not math.isfinite(seconds) or seconds <= 0:
        raise ToolDefinitionError(f"{place}: write time_limit= in seconds, more than 0.")
    return float(seconds)


def check_hints(hints: str, place: str) -> str:
    """What the catalogue adds for a model that looks for the right tool."""
    if not isinstance(hints, str) or len(hints) > MAX_HINTS:
        raise ToolDefinitionError(
            f"{place}: write hints= as one text of at most {MAX_HINTS} characters: what to call "
            "before or after it, an example."
        )
    return hints


def settle_annotations(options: ToolOptions, place: str) -> dict[str, bool]:
    """The four annotations, all of them stated: clients ask people for confirmation by them."""
    settled = {
        "read_only": options.read_only,
        "destructive": options.destructive,
        "idempotent": options.idempotent,
        "open_world": options.open_world,
    }
    if settled["read_only"]:
        # What reads neither destroys nor adds up; saying otherwise is a contradiction.
        settled["destructive"] = settled["destructive"] or False
        settled["idempotent"] = settled["idempotent"] is not False
    missing = [f"{name}=True or False" for name, value in settled.items() if value is None]
    if missing:
        raise ToolDefinitionError(f"{place}: write {', '.join(missing)}.")
    if settled["read_only"] and settled["destructive"]:
        raise ToolDefinitionError(
            f"{place}: a tool can't be read_only and destructive. Write one of them as False."
        )
    return {name: bool(value) for name, value in settled.items()}


def build_annotations(title: str, settled: Mapping[str, bool]) -> dict[str, Any]:
    """The annotations as clients read them."""
    return {
        "title": title,
        "readOnlyHint": settled["read_only"],
        "destructiveHint": settled["destructive"],
        "idempotentHint": settled["idempotent"],
        "openWorldHint": settled["open_world"],
    }


def build_schemas(model: type[BaseModel], shape: ResultShape, place: str) -> dict[str, Any]:
    """``inputSchema``, and ``outputSchema`` unless the tool gives content back."""
    try:
        schemas = {"inputSchema": build_schema(model, "validation")}
        if shape.model is not None:
            schemas["outputSchema"] = build_schema(shape.model, "serialization")
    except ValueError as error:
        raise ToolDefinitionError(
            f"{place}: {error}. Write types that JSON Schema can say and that end somewhere."
        ) from error
    for schema in schemas.values():
        # The description of a model is for us; the tool's own says everything.
        schema.pop("description", None)
    return schemas


def check_redact(redact: frozenset[str], model: type[BaseModel], place: str) -> None:
    """A misspelt name would let a secret into the log."""
    known = {name for pair in list_names(model) for name in pair}
    if unknown := redact - known:
        raise ToolDefinitionError(
            f"{place}: redact= names {', '.join(sorted(unknown))}, which is no argument. Write "
            "names of arguments."
        )


def check_mirrored(
    schema: Mapping[str, Any], recordable: frozenset[str], place: str
) -> tuple[MirroredParameter, ...]:
    """The arguments that clients repeat in headers, if every client can."""
    try:
        return tuple(find_mirrored(schema, recordable))
    except ValueError as error:
        raise ToolDefinitionError(f"{place}: {error}.") from error


def find_secrets(schema: Mapping[str, Any]) -> frozenset[str]:
    """The arguments with a ``SecretStr`` anywhere in them, by their names on the wire."""
    return frozenset(
        name
        for name, argument in schema.get("properties", {}).items()
        if any(node.get("writeOnly") for _, node in walk(argument, None))
    )


def list_recordable(model: type[BaseModel], redact: frozenset[str]) -> frozenset[str]:
    """The arguments whose values may be recorded, by the names they have on the wire.

    Whatever else is sent may be a misspelt secret, so its value is not kept either.
    """
    return frozenset(wire for name, wire in list_names(model) if not redact & {name, wire})


def list_names(model: type[BaseModel]) -> list[tuple[str, str]]:
    """Each field's name in Python and on the wire."""
    return [(name, name_on_wire(name, field)) for name, field in model.model_fields.items()]
