"""Arguments that a client repeats in headers, for proxies that route by them.

``region: Annotated[str, MirroredInHeader("Region")]`` has every modern client send
``Mcp-Param-Region``. What a header says is visible on the way, so secrets never go into one; and
it must say what the body says, or a proxy would have let through what it never saw.
MCP 2026-07-28 basic/transports/streamable-http §Custom Headers from Tool Parameters.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from mcp_endpoint.errors import HeaderMismatchError
from mcp_endpoint.protocol import Era, Message, decode_header
from mcp_endpoint.schemas import DATA, NAMED_SCHEMAS

KEYWORD = "x-mcp-header"
# Narrower than RFC 9110 §5.6.2: servers in front of us drop names with other characters.
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
# No number: its text is not the same in every language.
MIRRORED_TYPES = ("string", "integer", "boolean")
# RFC 9110 §5.5; anything else has to be wrapped in base64.
PLAIN = re.compile(r"[\x20-\x7e\t]*")
DECIMAL = re.compile(r"(?P<whole>-?[0-9]{1,400})(\.0{1,400})?")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MirroredInHeader:
    """Marks a parameter: clients repeat it in ``Mcp-Param-<name>``."""

    name: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The parameter's schema with the keyword that clients look for."""
        return {**handler(core_schema), KEYWORD: self.name}


@dataclass(frozen=True, slots=True)
class MirroredParameter:
    """One argument that has a header: where it is, what the header is called, what it holds."""

    path: Path
    name: str
    type: str

    @property
    def argument(self) -> str:
        """How people name it."""
        return ".".join(self.path)

    @property
    def key(self) -> str:
        """The header in ``Message.parameter_headers``."""
        return self.name.upper().replace("-", "_")


def find_mirrored(schema: Mapping[str, Any], recordable: Iterable[str]) -> list[MirroredParameter]:
    """The mirrored arguments of an ``inputSchema``.

    Args:
        recordable: the arguments that may be seen; no other may be in a header.

    Raises:
        ValueError: a client would leave the whole tool out; the text says what to write.
    """
    found: dict[str, MirroredParameter] = {}
    for path, node in walk(schema, ()):
        if KEYWORD not in node:
            continue
        parameter = read_mirrored(path, node)
        if parameter.path[0] not in recordable:
            raise ValueError(
                f"{parameter.argument} is secret and headers are seen on the way. Leave out "
                "MirroredInHeader"
            )
        other = found.setdefault(parameter.name.lower(), parameter)
        if other is not parameter:
            raise ValueError(
                f"{other.argument} and {parameter.argument} are both mirrored in "
                f"{parameter.name}. Give one of them another name"
            )
    return list(found.values())


def read_mirrored(path: Path | None, node: Mapping[str, Any]) -> MirroredParameter:
    """One marked property."""
    name, kind = node[KEYWORD], node.get("type")
    if not path:
        raise ValueError(
            f"{name!r} is mirrored inside a list or an alternative. Only a parameter, or a field "
            "of a model that is one, can be"
        )
    if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no header. Write 1 to 64 of A-Z a-z 0-9 -")
    if kind not in MIRRORED_TYPES:
        raise ValueError(
            f"{'.'.join(path)} cannot be mirrored in a header. Write its type as str, int or bool "
            "(with a default of that type instead of None)"
        )
    return MirroredParameter(path, name, kind)


def walk(node: Any, path: Path | None) -> Iterator[tuple[Path | None, Mapping[str, Any]]]:
    """Every schema below this one; the path is None where ``properties`` alone do not lead."""
    if isinstance(node, list):
        for child in node:
            yield from walk(child, None)
    if not isinstance(node, dict):
        return
    yield path, node
    for keyword, value in node.items():
        if keyword in NAMED_SCHEMAS:
            is_reachable = keyword == "properties" and path is not None
            for name, child in value.items():
                yield from walk(child, (*(path or ()), name) if is_reachable else None)
        elif keyword not in DATA:
            yield from walk(value, None)


def check_parameter_headers(
    mirrored: Iterable[MirroredParameter],
    arguments: Mapping[str, Any],
    message: Message,
    tool: str,
) -> None:
    """Each header says what its argument says, and neither is there without the other.

    Raises:
        HeaderMismatchError: 400, before anything has run.
    """
    if message.era is Era.LEGACY:
        return
    for parameter in mirrored:
        header = message.parameter_headers.get(parameter.key)
        if not agree(header, find_value(arguments, parameter.path), parameter.type):
            raise HeaderMismatchError(
                f"The Mcp-Param-{parameter.name} header must repeat the argument "
                f"{parameter.argument}, and be absent where that is.",
                tool=tool,
            )


def find_value(arguments: Mapping[str, Any], path: Path) -> Any:
    """The value at this place; None if there is none."""
    value: Any = arguments
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def agree(header: str | None, value: Any, kind: str) -> bool:
    """Whether a header, or that there is none, is right for this value."""
    rendered = render(value)
    if header is None or rendered is None:
        return header is None and rendered is None
    if not PLAIN.fullmatch(header):
        return False
    decoded = decode_header(header)
    if decoded is None:
        return False
    if kind == "integer" and is_whole(value) and (number := DECIMAL.fullmatch(decoded)):
        # SHOULD be compared as numbers: 42.0 is 42.
        return int(number["whole"]) == int(value)
    return decoded == rendered


def render(value: Any) -> str | None:
    """The value as clients write it into a header; None for what has no header."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def is_whole(value: Any) -> bool:
    """Whether this is a whole number, however it is written."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
