"""The test kit itself: it calls for real, and finds tools that are not what they say."""

from collections.abc import Generator
from typing import Annotated, Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection
from django.test import TestCase
from pydantic import BaseModel, Field

from accounts.models import Membership, Organization
from mcp_endpoint.content import Text
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.input_requests import Elicitation
from mcp_endpoint.parameter_headers import MirroredInHeader
from mcp_endpoint.progress import Progress
from mcp_endpoint.registry import registry, tool
from mcp_endpoint.testing import InputAsked, ToolRefused, call_as
from oauth_ext.models import OrganizationPolicy
from tests.conftest import World
from tests.factories import MembershipFactory, OrganizationFactory, UserFactory
from tests.mcp_endpoint.conftest import Register

WRITES = {"scope": "actions", "read_only": False, "destructive": False, "idempotent": True}


class Counted(BaseModel):
    people: int


class Renamed(BaseModel):
    name: str = Field(max_length=8)


def count(context: CallContext, role: str = "member", owner: UUID | None = None) -> Counted:
    """Count people."""
    members = Membership.objects.filter(organization_id=context.principal.organization_id)
    return Counted(people=members.filter(role=role).count())


def rename(context: CallContext, name: str) -> Renamed:
    """Rename the organization."""
    organizations = Organization.objects.filter(id=context.principal.organization_id)
    organizations.update(name=name)
    if name == "Bad":
        raise ToolError("Not this name. Take another.", reason="bad_name")
    if name == "Broken":
        raise RuntimeError("a bug")
    return Renamed.model_construct(name=name)


pytestmark = pytest.mark.django_db


def test_a_call_gives_back_what_the_tool_does_and_leaves_its_row(
    world: World, register: Register
) -> None:
    caller = call_as(world.alice, world.acme)
    name = register(count)
    assert caller.call(name, role="member", owner=world.alice.id) == Counted(people=1)
    assert caller.result["structuredContent"] == {"people": 1}
    (row,) = caller.rows
    assert (row.event, row.outcome, row.tool) == ("mcp.tool.called", "succeeded", name)
    assert (row.user_id, row.organization_id) == (world.alice.id, world.acme.id)
    assert row.details["arguments"] == {"role": "member", "owner": str(world.alice.id)}


def test_what_stands_before_a_tool_stands_before_it_here(world: World, register: Register) -> None:
    name = register(rename, **WRITES)
    with pytest.raises(ToolRefused, match="insufficient_scope") as narrow:
        call_as(world.alice, world.acme, ["read"]).call(name, name="New")
    assert "was not made for Actions" in narrow.value.text
    with pytest.raises(ToolRefused) as unknown:
        call_as(world.alice, world.acme).call("no_such_tool")
    assert unknown.value.reason == "unknown_tool"
    assert unknown.value.text.endswith(" Is its application in HOST_APPS?")
    with pytest.raises(ToolRefused) as wrong:
        call_as(world.alice, world.acme).call(name, title="New")
    assert wrong.value.reason == "invalid_arguments"
    assert "title: there is no such argument" in wrong.value.text
    world.alice.memberships.filter(organization=world.acme).update(role="viewer")
    with pytest.raises(ToolRefused) as viewer:
        call_as(world.alice, world.acme).call(name, name="New")
    assert viewer.value.reason == "role_scope"
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


def test_a_policy_that_hides_a_tool_hides_it_here(world: World, register: Register) -> None:
    name = register(count)
    caller = call_as(world.alice, world.acme)
    assert caller.call(name).people == 1
    OrganizationPolicy.objects.create(organization=world.acme, hidden_tools=[name])
    with pytest.raises(ToolRefused) as hidden:
        caller.call(name)
    assert hidden.value.reason == "organization_policy"
    assert [row.outcome for row in caller.rows] == ["refused"]


def test_a_person_who_left_is_refused_at_the_next_call(world: World, register: Register) -> None:
    name = register(count)
    caller = call_as(world.ben, world.acme)
    caller.call(name)
    world.ben.memberships.all().delete()
    with pytest.raises(ToolRefused):
        caller.call(name)
    with pytest.raises(LookupError, match="is no member of"):
        call_as(world.ben, world.acme)


def test_a_tool_that_refuses_is_rolled_back(world: World, register: Register) -> None:
    name = register(rename, **WRITES)
    caller = call_as(world.alice, world.acme)
    assert caller.call(name, name="New").name == "New"
    with pytest.raises(ToolRefused) as refusal:
        caller.call(name, name="Bad")
    assert (refusal.value.text, refusal.value.reason) == (
        "Not this name. Take another.",
        "bad_name",
    )
    world.acme.refresh_from_db()
    assert world.acme.name == "New"


def test_a_bug_is_raised_as_it_is_after_its_row_was_written(
    world: World, register: Register
) -> None:
    caller = call_as(world.alice, world.acme)
    with pytest.raises(RuntimeError, match="a bug"):
        caller.call(register(rename, **WRITES), name="Broken")
    assert [(row.outcome, row.reason) for row in caller.rows] == [("failed", "RuntimeError")]


def rename_quietly(context: CallContext, name: str) -> Renamed:
    """Rename, and keep silent about what came of it."""
    try:
        return rename(context, name)
    except DatabaseError:
        return Renamed(name=name)


def lock(context: CallContext, name: str) -> Renamed:
    """Lock a row, which makes others wait."""
    list(Organization.objects.select_for_update())
    return Renamed(name=name)


@pytest.mark.parametrize("function", [rename, rename_quietly, lock])
def test_a_tool_that_says_it_only_reads_and_writes_fails_its_test(
    world: World, register: Register, function: Any
) -> None:
    caller = call_as(world.alice, world.acme)
    name = register(function)
    with pytest.raises(AssertionError, match=f"{name} says read_only=True and changes or locks"):
        caller.call(name, name="New")
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


def test_after_a_tool_that_only_reads_the_test_may_write_again(
    world: World, register: Register
) -> None:
    call_as(world.alice, world.acme).call(register(count))
    Organization.objects.filter(id=world.acme.id).update(name="Still writable")


def test_a_result_that_its_schema_does_not_allow_fails_the_test(
    world: World, register: Register
) -> None:
    caller = call_as(world.alice, world.acme)
    name = register(rename, **WRITES)
    with pytest.raises(AssertionError, match=r"does not allow: \$\.name: .* is too long"):
        caller.call(name, name="Much too long")


def promise(context: CallContext) -> Counted:
    """Promise a model and give something else."""
    return {"people": 1}  # type: ignore[return-value]


def test_a_result_of_another_type_fails_the_test_and_is_named(
    world: World, register: Register
) -> None:
    caller = call_as(world.alice, world.acme)
    sentence = "^promise: a tool promised Counted and gave back dict$"
    with pytest.raises(AssertionError, match=sentence):
        caller.call(register(promise))
    assert [(row.outcome, row.reason) for row in caller.rows] == [("failed", "TypeError")]


def test_steps_are_collected_and_the_call_runs_in_the_test_s_own_transaction(
    world: World, register: Register
) -> None:
    def climb(context: CallContext) -> Generator[Progress, None, Text]:
        """Go up."""
        yield Progress(1, 2, "half")
        yield Progress(2, 2)
        return Text(Organization.objects.get(id=context.principal.organization_id).name)

    Organization.objects.filter(id=world.acme.id).update(name="Not committed")
    caller = call_as(world.alice, world.acme)
    name = register(climb, open_world=True)
    assert caller.call(name) == Text("Not committed")
    assert [step.progress for step in caller.progress] == [1, 2]
    assert [row.outcome for row in caller.rows] == ["started", "succeeded"]
    caller.call(name)
    assert len(caller.progress) == 2


def test_resources_and_prompts_are_read_the_same_way(world: World) -> None:
    alice, ben = (call_as(user, world.acme) for user in (world.alice, world.ben))
    alice.call("whoami")
    uri = f"docjacket://activity/{alice.rows[0].id}"
    assert "whoami" in alice.read(uri)["text"]
    assert [row.event for row in alice.rows] == ["mcp.resource.read"]
    with pytest.raises(ToolRefused, match="There is no resource of this URI"):
        ben.read(uri)
    assert [row.outcome for row in ben.rows] == ["refused"]
    messages = alice.prompt("review_connected_applications", unused_days="14")
    assert messages[0]["role"] == "user" and "14 days" in messages[0]["content"]["text"]
    with pytest.raises(ToolRefused, match="invalid_arguments"):
        alice.prompt("review_connected_applications", unused_days="never")


class Sure(BaseModel):
    yes: bool


def test_questions_on_the_way_are_answered_or_raised(world: World, register: Register) -> None:
    def part(context: CallContext, name: str) -> Text:
        """Ask twice."""
        first = context.ask("sure", Elicitation(f"Part with {name}?", schema=Sure))
        again = context.ask("really", Elicitation("Really?", schema=Sure))
        return Text(f"{first.action} {again.action}")

    tool_name = register(part)
    caller = call_as(world.alice, world.acme)
    with pytest.raises(InputAsked) as asked:
        caller.call(tool_name, name="Ben")
    assert asked.value.requests["sure"]["params"]["message"] == "Part with Ben?"
    caller.answers["sure"] = {"action": "accept", "content": {"yes": True}}
    with pytest.raises(InputAsked, match="really"):
        caller.call(tool_name, name="Ben")
    caller.answers["really"] = {"action": "decline"}
    assert caller.call(tool_name, name="Ben") == Text("accept decline")


def test_arguments_with_a_header_get_it(world: World, register: Register) -> None:
    def greet(context: CallContext, name: Annotated[str, MirroredInHeader("Name")] = "") -> Text:
        """Greet."""
        return Text(name)

    caller = call_as(world.alice, world.acme)
    tool_name = register(greet)
    assert caller.call(tool_name, name="Grüße ") == Text("Grüße ")
    assert caller.call(tool_name) == Text("")


@pytest.mark.django_db(transaction=True)
def test_the_kit_works_without_a_transaction_around_the_test(
    world: World, register: Register
) -> None:
    caller = call_as(world.alice, world.acme)
    assert caller.call(register(count)).people == 1
    assert caller.call(register(rename, **WRITES), name="New").name == "New"
    with pytest.raises(AssertionError, match="says read_only=True"):
        caller.call(register(lock), name="New")
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("off",)


class PlainDjangoTests(TestCase):
    """The same for people who do not use pytest."""

    def setUp(self) -> None:
        self.organization = OrganizationFactory(name="Acme", slug="acme")
        self.user = UserFactory(email="alice@acme.example")
        MembershipFactory(user=self.user, organization=self.organization, role="member")
        tool(scope="read", title="Count", read_only=True, open_world=False)(count)
        self.addCleanup(registry.remove, "count")

    def test_two_lines(self) -> None:
        caller = call_as(self.user, self.organization)
        self.assertEqual(caller.call("count", role="member").people, 1)  # noqa: PT009
