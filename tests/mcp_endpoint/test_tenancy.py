"""Tenancy: every tool, both organizations, every role, both kinds of credential.

The matrix is made from the tool registry and each tool's own input schema, so a tool that is added
tomorrow is held to it without anybody writing a test. What it looks for is everything that only
the other organization has.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Membership, Role
from activity.models import ActivityEvent
from mcp_endpoint.definitions import Tool
from mcp_endpoint.prompts import Prompt, prompt_registry
from mcp_endpoint.registry import registry
from mcp_endpoint.resource_definitions import Resource
from mcp_endpoint.resources import resource_registry
from oauth_ext.models import Connection, PersonalAccessToken
from tests.mcp_client import MODERN_META, McpClient
from tests.mcp_endpoint.conftest import (
    ALL_SCOPES,
    AddTool,
    Join,
    ProbeArguments,
    ProbeResult,
    rows_of,
)

pytestmark = pytest.mark.django_db

ORGANIZATIONS = ("acme", "borealis")
REFERENCE = re.compile(r"[0-9A-Z]{13}")
CREDENTIALS = ("access token", "personal token")


@dataclass(frozen=True, slots=True)
class Side:
    """What exists in one organization and must be seen in no other."""

    organization: Any
    connection_ids: tuple[str, ...]
    event_ids: tuple[int, ...]
    marks: frozenset[str]


@pytest.fixture
def sides(world: Any, join: Join, mint: Callable[..., str]) -> dict[str, Side]:
    """In each organization: Alice and somebody, each connected, with a personal token and calls."""
    made = {
        name: settle(getattr(world, name), people, join, mint)
        for name, people in (
            ("acme", (world.alice, world.ben)),
            ("borealis", (world.alice, world.cleo)),
        )
    }
    # The fixtures' own steps have one reference in common.
    shared = frozenset.intersection(*(side.marks for side in made.values()))
    return {name: replace(side, marks=side.marks - shared) for name, side in made.items()}


def settle(organization: Any, people: Iterable[Any], join: Join, mint: Callable[..., str]) -> Side:
    """Make the organization's data, and list all that gives it away."""
    marks = {str(organization.id), organization.name}
    connections = []
    for person in people:
        connected = join(person, organization)
        connections.append(str(connected.connection.id))
        marks |= {str(connected.family.id), connected.client.client_id}
        for token in (connected.access_token, mint(person, organization, *ALL_SCOPES)):
            assert McpClient(token).call("whoami").status_code == 200
        if person.memberships.count() == 1:
            marks |= {person.email, str(person.id), person.name}
    tokens = PersonalAccessToken.objects.filter(organization=organization)
    marks |= {str(token.id) for token in tokens}
    rows = ActivityEvent.objects.of_organization(organization.id)
    marks |= {row.reference for row in rows}
    ids = tuple(row.id for row in rows)
    return Side(organization, tuple(connections), ids, frozenset(marks | set(connections)))


def list_arguments(tool: Tool, foreign: Side) -> Iterator[dict[str, Any]]:
    """Calls that ask for the other organization's data in every parameter the tool has."""
    yield {}
    properties = tool.definition["inputSchema"].get("properties", {})
    wide = {name: True for name, schema in properties.items() if schema.get("type") == "boolean"}
    yield wide
    references = sorted(mark for mark in foreign.marks if REFERENCE.fullmatch(mark))
    texts = [str(foreign.organization.id), foreign.connection_ids[0], references[0]]
    for name, schema in properties.items():
        for value in [*texts, foreign.event_ids[0] + 1, max(foreign.event_ids) + 1]:
            if fits(value, schema):
                yield wide | {name: value}
    yield {"organization": str(foreign.organization.id)}
    yield {"organization_id": str(foreign.organization.id)}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a parameter takes values of this type at all."""
    types = {entry.get("type") for entry in [schema, *schema.get("anyOf", [])]}
    return ("integer" if isinstance(value, int) else "string") in types


def find_leaks(answer: Any, asked: Any, foreign: Side) -> list[str]:
    """What the answer gives away of the other side beyond what the question said itself."""
    text = answer.content.decode() + str(answer.headers)
    return sorted(mark for mark in foreign.marks if mark in text and mark not in json.dumps(asked))


def build_caller(
    credential: str, person: Any, organization: Any, join: Join, mint: Callable[..., str]
) -> McpClient:
    """The person, connected to the organization with every scope."""
    if credential == "personal token":
        return McpClient(mint(person, organization, *ALL_SCOPES))
    return McpClient(join(person, organization).access_token)


@pytest.mark.case(312, 313, 314, 315)
@pytest.mark.parametrize("own", ORGANIZATIONS)
@pytest.mark.parametrize("tool", registry.list_tools(), ids=lambda tool: tool.name)
def test_no_tool_shows_or_touches_anything_of_another_organization(
    world: Any,
    join: Join,
    mint: Callable[..., str],
    sides: dict[str, Side],
    tool: Tool,
    own: str,
) -> None:
    (other,) = set(ORGANIZATIONS) - {own}
    organization, foreign = sides[own].organization, sides[other]
    before = list(Connection.objects.filter(organization=foreign.organization).values())
    membership = Membership.objects.filter(user=world.alice, organization=organization)
    membership.update(role="owner")
    callers = {
        credential: build_caller(credential, world.alice, organization, join, mint)
        for credential in CREDENTIALS
    }
    # Alice belongs to both: not even her own data of the other one may be seen here.
    for role, credential in product(Role.values, CREDENTIALS):
        membership.update(role=role)
        for arguments in list_arguments(tool, foreign):
            case = (role, credential, arguments)
            answer = callers[credential].call(tool.name, arguments)
            # A role may be too small for a tool; nothing else is a reason to refuse here.
            assert answer.status_code == 200 or (answer.status_code, role) == (403, "viewer"), case
            assert b"Something went wrong" not in answer.content, case
            assert find_leaks(answer, arguments, foreign) == [], case
            rows = rows_of(answer["Reference-Id"])
            assert {row.organization_id for row in rows} == {organization.id}, case
    assert list(Connection.objects.filter(organization=foreign.organization).values()) == before


@pytest.mark.case(312)
@pytest.mark.parametrize("own", ORGANIZATIONS)
@pytest.mark.parametrize("tool", registry.list_tools(), ids=lambda tool: tool.name)
def test_an_id_of_another_organization_is_answered_as_one_that_does_not_exist(
    world: Any, join: Join, sides: dict[str, Side], tool: Tool, own: str
) -> None:
    (other,) = set(ORGANIZATIONS) - {own}
    organization = sides[own].organization
    Membership.objects.filter(user=world.alice, organization=organization).update(role="owner")
    caller = McpClient(join(world.alice, organization).access_token)

    def ask(name: str, value: str) -> tuple[int, str]:
        answer = caller.call(tool.name, {name: value})
        text = answer.content.decode().replace(answer["Reference-Id"], "").replace(value, "")
        return answer.status_code, text

    for name, schema in tool.definition["inputSchema"].get("properties", {}).items():
        if "uuid" in json.dumps(schema):
            for connection_id in sides[other].connection_ids:
                assert ask(name, connection_id) == ask(name, str(uuid4())), name


@pytest.mark.case(314)
def test_the_matrix_notices_a_tool_that_forgets_its_organization(
    world: Any, join: Join, sides: dict[str, Side], add_tool: AddTool
) -> None:
    def forget(context: Any, arguments: ProbeArguments) -> ProbeResult:
        return ProbeResult(text=str(list(Connection.objects.values_list("id", flat=True))))

    def remember(context: Any, arguments: ProbeArguments) -> ProbeResult:
        own = Connection.objects.filter(organization_id=context.principal.organization_id)
        return ProbeResult(text=str(list(own.values_list("id", flat=True))))

    caller = McpClient(join(world.alice, world.acme).access_token)
    for behaviour, leaks in ((forget, True), (remember, False)):
        answer = caller.call(add_tool(behaviour))
        assert answer.status_code == 200
        assert bool(find_leaks(answer, {}, sides["borealis"])) is leaks
        assert find_leaks(answer, {}, sides["acme"]), "it shows nothing, so it proves nothing"


@pytest.mark.case(313)
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_call_cannot_name_another_organization_than_its_credential(
    world: Any, join: Join, mint: Callable[..., str], credential: str
) -> None:
    caller = build_caller(credential, world.alice, world.acme, join, mint)
    named = str(world.borealis.id)
    params: dict[str, Any] = {"name": "whoami", "arguments": {}}
    told = [
        caller.modern("tools/call", params, meta=dict(MODERN_META) | {"organization_id": named}),
        caller.modern("tools/call", params | {"organization_id": named}),
        *(
            caller.modern("tools/call", params, headers={name: named})
            for name in ("X-Organization", "X-Organization-Id", "X-Tenant", "Organization")
        ),
    ]
    for answer in told:
        assert answer.status_code == 200
        content = answer.json()["result"]["structuredContent"]
        assert content["organization_id"] == str(world.acme.id)
        (row,) = (row for row in rows_of(answer["Reference-Id"]) if row.tool)
        assert row.organization_id == world.acme.id
    for name in ("organization", "organization_id", "org_id"):
        assert "not valid" in caller.fail("whoami", {name: named})
    caller.path = f"/mcp?organization={named}"
    assert caller.use("whoami")["organization_id"] == str(world.acme.id)


@pytest.mark.case(316)
@pytest.mark.parametrize("tool", registry.list_tools(), ids=lambda tool: tool.name)
def test_two_organizations_that_take_turns_share_no_answer(
    world: Any, join: Join, sides: dict[str, Side], tool: Tool
) -> None:
    callers = {
        "acme": McpClient(join(world.ben, world.acme).access_token),
        "borealis": McpClient(join(world.cleo, world.borealis).access_token),
    }
    for _ in range(3):
        for name, caller in callers.items():
            (other,) = set(ORGANIZATIONS) - {name}
            # The very same request, down to its id, so that any shared cache would be hit.
            answer = caller.modern("tools/call", {"name": tool.name, "arguments": {}})
            assert find_leaks(answer, {}, sides[other]) == []
            assert "no-store" in answer["Cache-Control"]
    lists = [caller.modern("tools/list") for caller in callers.values()]
    assert {answer.json()["result"]["cacheScope"] for answer in lists} == {"private"}


@pytest.mark.case(315)
def test_pages_counts_and_filters_of_a_search_stay_in_the_organization(
    world: Any, join: Join, sides: dict[str, Side]
) -> None:
    caller = McpClient(join(world.alice, world.acme).access_token)
    foreign = sides["borealis"]
    seen: list[dict[str, Any]] = []
    before: int | None = max((*foreign.event_ids, *sides["acme"].event_ids)) + 1000
    while before is not None:
        page = caller.use(
            "search_activity", {"limit": 3, "before": before, "whole_organization": True}
        )
        seen += page["entries"]
        before = page["next_before"]
    assert not {entry["id"] for entry in seen} & set(foreign.event_ids)
    assert set(sides["acme"].event_ids) <= {entry["id"] for entry in seen}
    # A page that starts at a foreign row goes on with own ones, and does not say that it is there.
    for event_id in (*foreign.event_ids[:3], *foreign.event_ids[-3:]):
        arguments = {"limit": 100, "before": event_id, "whole_organization": True}
        entries = caller.use("search_activity", arguments)["entries"]
        expected = [entry["id"] for entry in seen if entry["id"] < event_id]
        assert [entry["id"] for entry in entries] == expected
    references = [mark for mark in foreign.marks if REFERENCE.fullmatch(mark)]
    assert references
    for reference in references:
        arguments = {"reference": reference, "whole_organization": True}
        found = caller.use("search_activity", arguments)
        assert (found["entries"], found["next_before"]) == ([], None)


def list_readings(foreign: Side) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that can be listed, read, taken or completed, asked for the other side's data."""
    ids = [*foreign.connection_ids, *map(str, foreign.event_ids), str(foreign.organization.id)]
    for method in ("resources/list", "resources/templates/list", "prompts/list", "tools/list"):
        yield method, {}
    for entry in resource_registry.list_direct():
        yield "resources/read", {"uri": entry.template.text}
    wanted: list[tuple[dict[str, str], Resource | Prompt]] = []
    for template in resource_registry.list_templates():
        wanted.append(({"type": "ref/resource", "uri": template.template.text}, template))
        for value in ids:
            uri = template.template.expand(dict.fromkeys(template.template.variables, value))
            yield "resources/read", {"uri": uri}
    for prompt in prompt_registry.list_prompts():
        wanted.append(({"type": "ref/prompt", "name": prompt.name}, prompt))
        yield "prompts/get", {"name": prompt.name}
        for name, value in product(prompt.parameters.names, ids):
            yield "prompts/get", {"name": prompt.name, "arguments": {name: value}}
    for reference, entry in wanted:
        for name, typed in product(entry.parameters.names, ("", *(value[:3] for value in ids))):
            argument = {"name": name, "value": typed}
            yield "completion/complete", {"ref": reference, "argument": argument}


@pytest.mark.case(312, 313, 314, 315)
@pytest.mark.parametrize("role", ["owner", "member", "viewer"])
@pytest.mark.parametrize("own", ORGANIZATIONS)
def test_nothing_that_is_read_shows_anything_of_another_organization(
    world: Any,
    join: Join,
    mint: Callable[..., str],
    sides: dict[str, Side],
    own: str,
    role: str,
) -> None:
    (other,) = set(ORGANIZATIONS) - {own}
    organization, foreign = sides[own].organization, sides[other]
    membership = Membership.objects.filter(user=world.alice, organization=organization)
    callers = [
        build_caller(credential, world.alice, organization, join, mint)
        for credential in CREDENTIALS
    ]
    membership.update(role=role)
    shown = 0
    for caller, (method, params) in product(callers, list_readings(foreign)):
        answer = caller.modern(method, params)
        assert answer.status_code == 200, (method, params)
        assert answer.json().get("error", {}).get("code") in (None, -32602), (method, params)
        assert find_leaks(answer, params, foreign) == [], (method, params)
        # Numbers of events are short, so they are looked for only where they would be told.
        if params.get("ref", {}).get("type") == "ref/resource":
            told = answer.json()["result"]["completion"]["values"]
            assert not set(told) & set(map(str, foreign.event_ids)), (method, params)
        shown += bool(find_leaks(answer, params, sides[own]))
    assert shown, "nothing is shown at all, so this proves nothing"
