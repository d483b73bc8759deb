"""What a call costs the database, and what it keeps away from."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mcp_endpoint import VERSION
from tests.conftest import World
from tests.mcp_client import McpClient

pytestmark = pytest.mark.django_db(transaction=True)


def statements(captured: CaptureQueriesContext) -> list[str]:
    """The statements of our own making; the driver's transaction control is left out."""
    return [entry["sql"] for entry in captured if not entry["sql"].startswith(("BEGIN", "COMMIT"))]


@pytest.mark.parametrize("method", ["modern", "legacy"])
def test_a_reading_call_is_two_statements_verify_and_record(mcp: McpClient, method: str) -> None:
    post = getattr(mcp, method)
    post("tools/call", {"name": "whoami"})
    with CaptureQueriesContext(connection) as captured:
        answer = post("tools/call", {"name": "whoami"})
    assert answer.status_code == 200
    verify, record = statements(captured)
    assert verify.lstrip().startswith("SELECT")
    assert record.lstrip().startswith("INSERT INTO activity_event")


def test_a_reading_call_with_a_personal_token_is_two_statements_too(
    world: World, mint: Callable[..., str]
) -> None:
    script = McpClient(mint(world.alice, world.acme))
    script.modern("tools/call", {"name": "whoami"})
    with CaptureQueriesContext(connection) as captured:
        assert script.modern("tools/call", {"name": "whoami"}).status_code == 200
    verify, record = statements(captured)
    assert "oauth_ext_personalaccesstoken" in verify
    assert record.lstrip().startswith("INSERT INTO activity_event")


def test_a_list_is_one_statement(mcp: McpClient) -> None:
    mcp.modern("tools/list")
    with CaptureQueriesContext(connection) as captured:
        assert mcp.modern("tools/list").status_code == 200
    assert len(statements(captured)) == 1


def test_a_stranger_reaches_no_table_of_ours_but_the_log() -> None:
    with CaptureQueriesContext(connection) as captured:
        McpClient("a.b.c").legacy("ping")
    assert all("activity_" in statement for statement in statements(captured))


def test_no_cookie_is_read_or_set(mcp: McpClient) -> None:
    mcp.http.cookies["sessionid"] = "x"
    with CaptureQueriesContext(connection) as captured:
        answer = mcp.legacy("ping")
    assert not answer.cookies
    assert not any("session" in statement.lower() for statement in statements(captured))


def test_the_settings_pass_our_checks_and_a_broken_one_does_not(settings: Any) -> None:
    assert not list(run_checks(tags=["mcp"]))
    settings.MCP_ALLOWED_ORIGINS = ["https://claude.ai/", "*", "null", "https://Claude.ai"]
    settings.MCP_RESOURCE = "https://elsewhere.example/mcp"
    settings.MCP_MAX_BODY_BYTES = 10
    settings.MCP_CONNECTION_RATE, settings.MCP_ORGANIZATION_RATE = -1, 9
    settings.MIDDLEWARE = [
        name for name in django_settings.MIDDLEWARE if not name.startswith("mcp_endpoint")
    ]
    found = [message.id for message in run_checks(tags=["mcp"])]
    assert found.count("mcp_endpoint.E002") == 4
    assert found.count("mcp_endpoint.E008") == 2
    assert {"mcp_endpoint.E001", "mcp_endpoint.E003", "mcp_endpoint.E004"} <= set(found)


def test_the_version_we_tell_is_the_one_of_the_project() -> None:
    text = (django_settings.BASE_DIR / "pyproject.toml").read_text()
    assert f'version = "{VERSION}"' in text
