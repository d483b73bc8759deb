"""Statements that PostgreSQL plans once a connection, not once a call.

For the two that every call runs: planning them costs several times what running them does. Nothing
else is prepared, because Django's own cursors write the values into the text of a statement.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connections
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper


class PreparedDebugCursor(CursorDebugWrapper):
    """Logs the statement as it was given: psycopg keeps no text of what it ran prepared."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        """As without logging, then one line in ``connection.queries``."""
        with self.debug_sql(sql, params):
            return CursorWrapper.execute(self, sql, params)


def execute_prepared(sql: str, params: Sequence[Any] | Mapping[str, Any]) -> CursorWrapper:
    """Run one statement on Django's connection; the cursor has its rows.

    Raises:
        django.db.Error: as from any cursor of Django's.
    """
    # The connection itself: each look through the proxy that Django offers is a look-up.
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    raw: Any = psycopg.Cursor(connection.connection)
    wrap = PreparedDebugCursor if connection.queries_logged else CursorWrapper
    cursor = wrap(raw, connection)
    try:
        cursor.execute(sql, params)
    except NotSupportedError:
        # A migration gave a column another type: what was prepared can't be run any more, and
        # only a new connection forgets it.
        connection.close_at = time.monotonic()
        connection.close_if_unusable_or_obsolete()
        raise
    return cursor
