"""What every call runs is planned once a connection, and forgotten when a migration changes it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.db.utils import NotSupportedError

from activity.prepared import execute_prepared
from tests.conftest import World
from tests.mcp_client import McpClient

pytestmark = pytest.mark.django_db(transaction=True)

WIDTH = "SELECT name FROM oauth_ext_client WHERE id = %s"


@pytest.fixture
def alice(world: World, connect: Callable[..., Any]) -> McpClient:
    """Alice in Acme."""
    return McpClient(connect(world.alice, world.acme).access_token)


@pytest.fixture
def migrate() -> Iterator[Callable[[str], None]]:
    """Gives a column that verification reads another type, as a migration beside us would."""
    other = database.copy()

    def alter(column_type: str) -> None:
        with other.cursor() as cursor:
            cursor.execute(f"ALTER TABLE oauth_ext_client ALTER COLUMN name TYPE {column_type}")

    yield alter
    alter("varchar(255)")
    other.close()


def count_runs() -> dict[str, int]:
    """How often this connection has run each statement that it prepared."""
    with database.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements")
        return {" ".join(text.split()[:3]): runs for text, runs in cursor.fetchall()}


def test_both_statements_of_a_call_are_prepared_once_and_run_again(alice: McpClient) -> None:
    database.close()
    for _ in range(3):
        assert alice.modern("tools/call", {"name": "whoami"}).status_code == 200
    assert count_runs() == {"SELECT u.id, u.email,": 3, "INSERT INTO activity_event": 3}


def test_a_call_after_a_migration_verifies_on_a_new_connection(
    alice: McpClient, migrate: Callable[[str], None]
) -> None:
    assert alice.modern("tools/call", {"name": "whoami"}).status_code == 200
    former = database.connection
    migrate("text")
    assert alice.modern("tools/call", {"name": "whoami"}).status_code == 200
    assert database.connection is not former


def test_inside_a_transaction_the_connection_goes_at_its_end(
    world: World, migrate: Callable[[str], None]
) -> None:
    execute_prepared(WIDTH, (1,))
    migrate("text")
    with pytest.raises(NotSupportedError), transaction.atomic():
        execute_prepared(WIDTH, (1,))
    database.close_if_unusable_or_obsolete()
    assert database.connection is None
    assert execute_prepared(WIDTH, (1,)).fetchall() == []
