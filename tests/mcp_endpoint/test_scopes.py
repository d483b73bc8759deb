"""A scope that is missing: 403, and what the challenge asks for (RFC 6750 §3.1, MCP step-up)."""

import re
from typing import Any

import pytest

from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import AddTool, Join, ProbeResult, rows_of

pytestmark = pytest.mark.django_db

TIERS = ["read", "draft", "actions"]


def answer_text(context: Any, arguments: Any) -> ProbeResult:
    return ProbeResult(text="ran")


@pytest.mark.case(238, 245)
@pytest.mark.parametrize("held", TIERS)
@pytest.mark.parametrize("needed", TIERS)
def test_a_tool_runs_with_its_own_scope_and_with_no_other(
    world: Any, join: Join, add_tool: AddTool, held: str, needed: str
) -> None:
    name = add_tool(answer_text, scope=needed)
    answer = McpClient(join(world.alice, world.acme, (held,)).access_token).call(name)
    if held == needed:
        assert answer.json()["result"]["structuredContent"] == {"text": "ran"}
        return
    assert answer.status_code == 403
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer error="insufficient_scope"')
    assert f'scope="{needed}"' in challenge
    assert "/.well-known/oauth-protected-resource/mcp" in challenge
    error = answer.json()["error"]
    assert error["data"]["scope"] == needed
    (row,) = rows_of(error["data"]["reference"])
    assert (row.event, row.outcome, row.tool) == ("mcp.scope.refused", "refused", name)
    assert (row.user_id, row.http_status) == (world.alice.id, 403)


def test_the_legacy_challenge_repeats_what_is_held_so_that_nothing_is_lost(
    world: Any, join: Join, add_tool: AddTool
) -> None:
    name = add_tool(answer_text, scope="actions")
    mcp = McpClient(join(world.alice, world.acme, ("read",)).access_token)
    answer = mcp.legacy("tools/call", {"name": name})
    assert answer.status_code == 403
    asked = re.search(r'scope="([^"]*)"', answer.headers["WWW-Authenticate"])
    assert asked and asked[1] == "read actions"


def test_a_missing_scope_is_told_before_wrong_arguments(
    world: Any, join: Join, add_tool: AddTool
) -> None:
    name = add_tool(answer_text, scope="actions")
    mcp = McpClient(join(world.alice, world.acme, ("read",)).access_token)
    assert mcp.call(name, {"nonsense": 1}).status_code == 403


def test_the_list_is_in_alphabetical_order(mcp: McpClient) -> None:
    listed = mcp.modern("tools/list").json()["result"]["tools"]
    names = [entry["name"] for entry in listed]
    assert len(names) > 1 and names == sorted(names)
