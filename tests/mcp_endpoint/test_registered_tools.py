"""Walks the registry, so that a tool that is added tomorrow is held to all of this as well."""

import re
from typing import Any

import pytest
from mcp_types import methods
from pydantic import ValidationError

from mcp_endpoint.registry import registry
from tests.mcp_client import LATEST_LEGACY, MODERN, McpClient
from tests.mcp_endpoint.conftest import Join

BUILT_IN = {
    "activity_summary",
    "disconnect_application",
    "explain_reference",
    "health_check",
    "list_connected_applications",
    "list_personal_access_tokens",
    "list_tools_for_me",
    "pause_application",
    "rename_application",
    "resume_application",
    "revoke_personal_access_token",
    "search_activity",
    "whoami",
}
LEGACY = ["2025-03-26", "2025-06-18", "2025-11-25"]


def test_the_built_in_tools_are_there() -> None:
    assert {tool.name for tool in registry.list_tools()} >= BUILT_IN


@pytest.mark.parametrize("tool", registry.list_tools(), ids=lambda tool: tool.name)
def test_every_tool_is_fit_to_be_listed(tool: Any) -> None:
    definition = tool.definition
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", definition["name"])
    assert definition["title"] and len(definition["description"]) > 20
    for schema in (definition["inputSchema"], definition.get("outputSchema", {"type": "object"})):
        assert schema["type"] == "object"
        assert "$ref" not in repr(schema)
    assert definition["inputSchema"]["additionalProperties"] is False
    assert set(definition["annotations"]) == {
        "title",
        "readOnlyHint",
        "destructiveHint",
        "idempotentHint",
        "openWorldHint",
    }
    assert "x-mcp-header" not in repr(definition)


@pytest.mark.django_db
@pytest.mark.parametrize("version", [*LEGACY, MODERN])
def test_every_result_conforms_to_the_schema_of_its_revision(mcp: McpClient, version: str) -> None:
    requests: list[tuple[str, dict[str, Any]]] = [
        ("tools/list", {}),
        ("tools/call", {"name": "whoami", "arguments": {}}),
        ("tools/call", {"name": "whoami", "arguments": {"wrong": 1}}),
        ("tools/call", {"name": "list_connected_applications"}),
        ("tools/call", {"name": "search_activity", "arguments": {"limit": 1}}),
    ]
    if version == MODERN:
        requests.append(("server/discover", {}))
    else:
        requests += [("ping", {}), ("initialize", handshake(version))]
    for method, params in requests:
        if version == MODERN:
            answer = mcp.modern(method, params)
        else:
            answer = mcp.legacy(method, params, version=version)
        methods.validate_server_result(method, version, answer.json()["result"])


def test_the_official_schemas_would_notice_a_difference() -> None:
    with pytest.raises(ValidationError):
        methods.validate_server_result("tools/list", MODERN, {"tools": []})
    with pytest.raises(ValidationError):
        methods.validate_server_result("initialize", LATEST_LEGACY, {})


@pytest.mark.case(308)
@pytest.mark.django_db
def test_the_modern_list_says_how_long_it_may_be_kept(mcp: McpClient) -> None:
    result = mcp.modern("tools/list").json()["result"]
    assert (result["cacheScope"], result["resultType"]) == ("private", "complete")
    assert 0 <= result["ttlMs"] <= 60_000
    assert "nextCursor" not in result
    call = mcp.call("whoami").json()["result"]
    assert "ttlMs" not in call and "cacheScope" not in call


@pytest.mark.django_db
@pytest.mark.parametrize("tool", registry.list_tools(), ids=lambda tool: tool.name)
def test_no_tool_runs_without_its_scope_or_shows_another_organization(
    world: Any, join: Join, tool: Any
) -> None:
    """Tenancy for every registered tool: nothing of Borealis in an answer to Acme."""
    bystander = join(world.cleo, world.borealis, ("read", "draft", "actions"))
    McpClient(bystander.access_token).use("whoami")
    for user, organization in ((world.alice, world.acme), (world.ben, world.acme)):
        for role in ("owner", "admin", "member"):
            user.memberships.filter(organization=organization).update(role=role)
            held = join(user, organization, (tool.scope,))
            answers = [
                McpClient(held.access_token).call(tool.name, arguments)
                for arguments in ({}, {"whole_organization": True}, {"limit": 100})
            ]
            for answer in answers:
                assert answer.status_code == 200
                assert b"Something went wrong" not in answer.content
                assert world.cleo.email.encode() not in answer.content
                assert str(bystander.connection.id).encode() not in answer.content
                assert b"Borealis" not in answer.content
            others = {"read", "draft", "actions"} - {tool.scope}
            without = join(user, organization, tuple(sorted(others)))
            assert McpClient(without.access_token).call(tool.name).status_code == 403


def handshake(version: str) -> dict[str, Any]:
    return {
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
