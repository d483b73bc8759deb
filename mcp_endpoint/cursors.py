"""Cursors: where a list goes on, opaque to whoever carries it (MCP 2026-07-28 pagination).

A cursor is signed, and the signature covers for whom and for what it was made: the person, the
organization, the connection or personal access token, the method and its filters. Whatever else
it is brought to refuses it, always in the same words, so that nothing is learned by trying. It
holds a position and no permission: each page is filtered for the caller when it is asked for.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.core import signing

from mcp_endpoint.errors import InvalidParamsError
from oauth_ext.verification import Principal

# A walk takes seconds; an hour lets a person think between two pages.
LIFETIME_SECONDS = 3600
MAX_LENGTH = 1024
PAGE_SIZE = 100
SALT = "mcp_endpoint.cursors"
REFUSAL = (
    "This cursor is not one that this list gave you, or it is too old. Ask again without a cursor."
)

Item = TypeVar("Item")


class CursorRefusedError(Exception):
    """The cursor was edited, has expired, or belongs to another caller, list or filter."""

    message = REFUSAL
    reason = "state_tampered"

    def __init__(self) -> None:
        super().__init__(self.message)


def seal_cursor(
    principal: Principal, method: str, position: Any, filters: Mapping[str, Any] | None = None
) -> str:
    """A cursor for this caller, this list and these filters.

    Args:
        method: what goes on, such as ``tools/list`` or a tool's name.
        position: a small JSON value that says where; the caller can read it, and not change it.
        filters: what else decides which rows there are; JSON values.
    """
    return signing.dumps(position, salt=bind(principal, method, filters))


def open_cursor(
    principal: Principal, method: str, cursor: str, filters: Mapping[str, Any] | None = None
) -> Any:
    """The position in a cursor that was made for exactly this.

    Raises:
        CursorRefusedError: it was not, or it is older than an hour.
    """
    if len(cursor) > MAX_LENGTH or not cursor.isascii():
        raise CursorRefusedError
    try:
        return signing.loads(
            cursor, salt=bind(principal, method, filters), max_age=LIFETIME_SECONDS
        )
    except signing.BadSignature as error:
        raise CursorRefusedError from error


def bind(principal: Principal, method: str, filters: Mapping[str, Any] | None) -> str:
    """What the signature covers beside the position."""
    caller = (
        principal.user_id,
        principal.organization_id,
        principal.connection_id,
        principal.personal_token_id,
    )
    bound = [SALT, *map(str, caller), method, dict(filters or {})]
    return json.dumps(bound, sort_keys=True, default=str)


def read_position(principal: Principal, method: str, params: Mapping[str, Any]) -> Any:
    """Where a list method goes on; None from the start, which an empty cursor asks for as well.

    Raises:
        InvalidParamsError: -32602 for a cursor that was not given to this caller by this method.
    """
    cursor = params.get("cursor")
    if cursor is None or cursor == "":
        return None
    if not isinstance(cursor, str):
        raise InvalidParamsError('"cursor" must be a string.')
    try:
        return open_cursor(principal, method, cursor)
    except CursorRefusedError as error:
        raise InvalidParamsError(error.message, reason=error.reason) from error


def cut_page(
    items: Iterable[Item], key: Callable[[Item], str], *, after: str | None, size: int = PAGE_SIZE
) -> tuple[list[Item], str | None]:
    """A page of items that are in order of their key, and the position after it or None.

    The position is a key, not a number: what is added or hidden meanwhile shifts no page.
    """
    rest = [item for item in items if after is None or key(item) > after]
    return rest[:size], key(rest[size - 1]) if len(rest) > size else None
