"""The database is away: 503 to everybody, and never a 401 that makes clients drop good tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, connections

from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import rows_of

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def outage() -> Iterator[None]:
    """No connection to the database can be made."""
    connection.close()
    port = connection.settings_dict["PORT"]
    host = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"], connection.settings_dict["PORT"] = "127.0.0.1", "1"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["HOST"], connection.settings_dict["PORT"] = host, port


@pytest.mark.case(306)
@pytest.mark.parametrize("method", ["tools/list", "tools/call", "server/discover"])
def test_a_good_token_during_an_outage_is_503_and_works_again_after(
    mcp: McpClient, method: str
) -> None:
    params = {"name": "whoami"} if method == "tools/call" else None
    with outage():
        answer = mcp.modern(method, params)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "WWW-Authenticate" not in answer.headers
    error = answer.json()["error"]
    assert error["code"] == -32603
    assert error["data"]["reference"] == answer.headers["Reference-Id"]
    assert mcp.modern(method, params).status_code == 200


@pytest.mark.case(306)
@pytest.mark.parametrize("token", [None, "not-ours"])
def test_strangers_during_an_outage_are_503_too(world: Any, token: str | None) -> None:
    with outage():
        answer = McpClient(token).send(b"{}")
    assert answer.status_code == 503
    assert "WWW-Authenticate" not in answer.headers
    assert McpClient(token).send(b"{}").status_code == 401


def test_a_connection_that_died_while_idle_is_replaced_without_anybody_noticing(
    mcp: McpClient,
) -> None:
    assert mcp.call("whoami").status_code == 200
    backend = connection.connection.info.backend_pid
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (backend,))
    answer = mcp.call("whoami")
    assert answer.status_code == 200
    assert connection.connection.info.backend_pid != backend
    assert len(rows_of(answer.headers["Reference-Id"])) == 1


def test_a_healthy_connection_is_not_asked_for_its_health(
    mcp: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    database = connections[connection.alias]
    monkeypatch.setattr(database, "health_check_enabled", True)
    monkeypatch.setattr(database, "health_check_done", False)
    monkeypatch.setattr(database, "is_usable", lambda: asked.append("asked") or True)
    assert mcp.call("whoami").status_code == 200
    assert not asked
