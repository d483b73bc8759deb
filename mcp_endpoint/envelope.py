"""One JSON-RPC 2.0 message, as MCP narrows it. Pure: a JSON document in, an envelope out.

MCP 2026-07-28 basic §Messages: ids are strings or integers and never null, one message a body.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mcp_endpoint.errors import InvalidRequestError

MAX_ID_LENGTH = 256
MAX_METHOD_LENGTH = 128
MEMBERS = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})

MessageId = str | int


class Kind(Enum):
    """The three JSON-RPC messages a client can POST."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One well-formed JSON-RPC 2.0 message."""

    kind: Kind
    id: MessageId | None
    method: str
    params: dict[str, Any]


def find_message_id(document: Any) -> MessageId | None:
    """The id to put on an error, if the document has one that is fit to be repeated."""
    candidate = document.get("id") if isinstance(document, dict) else None
    return candidate if is_message_id(candidate) else None


def is_message_id(value: Any) -> bool:
    """MCP allows strings and integers; ours are bounded because they are echoed."""
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    return type(value) is int and abs(value) < 2**63


def parse_envelope(document: Any) -> Envelope:
    """The JSON-RPC message in a JSON document.

    Raises:
        InvalidRequestError: not one JSON-RPC 2.0 request, notification or response.
    """
    if isinstance(document, list):
        raise InvalidRequestError("Send one message at a time, not a batch.", reason="batch")
    if not isinstance(document, dict):
        raise InvalidRequestError("The body must be one JSON-RPC object.")
    check_member_names(document)
    if document.get("jsonrpc") != "2.0":
        raise InvalidRequestError('"jsonrpc" must be "2.0".')
    if "id" in document and not is_message_id(document["id"]):
        raise InvalidRequestError('"id" must be a string or an integer, of moderate size.')
    if "method" not in document:
        return parse_response(document)
    method, params = document["method"], document.get("params")
    if not isinstance(method, str) or not 0 < len(method) <= MAX_METHOD_LENGTH:
        raise InvalidRequestError('"method" must be a short string.')
    if "result" in document or "error" in document:
        raise InvalidRequestError('A message has either "method" or "result" or "error".')
    if params is not None and not isinstance(params, dict):
        raise InvalidRequestError('"params" must be an object.')
    if "id" in document:
        return Envelope(Kind.REQUEST, document["id"], method, params or {})
    if not method.startswith("notifications/"):
        raise InvalidRequestError('A request needs an "id".')
    return Envelope(Kind.NOTIFICATION, None, method, params or {})


def check_member_names(document: Mapping[str, Any]) -> None:
    """Refuse ``Method`` beside ``method``: a reader that folds letter case sees another message."""
    for name in document:
        if name not in MEMBERS and name.casefold() in MEMBERS:
            raise InvalidRequestError("JSON-RPC members are written in lower case.")


def parse_response(document: Mapping[str, Any]) -> Envelope:
    """A client's answer to a request; nothing of ours is ever waiting for one."""
    if "id" not in document or ("result" in document) == ("error" in document):
        raise InvalidRequestError("The body is neither a request nor a response.")
    return Envelope(Kind.RESPONSE, document["id"], "", {})
