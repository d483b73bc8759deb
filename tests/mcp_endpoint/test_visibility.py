"""What is listed is what can be called: one question decides both, for every caller."""

from itertools import product
from typing import Any

import pytest

from accounts.models import Membership
from mcp_endpoint.registry import registry
from oauth_ext.models import OrganizationPolicy, PersonalAccessToken
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import AddTool, Join, ProbeResult, rows_of
from tests.oauth_ext.conftest import photograph

pytestmark = pytest.mark.django_db

TIERS = ("read", "draft", "actions")
SCOPES = (("read",), ("read", "draft"), ("actions",), TIERS)
ROLES = ("viewer", "member", "owner")
ALLOWED = ("", "read", "read draft", "no_such_scope")
HIDDEN: tuple[list[str] | None, ...] = (None, [], ["probe_0", "whoami"])
TOKEN_LISTS: tuple[list[str] | None, ...] = (None, ["probe_0", "probe_2"])


def answer_text(context: Any, arguments: Any) -> ProbeResult:
    return ProbeResult(text="ran")


@pytest.fixture
def probes(add_tool: AddTool) -> list[str]:
    """A tool of each tier."""
    return [add_tool(answer_text, scope=tier) for tier in TIERS]


def list_names(mcp: McpClient) -> set[str]:
    """The names that tools/list shows."""
    answer = mcp.modern("tools/list")
    assert answer.status_code == 200
    return {listed["name"] for listed in answer.json()["result"]["tools"]}


def runs(mcp: McpClient, tool: str) -> bool:
    """Whether a call reaches the tool; wrong arguments are the tool's own business."""
    answer = mcp.call(tool, {})
    if answer.status_code == 403:
        return False
    body = answer.json()
    if "error" in body:
        assert body["error"]["code"] == -32602
        return False
    rows = rows_of(answer["Reference-Id"])
    (reason,) = [row.reason for row in rows if row.event == "mcp.tool.called"]
    return reason not in ("role_scope", "insufficient_scope", "step_up_repeated")


def set_policy(organization: Any, **fields: Any) -> None:
    """As an operator would."""
    OrganizationPolicy.objects.update_or_create(organization=organization, defaults=fields)


@pytest.mark.case(238, 295, 308)
@pytest.mark.parametrize("scopes", SCOPES)
@pytest.mark.parametrize("role", ROLES)
def test_hidden_equals_refused_for_every_tool_and_every_connection(
    world: Any, join: Join, probes: list[str], scopes: tuple[str, ...], role: str
) -> None:
    mcp = McpClient(join(world.alice, world.acme, scopes).access_token)
    Membership.objects.filter(user=world.alice, organization=world.acme).update(role=role)
    seen = set()
    for allowed, hidden in product(ALLOWED, HIDDEN):
        set_policy(world.acme, allowed_scopes=allowed, hidden_tools=hidden)
        listed = list_names(mcp)
        called = {tool.name for tool in registry.list_tools() if runs(mcp, tool.name)}
        assert called == listed, (scopes, role, allowed, hidden)
        seen.add(frozenset(listed))
    assert len(seen) > 1 or (scopes == ("actions",) and role == "viewer")


@pytest.mark.case(245, 295, 308)
@pytest.mark.parametrize("tools", TOKEN_LISTS)
def test_hidden_equals_refused_for_every_personal_token(
    world: Any, mint: Any, probes: list[str], tools: list[str] | None
) -> None:
    mcp = McpClient(mint(world.alice, world.acme, "read", "actions"))
    PersonalAccessToken.objects.update(allowed_tools=tools)
    for allowed, hidden in product(ALLOWED, HIDDEN):
        set_policy(world.acme, allowed_scopes=allowed, hidden_tools=hidden)
        called = {tool.name for tool in registry.list_tools() if runs(mcp, tool.name)}
        assert called == list_names(mcp), (tools, allowed, hidden)


@pytest.mark.case(295)
@pytest.mark.parametrize(
    "policy", [{"hidden_tools": ["probe_2"]}, {"allowed_scopes": "read draft"}]
)
@pytest.mark.parametrize("send", ["modern", "legacy"])
def test_what_the_organization_hides_reads_like_what_does_not_exist_and_is_recorded(
    world: Any, join: Join, probes: list[str], policy: dict[str, Any], send: str, log: Any
) -> None:
    mcp = McpClient(join(world.alice, world.acme).access_token)
    post = getattr(mcp, send)
    assert "result" in post("tools/call", {"name": "probe_2"}).json()
    set_policy(world.acme, **policy)
    before = photograph()
    hidden = post("tools/call", {"name": "probe_2"})
    absent = post("tools/call", {"name": "probe_9"})
    assert photograph() == before
    assert hidden.status_code == absent.status_code == 200
    told = [answer.json()["error"] for answer in (hidden, absent)]
    references = [error["data"].pop("reference") for error in told]
    texts = [
        error.pop("message").replace(reference, "")
        for error, reference in zip(told, references, strict=True)
    ]
    assert told[0] == told[1] and texts[0] == texts[1]
    (row,) = rows_of(references[0])
    assert (row.event, row.outcome) == ("mcp.request.refused", "refused")
    assert (row.reason, row.tool) == ("organization_policy", "probe_2")
    assert rows_of(references[1])[0].reason == "unknown_tool"
    # Another organization's policy is nobody else's.
    assert "probe_2" in list_names(McpClient(join(world.alice, world.borealis).access_token)), (
        "not hidden there"
    )


@pytest.mark.case(238)
def test_a_client_steps_up_by_the_name_that_it_knows_and_then_sees_the_tool(
    world: Any, join: Join, connect: Any, probes: list[str]
) -> None:
    small = connect(world.alice, world.acme, ("read",))
    mcp = McpClient(small.access_token)
    assert "probe_2" not in list_names(mcp)
    refused = mcp.call("probe_2")
    assert refused.status_code == 403
    needed = refused.json()["error"]["data"]["scope"].split()
    wide = connect(world.alice, world.acme, ("read", *needed))
    mcp = McpClient(wide.access_token)
    assert "probe_2" in list_names(mcp)
    assert mcp.use("probe_2") == {"text": "ran"}
    # What the other sign-in was given did not grow.
    assert "probe_2" not in list_names(McpClient(small.access_token))
