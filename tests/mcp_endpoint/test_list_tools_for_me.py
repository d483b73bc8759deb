"""The catalogue tells each caller exactly what their calls will be answered."""

import json
import re
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from accounts.models import Role
from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import registry
from mcp_endpoint.tool_hints import HINTS
from oauth_ext.models import OrganizationPolicy, PersonalAccessToken
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import ALL_SCOPES, AddTool, Join, ProbeResult, Register
from tests.mcp_endpoint.test_registered_tools import BUILT_IN, handshake

TOOL = "list_tools_for_me"
WITH_READ = [
    ("read", *rest) for count in range(3) for rest in combinations(("draft", "actions"), count)
]


def set_role(user: Any, organization: Any, role: str) -> None:
    user.memberships.filter(organization=organization).update(role=role)


def try_out(mcp: McpClient, name: str) -> str:
    """What a call of the tool meets, with arguments that change nothing."""
    answer = mcp.call(name, {"no_such_argument": 1})
    if answer.status_code == 403:
        return "needs_permission"
    body = answer.json()
    if "error" in body:
        return "unknown"
    text = body["result"]["content"][0]["text"]
    if "This needs the permission" in text:
        return "needs_permission"
    return "needs_role" if "that role does not allow" in text else "open"


@pytest.mark.case(238, 295)
@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("scopes", WITH_READ, ids=" ".join)
def test_the_catalogue_says_what_calls_are_answered(
    world: Any, join: Join, role: str, scopes: tuple[str, ...]
) -> None:
    mcp = McpClient(join(world.ben, world.acme, scopes).access_token)
    set_role(world.ben, world.acme, role)
    told = mcp.use(TOOL)
    expected = {entry["name"]: "open" for entry in told["tools"]}
    expected |= {entry["name"]: entry["why"] for entry in told["locked"]}
    assert set(expected) == {tool.name for tool in registry.list_tools()}
    assert {name: try_out(mcp, name) for name in expected} == expected
    assert told["note"] == ""
    for entry in told["tools"]:
        assert set(entry["next_tools"]) <= {each["name"] for each in told["tools"]}


@pytest.mark.django_db
def test_what_unlocks_a_tool_is_told(world: Any, join: Join, mint: Callable[..., str]) -> None:
    def unlock(mcp: McpClient, name: str) -> str:
        (entry,) = (each for each in mcp.use(TOOL)["locked"] if each["name"] == name)
        return str(entry["unlock"])

    connected = McpClient(join(world.ben, world.acme, ("read",)).access_token)
    assert "tick Draft on the consent page" in unlock(connected, "rename_application")
    assert "tick Actions on the consent page" in unlock(connected, "pause_application")
    personal = McpClient(mint(world.ben, world.acme))
    assert "Make a new personal access token with Actions" in unlock(personal, "pause_application")
    set_role(world.ben, world.acme, "viewer")
    assert "connecting again does not help" in unlock(connected, "pause_application")


@pytest.mark.case(295)
@pytest.mark.django_db
def test_a_narrowed_token_is_not_told_of_what_it_was_not_made_for(
    world: Any, mint: Callable[..., str]
) -> None:
    mcp = McpClient(mint(world.alice, world.acme, *ALL_SCOPES))
    PersonalAccessToken.objects.update(allowed_tools=[TOOL, "whoami"])
    told = mcp.use(TOOL)
    assert [entry["name"] for entry in told["tools"]] == [TOOL, "whoami"]
    assert (told["locked"], "made for the tools above only" in told["note"]) == ([], True)
    hidden = {tool.name for tool in registry.list_tools()} - {TOOL, "whoami"}
    whole = json.dumps(told)
    assert [name for name in hidden if f'"{name}"' in whole] == []
    assert try_out(mcp, "search_activity") == "unknown"


@pytest.mark.case(295)
@pytest.mark.django_db
@pytest.mark.parametrize("allowed", [None, [TOOL, "whoami"], ["explain_reference"], ["x"]], ids=str)
def test_the_instructions_name_no_tool_that_the_caller_lacks(
    world: Any, mint: Callable[..., str], allowed: list[str] | None
) -> None:
    mcp = McpClient(mint(world.alice, world.acme, *ALL_SCOPES))
    PersonalAccessToken.objects.update(allowed_tools=allowed)
    named = {TOOL, "whoami", "health_check", "explain_reference"}
    told = [
        mcp.legacy("initialize", handshake("2025-11-25")).json()["result"]["instructions"],
        mcp.modern("server/discover").json()["result"]["instructions"],
    ]
    assert told[0] == told[1] and "Errors carry a reference" in told[0]
    words = set(re.findall(r"\w+", told[0]))
    assert words & named == (named if allowed is None else named & set(allowed))
    assert words.isdisjoint({tool.name for tool in registry.list_tools()} - named)


@pytest.mark.case(295)
@pytest.mark.django_db
def test_a_misspelt_tool_is_answered_with_near_names_that_the_caller_has(
    mcp: McpClient, world: Any
) -> None:
    def ask(name: str) -> str:
        answer = mcp.modern("tools/call", {"name": name, "arguments": {}})
        return str(answer.json()["error"]["message"]).partition(" Call tools/list")[0]

    absent = "There is no tool of this name."
    assert ask("who_am_i") == f"{absent} Did you mean whoami?"
    assert ask("serach_activity").startswith(f"{absent} Did you mean search_activity")
    assert ask("x" * 100_000) == ask("zzz") == absent
    OrganizationPolicy.objects.create(organization=world.acme, hidden_tools=["search_activity"])
    for name in ("serach_activity", "search_activity"):
        assert "search_activity" not in ask(name)


@pytest.mark.case(295)
@pytest.mark.django_db
def test_what_the_organization_leaves_out_is_not_named_and_who_can_change_it_is(
    mcp: McpClient, world: Any
) -> None:
    policy = OrganizationPolicy.objects.create(
        organization=world.acme, hidden_tools=["search_activity"]
    )
    told = mcp.use(TOOL)
    assert '"search_activity"' not in json.dumps(told)
    assert "Acme leaves out some tools for everybody" in told["note"]
    assert try_out(mcp, "search_activity") == "unknown"
    policy.hidden_tools, policy.allowed_scopes = None, "read draft"
    policy.save()
    told = mcp.use(TOOL)
    assert "Acme allows applications at most: Read, Draft." in told["note"]
    assert "pause_application" not in json.dumps(told)
    policy.delete()
    assert mcp.use(TOOL)["note"] == ""


@pytest.mark.django_db
def test_a_host_application_s_tool_is_told_by_its_definition(
    mcp: McpClient, add_tool: AddTool
) -> None:
    name = add_tool(
        lambda context, arguments: ProbeResult(text="ran"),
        scope="actions",
        read_only=False,
        destructive=True,
        open_world=True,
    )
    (entry,) = (each for each in mcp.use(TOOL)["tools"] if each["name"] == name)
    assert entry["purpose"] == "A tool that only tests have."
    assert (entry["effect"], entry["reaches_outside"]) == (
        ("changes, may remove or overwrite", True)
    )
    assert (entry["use_when"], entry["next_tools"], entry["example"]) == ("", [], {})


@pytest.mark.django_db
def test_of_a_change_it_is_told_what_its_author_promised_and_no_more(
    mcp: McpClient, add_tool: AddTool
) -> None:
    """That something can be undone follows from no annotation: a mail that is sent removes
    nothing."""
    name = add_tool(
        lambda context, arguments: ProbeResult(text="ran"), scope="actions", read_only=False
    )
    told = {each["name"]: each["effect"] for each in mcp.use(TOOL)["tools"]}
    assert told[name] == told["rename_application"] == "changes, removes nothing"
    assert told["disconnect_application"] == "changes, may remove or overwrite"
    assert told["whoami"] == "reads"


@pytest.mark.django_db
def test_an_example_is_one_that_the_tool_takes_from_this_caller(
    world: Any, join: Join, register: Register
) -> None:
    def greet(context: CallContext, name: str, loudly: bool = False) -> ProbeResult:
        """Greet somebody."""
        return ProbeResult(text=name)

    register(greet)
    mcp = McpClient(join(world.ben, world.acme, ALL_SCOPES).access_token)
    for role, administers in [("member", False), ("viewer", False), ("admin", True)]:
        set_role(world.ben, world.acme, role)
        told = {each["name"]: each["example"] for each in mcp.use(TOOL)["tools"]}
        assert ("whole_organization" in told["activity_summary"]) is administers
        assert (told["greet"], told["whoami"]) == (None, {})
        for name in ("activity_summary", "search_activity", "list_connected_applications"):
            mcp.use(name, told[name])


def test_every_built_in_tool_has_a_hint_that_holds() -> None:
    assert set(HINTS) == BUILT_IN
    for name, hint in HINTS.items():
        tool = registry.find(name)
        assert tool is not None
        assert set(hint.next_tools) <= BUILT_IN - {name}
        if hint.example:
            tool.arguments_model.model_validate(hint.example)
