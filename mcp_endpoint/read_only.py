"""Holds a tool to its word that it only reads.

A READ ONLY transaction would cost two round trips per call, so statements are looked at before they
are sent: only those that read get through. It is a net for mistakes, not a wall against malice; the
test kit runs such tools in a READ ONLY transaction.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connection

READS = re.compile(
    r"[\s(]*(?:SELECT|WITH|VALUES|TABLE|SHOW|SAVEPOINT|RELEASE|ROLLBACK|DECLARE|FETCH|CLOSE)\b",
    re.IGNORECASE,
)
# WITH may lead to a statement that writes, or contain one.
STARTS_WITH_WITH = re.compile(r"[\s(]*WITH\b", re.IGNORECASE)
WRITES_INSIDE = re.compile(
    r"\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|(?<!FOR\s)(?<!FOR NO KEY\s)UPDATE\s+[\w\"])",
    re.IGNORECASE,
)

Result = TypeVar("Result")
Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


class ReadOnlyToolError(Exception):
    """A tool that is declared ``read_only`` tried to write: one of the two is wrong."""


def run_reading(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call the function, and refuse every statement that it sends and that does not read."""
    # What connection.execute_wrapper does, at a fifth of its cost: this is the hot path.
    wrappers = connection.execute_wrappers
    wrappers.append(refuse_write)
    try:
        return function(*arguments)
    finally:
        wrappers.remove(refuse_write)


def refuse_write(
    execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Send a statement if it reads."""
    if not is_read(sql if isinstance(sql, str) else sql.as_string(None)):
        raise ReadOnlyToolError
    return execute(sql, params, many, context)


def is_read(sql: str) -> bool:
    """Whether a statement reads, by its words."""
    if not READS.match(sql):
        return False
    return not (STARTS_WITH_WITH.match(sql) and WRITES_INSIDE.search(sql))
