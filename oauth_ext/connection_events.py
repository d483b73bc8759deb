"""Rows about a connection: whose, which client's, for which organization."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from activity.events import Event, Outcome
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.errors import OAuthError
from oauth_ext.models import Connection


def record_connection_event(
    event: Event,
    connection: Connection,
    *,
    origin: Origin,
    outcome: Outcome = Outcome.SUCCEEDED,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Append a row that names the connection and everything it stands on."""
    record_event(
        event,
        origin=origin,
        outcome=outcome,
        reason=reason,
        user_id=connection.user_id,
        organization_id=connection.organization_id,
        client_id=connection.client.client_id,
        connection_id=connection.id,
        details=details,
    )


@contextmanager
def refusals_about(connection: Connection) -> Iterator[None]:
    """Tie every refusal inside to the connection, so that its person finds the reference.

    Only for a caller who is the connection's client and has what it was issued: a stranger's
    guess must not write into anybody's log.
    """
    try:
        yield
    except OAuthError as error:
        error.connection = connection
        raise
