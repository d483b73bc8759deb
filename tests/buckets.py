"""Buckets of limits as a test wants them, however slow the machine is."""

from django.db import connection

from accounts.call_leases import CallPolicy
from accounts.limits import Policy


def leave_tokens(policy: Policy | CallPolicy, tokens: int) -> None:
    """Let every bucket of the policy have so many, and refill none before the next taking."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_tokenbucket SET tokens = %s,"
            " updated_at = clock_timestamp() + interval '1 hour' WHERE policy = %s",
            (tokens, policy.name),
        )
        assert cursor.rowcount > 0, f"nothing has taken from {policy.name} yet"
