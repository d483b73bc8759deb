"""What holds for resources and prompts alike: no effects, questions to the client, visibility."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from mcp_types import methods
from pydantic import BaseModel

from accounts.models import Membership, Organization
from activity.narrative import build_title
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.input_requests import Elicitation
from mcp_endpoint.prompts import prompt_registry
from mcp_endpoint.resources import resource_registry
from oauth_ext.models import OrganizationPolicy, PersonalAccessToken
from tests.mcp_client import MODERN, MODERN_META, McpClient
from tests.mcp_endpoint.conftest import AddPrompt, AddResource, Join, rows_of

pytestmark = pytest.mark.django_db

CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
TIERS = ("read", "draft", "actions")


class Name(BaseModel):
    name: str


def rename(context: CallContext) -> str:
    """Write, where only reading is allowed."""
    Organization.objects.filter(id=context.principal.organization_id).update(name="Renamed")
    return "done"


@pytest.mark.django_db(transaction=True)
def test_nothing_that_is_read_can_change_anything(
    world: Any, mcp: McpClient, add_resource: AddResource, add_prompt: AddPrompt
) -> None:
    def suggest(context: CallContext, typed: str) -> list[str]:
        return [rename(context)]

    def list_items(context: CallContext, after: str | None, limit: int) -> list[Any]:
        return [rename(context)]

    def item(context: CallContext, number: int) -> str:
        """An item."""
        return "item"

    def pick(context: CallContext, what: str) -> str:
        """Pick."""
        return what

    add_resource(rename, uri="test://rename")
    add_prompt(rename)
    add_prompt(pick, complete={"what": suggest})
    params: dict[str, Any] = {
        "ref": {"type": "ref/prompt", "name": "pick"},
        "argument": {"name": "what", "value": ""},
    }
    for method, asked in (
        ("resources/read", {"uri": "test://rename"}),
        ("prompts/get", {"name": "rename"}),
        ("completion/complete", params),
    ):
        answer = mcp.modern(method, asked)
        assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32603), method
        (row,) = rows_of(answer["Reference-Id"])
        assert (row.outcome, row.reason) == ("failed", "ReadOnlyToolError")
    add_resource(item, name="item", uri_template="test://item/{number}", instances=list_items)
    answer = mcp.modern("resources/list")
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32603)
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.outcome, row.reason) == ("failed", "ReadOnlyToolError")
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


def ask(
    client: McpClient,
    method: str,
    params: dict[str, Any],
    capabilities: dict[str, Any],
    **more: Any,
) -> Any:
    """A question by a client that declares what it can be asked."""
    meta = {**MODERN_META, CAPABILITIES_KEY: capabilities}
    return client.modern(method, params | more, meta=meta)


@pytest.mark.case(294)
@pytest.mark.parametrize("method", ["prompts/get", "resources/read"])
def test_a_prompt_and_a_resource_may_ask_before_they_answer(
    mcp: McpClient,
    world: Any,
    join: Join,
    add_prompt: AddPrompt,
    add_resource: AddResource,
    method: str,
) -> None:
    def greet(context: CallContext) -> str:
        """Greet whoever it is."""
        answer = context.ask("name", Elicitation("What is your name?", schema=Name))
        return f"Hello {answer.content.name}" if answer.content else "Hello"

    add_prompt(greet)
    add_resource(greet, uri="test://greeting")
    params = {"name": "greet"} if method == "prompts/get" else {"uri": "test://greeting"}
    able: dict[str, Any] = {"elicitation": {}}
    asked = ask(mcp, method, params, able)
    question = asked.json()["result"]
    methods.validate_server_result(method, MODERN, question)
    assert question["resultType"] == "input_required"
    assert "ttlMs" not in question and "cacheScope" not in question
    (row,) = rows_of(asked["Reference-Id"])
    assert (row.outcome, row.reason) == ("started", "input_required")

    said = {
        "inputResponses": {"name": {"action": "accept", "content": {"name": "Ada"}}},
        "requestState": question["requestState"],
    }
    done = ask(mcp, method, params, able, **said)
    assert b"Hello Ada" in done.content
    assert done.json()["result"]["resultType"] == "complete"
    (row,) = rows_of(done["Reference-Id"])
    assert (row.outcome, row.details["answers"]) == ("succeeded", {"name": "accept"})

    stranger = McpClient(join(world.ben, world.acme).access_token)
    for client, brought in (
        (stranger, said["requestState"]),
        (mcp, said["requestState"][:-2] + "zz"),
    ):
        refused = ask(client, method, params, able, **{**said, "requestState": brought})
        assert (refused.status_code, refused.json()["error"]["code"]) == (200, -32602)
        assert rows_of(refused["Reference-Id"])[-1].reason == "state_tampered"
    unable = ask(mcp, method, params, {})
    assert (unable.status_code, unable.json()["error"]["code"]) == (400, -32021)
    legacy = mcp.legacy(method, params)
    assert legacy.json()["error"]["code"] == -32602
    assert "cannot ask" in legacy.json()["error"]["message"]


@pytest.fixture
def tiered(add_resource: AddResource, add_prompt: AddPrompt) -> None:
    """A resource, a template and a prompt of each tier."""
    for tier in TIERS:

        def one(context: CallContext) -> str:
            """One."""
            return "one"

        def many(context: CallContext, number: int) -> str:
            """Many."""
            return "many"

        add_resource(one, uri=f"test://{tier}", name=f"one_{tier}", scope=tier)
        add_resource(many, uri_template=f"test://{tier}/{{number}}", name=tier, scope=tier)
        add_prompt(one, name=f"prompt_{tier}", scope=tier)


def list_all(client: McpClient) -> set[str]:
    """The URIs, templates and names in the three lists, those that a template lists left out."""
    found: set[str] = set()
    for method, member, key in (
        ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
        ("prompts/list", "prompts", "name"),
    ):
        found |= {entry[key] for entry in client.modern(method).json()["result"][member]}
    return {name for name in found if not name.startswith("docjacket://connection/") or "{" in name}


def find_allowed(client: McpClient) -> set[str]:
    """Those that are not refused for visibility when they are asked for."""
    allowed = set()
    for entry in (*resource_registry.list_direct(), *resource_registry.list_templates()):
        uri = entry.template.text.partition("{")[0]
        if entry.is_template:
            # Nothing has this id, so whoever may ask is told so: by another reason than the rest.
            uri += "1" if "test://" in uri else "99999999"
        answer = client.modern("resources/read", {"uri": uri})
        if not is_hidden(answer):
            allowed.add(entry.template.text)
    for prompt in prompt_registry.list_prompts():
        if not is_hidden(client.modern("prompts/get", {"name": prompt.name})):
            allowed.add(prompt.name)
    return allowed


def is_hidden(answer: Any) -> bool:
    """Whether the log says that something stood in the way."""
    reasons = {row.reason for row in rows_of(answer["Reference-Id"])}
    hiding = {"tool_not_allowed", "organization_policy", "role_scope", "insufficient_scope"}
    # The same challenge a third time is told in words instead.
    hiding |= {"step_up_repeated"}
    return bool(reasons & hiding)


@pytest.mark.case(295, 308)
@pytest.mark.parametrize("scopes", [("read",), ("draft", "actions"), TIERS])
def test_hidden_equals_refused_for_everything_that_can_be_read(
    world: Any, join: Join, tiered: None, scopes: tuple[str, ...]
) -> None:
    client = McpClient(join(world.alice, world.acme, scopes).access_token)
    seen = set()
    for role, tiers in product(("owner", "viewer"), ("", "read", "read draft")):
        Membership.objects.filter(user=world.alice, organization=world.acme).update(role=role)
        OrganizationPolicy.objects.update_or_create(
            organization=world.acme, defaults={"allowed_scopes": tiers}
        )
        listed = list_all(client)
        assert listed == find_allowed(client), (role, tiers)
        seen.add(frozenset(listed))
    assert len(seen) > 1 or scopes == ("read",)


@pytest.mark.case(295, 308)
def test_what_the_organization_bars_is_not_there(world: Any, mcp: McpClient, tiered: None) -> None:
    barred = {"uri": "test://actions"}
    assert "result" in mcp.modern("resources/read", barred).json()
    OrganizationPolicy.objects.create(organization=world.acme, allowed_scopes="read draft")
    answer = mcp.modern("resources/read", barred)
    absent = mcp.modern("resources/read", {"uri": "test://nowhere"})
    told = [
        reply.json()["error"]["message"].replace(reply["Reference-Id"], "")
        for reply in (answer, absent)
    ]
    assert told[0] == told[1]
    assert [rows_of(reply["Reference-Id"])[0].reason for reply in (answer, absent)] == [
        "organization_policy",
        "unknown_resource",
    ]


@pytest.mark.case(295, 308)
def test_a_token_narrowed_to_tools_finds_every_list_empty(
    world: Any, mint: Callable[..., str], tiered: None
) -> None:
    client = McpClient(mint(world.alice, world.acme, *TIERS))
    assert list_all(client) == find_allowed(client) != set()
    PersonalAccessToken.objects.update(allowed_tools=["whoami"])
    assert list_all(client) == find_allowed(client) == set()


REVIEW = "review_connected_applications"
EVENT, CONNECTION = "docjacket://activity/{event_id}", "docjacket://connection/{connection_id}"
LISTING = "list_connected_applications"


def complete(kind: str, member: str, key: str, argument: str) -> tuple[str, dict[str, Any]]:
    """A question for suggestions."""
    reference = {"type": kind, member: key}
    return "completion/complete", {
        "ref": reference,
        "argument": {"name": argument, "value": ""},
    }


@pytest.mark.case(295)
@pytest.mark.parametrize(
    ("tool", "shown", "method", "params"),
    [
        ("search_activity", EVENT, *complete("ref/resource", "uri", EVENT, "event_id")),
        (LISTING, CONNECTION, *complete("ref/resource", "uri", CONNECTION, "connection_id")),
        (LISTING, "docjacket://connections", "resources/read", {"uri": "docjacket://connections"}),
        (LISTING, REVIEW, "prompts/get", {"name": REVIEW}),
        (LISTING, REVIEW, *complete("ref/prompt", "name", REVIEW, "unused_days")),
    ],
)
@pytest.mark.parametrize("scopes", [TIERS, ("draft",)])
def test_what_tells_the_same_as_a_hidden_tool_is_hidden_with_it(
    world: Any,
    join: Join,
    tool: str,
    shown: str,
    method: str,
    params: dict[str, Any],
    scopes: tuple[str, ...],
) -> None:
    client = McpClient(join(world.alice, world.acme, scopes).access_token)
    policy = OrganizationPolicy.objects.create(organization=world.acme, hidden_tools=["whoami"])
    if scopes == TIERS:
        assert "result" in client.modern(method, params).json()
        assert shown in list_all(client)
    policy.hidden_tools = [tool]
    policy.save()
    answer = client.modern(method, params)
    # With or without its tier: a missing one would say that it is there.
    assert answer.status_code == 200 and answer.json()["error"]["code"] == -32602
    assert rows_of(answer["Reference-Id"])[-1].reason == "organization_policy"
    assert shown not in list_all(client)


def test_the_log_tells_what_was_read_in_peoples_words(
    mcp: McpClient, add_prompt: AddPrompt
) -> None:
    def closed(context: CallContext) -> str:
        """Closed."""
        raise ToolError("Closed.", reason="closed")

    add_prompt(closed)
    told = [
        build_title(rows_of(answer["Reference-Id"])[-1])
        for answer in (
            mcp.modern("resources/read", {"uri": "docjacket://connections"}),
            mcp.modern("resources/read", {"uri": "docjacket://activity/99999999"}),
            mcp.modern("prompts/get", {"name": "review_connected_applications"}),
            mcp.modern("prompts/get", {"name": "closed"}),
            mcp.modern("prompts/get", {"name": "nothing"}),
        )
    ]
    assert told == [
        "Read docjacket://connections",
        "Tried to read a resource",
        "Took the prompt review_connected_applications",
        "Tried to take the prompt closed",
        "A call was refused",
    ]
