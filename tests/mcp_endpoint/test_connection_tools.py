"""Pausing, resuming, labelling and listing connections by tool."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from oauth_ext.models import Connection
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import Join, rows_of

pytestmark = pytest.mark.django_db

CHANGES = {
    "pause_application": {},
    "resume_application": {},
    "rename_application": {"label": "Laptop"},
}


def caller(join: Join, user: Any, organization: Any) -> tuple[McpClient, Any]:
    """Somebody connected with every scope, and the connection."""
    connected = join(user, organization)
    return McpClient(connected.access_token), connected


def name(connected: Any) -> dict[str, str]:
    """The connection, as an argument."""
    return {"connection_id": str(connected.connection.id)}


def states() -> list[dict[str, Any]]:
    """What the tools here may change, of every connection."""
    return list(Connection.objects.order_by("id").values("id", "paused_at", "label", "revoked_at"))


# --- pause and resume -----------------------------------------------------------------------------


@pytest.mark.case(262)
def test_a_paused_application_is_refused_at_its_next_call_and_goes_on_when_resumed(
    world: Any, join: Join
) -> None:
    mcp, _ = caller(join, world.alice, world.acme)
    other, target = caller(join, world.alice, world.acme)
    third, _ = caller(join, world.alice, world.acme)
    assert other.call("whoami").status_code == 200
    answer = mcp.call("pause_application", name(target))
    told = answer.json()["result"]["structuredContent"]
    assert (told["state"], told["changed"]) == ("paused", True)
    assert "call resume_application" in told["message"]
    rows = rows_of(answer["Reference-Id"])
    assert [row.event for row in rows] == ["oauth.connection.paused", "mcp.tool.called"]
    assert rows[0].details == {"by_user": str(world.alice.id)}
    refused = other.call("whoami")
    assert (refused.status_code, refused.json()["error"]["data"]["error"]) == (403, "paused")
    assert "resume_application" in refused.json()["error"]["message"]
    assert third.call("whoami").status_code == 200
    answer = mcp.call("resume_application", name(target))
    assert answer.json()["result"]["structuredContent"]["state"] == "active"
    rows = rows_of(answer["Reference-Id"])
    assert [row.event for row in rows] == ["oauth.connection.resumed", "mcp.tool.called"]
    assert other.call("whoami").status_code == 200


def test_doing_it_twice_changes_and_records_one_thing_once(world: Any, join: Join) -> None:
    mcp, _ = caller(join, world.alice, world.acme)
    _, target = caller(join, world.alice, world.acme)
    for tool, arguments in CHANGES.items():
        first = mcp.use(tool, name(target) | arguments)
        before = states()
        answer = mcp.call(tool, name(target) | arguments)
        again = answer.json()["result"]["structuredContent"]
        assert (first["changed"], again["changed"]) == (True, False)
        assert states() == before
        assert [row.event for row in rows_of(answer["Reference-Id"])] == ["mcp.tool.called"]


@pytest.mark.case(262)
def test_pausing_oneself_warns_that_nothing_resumes_itself(world: Any, join: Join) -> None:
    mcp, own = caller(join, world.alice, world.acme)
    other, _ = caller(join, world.alice, world.acme)
    told = mcp.use("pause_application", name(own))
    assert "the connection that made this call" in told["message"]
    assert "cannot resume itself" in told["message"]
    refused = mcp.call("resume_application", name(own))
    assert refused.status_code == 403
    assert "It cannot resume itself" in refused.json()["error"]["message"]
    assert Connection.objects.get(id=own.connection.id).paused_at is not None
    other.use("resume_application", name(own))
    assert mcp.call("whoami").status_code == 200


def test_administrators_pause_and_resume_what_others_connected(world: Any, join: Join) -> None:
    alice, _ = caller(join, world.alice, world.acme)
    ben, bens = caller(join, world.ben, world.acme)
    assert world.ben.email in alice.use("pause_application", name(bens))["message"]
    assert ben.call("whoami").status_code == 403
    assert world.ben.email in alice.use("resume_application", name(bens))["message"]
    assert ben.call("whoami").status_code == 200


@pytest.mark.case(312)
@pytest.mark.parametrize("tool", CHANGES)
def test_what_a_person_may_not_change_answers_as_what_does_not_exist(
    world: Any, join: Join, tool: str
) -> None:
    ben, bens = caller(join, world.ben, world.acme)
    alice, alices = caller(join, world.alice, world.acme)
    _, in_borealis = caller(join, world.cleo, world.borealis)
    _, ended = caller(join, world.alice, world.acme)
    Connection.objects.filter(id=ended.connection.id).update(revoked_at=timezone.now())
    Connection.objects.exclude(id__in=(bens.connection.id, alices.connection.id)).update(
        paused_at=timezone.now()
    )
    arguments = CHANGES[tool]
    nonexistent = ben.fail(tool, {"connection_id": str(uuid4())} | arguments)
    assert nonexistent.startswith("There is no such connection.")
    before = states()
    for who, target in ((ben, alices), (ben, in_borealis), (alice, in_borealis), (alice, ended)):
        answer = who.call(tool, name(target) | arguments)
        assert answer.json()["result"]["content"][0]["text"] == (
            f"{nonexistent} Reference: {answer['Reference-Id']}"
        )
        (row,) = rows_of(answer["Reference-Id"])
        assert (row.outcome, row.reason) == ("refused", "no_such_connection")
    assert states() == before
    assert who.call(tool, name(bens) | arguments).json()["result"]["isError"] is False


@pytest.mark.case(238)
def test_pausing_needs_actions_and_labelling_needs_draft(world: Any, join: Join) -> None:
    held = join(world.alice, world.acme, ("read", "draft"))
    mcp = McpClient(held.access_token)
    assert mcp.call("rename_application", name(held) | {"label": "x"}).status_code == 200
    for tool in ("pause_application", "resume_application"):
        answer = mcp.call(tool, name(held))
        assert answer.status_code == 403
        assert answer.json()["error"]["data"]["scope"] == "actions"
    reader = McpClient(join(world.alice, world.acme, ("read",)).access_token)
    assert reader.call("rename_application", name(held) | {"label": "y"}).status_code == 403
    assert Connection.objects.get(id=held.connection.id).label == "x"


# --- labels ---------------------------------------------------------------------------------------


def test_a_label_is_trimmed_kept_and_taken_away(world: Any, join: Join) -> None:
    mcp, own = caller(join, world.alice, world.acme)
    answer = mcp.call("rename_application", name(own) | {"label": "  Büro 👩‍💻  "})
    told = answer.json()["result"]["structuredContent"]
    assert (told["label"], told["changed"]) == ("Büro 👩💻", True)
    row = rows_of(answer["Reference-Id"])[0]
    assert (row.event, row.details["label"]) == ("oauth.connection.renamed", "Büro 👩💻")
    (listed,) = mcp.use("list_connected_applications")["applications"]
    assert (listed["label"], listed["client"]) == ("Büro 👩💻", own.client.name)
    assert mcp.use("rename_application", name(own) | {"label": " "})["label"] == ""
    assert Connection.objects.get(id=own.connection.id).label == ""


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("x" * 101, "at most 100 characters"),
        ("x" * 401, "at most 400 characters"),
        ("a\nb", "one line"),
        ("a\x07b", "one line"),
        ("a\u2028b", "one line"),
        (7, "string"),
    ],
)
def test_what_is_no_label_is_told_and_changes_nothing(
    world: Any, join: Join, label: Any, problem: str
) -> None:
    mcp, own = caller(join, world.alice, world.acme)
    assert mcp.use("rename_application", name(own) | {"label": "x" * 100})["changed"]
    before = states()
    assert problem in mcp.fail("rename_application", name(own) | {"label": label})
    assert states() == before


# --- lists ----------------------------------------------------------------------------------------


def test_filters_and_pages_of_the_list(world: Any, join: Join) -> None:
    mcp, own = caller(join, world.alice, world.acme)
    made = [own, *(join(world.alice, world.acme) for _ in range(4))]
    ids = [str(each.connection.id) for each in made]
    now = timezone.now()

    def change(index: int, **values: Any) -> None:
        Connection.objects.filter(id=ids[index]).update(**values)

    change(1, paused_at=now)
    change(2, last_used_at=now - timedelta(days=40))
    change(3, created_at=now - timedelta(days=40))

    def ask(**arguments: Any) -> list[str]:
        found = mcp.use("list_connected_applications", arguments)
        assert found["total"] >= len(found["applications"])
        return sorted(ids.index(each["connection_id"]) for each in found["applications"])

    assert ask() == [0, 1, 2, 3, 4]
    assert ask(state="paused") == [1]
    assert ask(state="active") == [0, 2, 3, 4]
    assert ask(unused_for_days=30) == [2, 3]
    assert ask(unused_for_days=60) == []
    assert ask(unused_for_days=30, state="paused") == []
    seen, page = [], 1
    while page is not None:
        answer = mcp.use("list_connected_applications", {"limit": 2, "page": page})
        assert answer["total"] == 5
        seen += [each["connection_id"] for each in answer["applications"]]
        page = answer["next_page"]
    assert sorted(seen) == sorted(ids)
    for wrong in ({"limit": 0}, {"limit": 101}, {"page": 0}, {"state": "revoked"}):
        assert "not valid" in mcp.fail("list_connected_applications", wrong)


def test_the_list_costs_the_same_however_much_is_connected(
    world: Any, join: Join, django_assert_max_num_queries: Any
) -> None:
    mcp, _ = caller(join, world.alice, world.acme)
    for _ in range(3):
        join(world.ben, world.acme)
    mcp.use("whoami")
    # Verify, count, the page, the row.
    with django_assert_max_num_queries(4):
        mcp.use("list_connected_applications", {"whole_organization": True})


def test_the_list_tells_what_to_beware_of(world: Any, join: Join) -> None:
    mcp, own = caller(join, world.alice, world.acme)
    listed = mcp.use("list_connected_applications")["applications"][0]
    assert (listed["identity"], listed["looks_like"]) == ("unverified", "")
    assert (listed["needs_consent_again"], listed["is_switched_off"]) == (False, False)
    own.client.name, own.client.revision = "CIaude", 1
    own.client.save()
    listed = mcp.use("list_connected_applications")["applications"][0]
    assert (listed["looks_like"], listed["needs_consent_again"]) == ("Claude", True)
