"""Untrusted bytes to one JSON document, strictly (RFC 8259, RFC 7493).

Everything two parsers could read differently is refused: duplicate members, NaN and infinities,
other encodings, byte order marks, NUL and lone surrogates. Depth and size are bounded, so that no
document can exhaust the process or reach a tool in a form PostgreSQL cannot hold.
"""

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_NODES = 10_000
NOT_JSON = "The body is not valid JSON."


class StrictJsonError(ValueError):
    """The bytes are not strict JSON; the message is fit for the client.

    Args:
        reason: the slug for the log.
    """

    def __init__(self, message: str = NOT_JSON, *, reason: str = "bad_json") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


def parse_json(body: bytes) -> Any:
    """The document in ``body``.

    Raises:
        StrictJsonError: not strict JSON in UTF-8, or beyond the limits.
    """
    try:
        text = body.decode("utf-8")
        document = DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise StrictJsonError() from error
    # A small body can't break a limit: a node takes two bytes, a level takes a bracket.
    if len(body) > MAX_NODES or body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        check_limits(document)
    # Only an escape can bring in a NUL or half a surrogate pair.
    if "\\u" in text:
        check_strings(document)
    return document


def check_limits(document: Any) -> None:
    """Refuse more than 32 levels of containers or 10,000 values."""
    level, depth, nodes = [document], 0, 0
    while level:
        nodes += len(level)
        containers = [node for node in level if isinstance(node, dict | list)]
        depth += bool(containers)
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise StrictJsonError(
                f"The body is too complex: at most {MAX_DEPTH} levels and {MAX_NODES} values.",
                reason="json_limits",
            )
        level = [child for container in containers for child in list_children(container)]


def check_strings(document: Any) -> None:
    """Refuse NUL and lone surrogates in names and values."""
    stack = [document]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            check_string(node)
        elif isinstance(node, dict):
            stack.extend(node)
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def check_string(text: str) -> None:
    """Refuse text that is not a sequence of Unicode characters other than NUL."""
    if "\x00" in text:
        raise StrictJsonError()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise StrictJsonError() from error


def list_children(container: dict[str, Any] | list[Any]) -> list[Any]:
    """The values directly inside a container."""
    return list(container.values()) if isinstance(container, dict) else container


def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, unless a member appears twice: which one counts depends on the reader."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def parse_finite(text: str) -> float:
    """A number that fits; 1e400 would become an infinity that JSON cannot say."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number


def refuse_constant(name: str) -> NoReturn:
    """NaN, Infinity and -Infinity are Python's extension, not JSON."""
    raise ValueError(name)


DECODER = json.JSONDecoder(
    object_pairs_hook=refuse_duplicates, parse_float=parse_finite, parse_constant=refuse_constant
)
