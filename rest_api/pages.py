"""Pages of a list: what a tool lets people filter by, and a cursor in place of its page number.

The cursors are those of ``/mcp``: signed for one caller, one list and its filters. They name a
position and carry no permission; each page is filtered for the caller when it is asked for.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, create_model

from mcp_endpoint.cursors import MAX_LENGTH, CursorRefusedError, open_cursor, seal_cursor
from rest_api.calls import ApiCall
from rest_api.problems import FieldProblem, InvalidFieldsError

CURSOR = Field(
    default=None,
    max_length=MAX_LENGTH,
    description="next_cursor of the page before, with the same filters.",
)
# What decides how much is shown, and from where, but not what there is.
APART = {"cursor", "limit"}


def build_query(name: str, arguments: type[BaseModel], *, position: str) -> type[BaseModel]:
    """The parameters of a list: the filters of the tool that lists the same.

    Args:
        position: the argument by which the tool goes on, which the cursor replaces.
    """
    filters: dict[str, Any] = {
        known: (field.annotation, field)
        for known, field in arguments.model_fields.items()
        if known != position
    }
    return create_model(
        name,
        __config__=arguments.model_config,
        __doc__="Filters; all that are given must match.",
        **filters,
        cursor=(str | None, CURSOR),
    )


def find_position(call: ApiCall, name: str) -> Any:
    """Where the page begins that was asked for; None at the start.

    Raises:
        InvalidFieldsError: the cursor was not given to this caller for this.
    """
    if call.query.cursor is None:
        return None
    filters = list_filters(call)
    try:
        return open_cursor(call.principal, bind(name), call.query.cursor, filters)
    except CursorRefusedError as error:
        raise InvalidFieldsError([FieldProblem(name="cursor", detail=error.message)]) from error


def build_cursor(call: ApiCall, name: str, position: Any) -> str:
    """The cursor of the page after this one."""
    return seal_cursor(call.principal, bind(name), position, list_filters(call))


def bind(name: str) -> str:
    """What a cursor is for, apart from the tool of the same name."""
    return f"api/v1 {name}"


def list_filters(call: ApiCall) -> dict[str, Any]:
    """What decides which rows there are."""
    filters: dict[str, Any] = call.query.model_dump(mode="json", exclude=APART)
    return filters


def name_moment(at: datetime, identifier: UUID) -> list[str]:
    """The position of a row in a list that is ordered by time and then by id."""
    return [at.isoformat(), str(identifier)]


def read_moment(position: list[str]) -> tuple[datetime, UUID]:
    """Its two parts; the signature vouches for their form."""
    return datetime.fromisoformat(position[0]), UUID(position[1])
