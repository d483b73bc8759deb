"""Holds a tool to its word that it only reads.

A READ ONLY transaction would cost two round trips per call, so statements are looked at before they
are sent: only those that read get through. It is a net for mistakes, not a wall against malice; the
test kit runs such tools in a READ ONLY transaction.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

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

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


class ReadOnlyToolError(Exception):
    """A tool that is declared ``read_only`` tried to write: one of the two is wrong."""


def refusing_writes() -> AbstractContextManager[None]:
    """Refuse every statement of this thread that does not read, until the block ends."""
    return connection.execute_wrapper(refuse_write)


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
