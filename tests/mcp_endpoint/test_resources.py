"""Resources over HTTP: lists, templates, reading, and what a caller must not get."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from mcp_types import methods
from pydantic import BaseModel

from activity.models import ActivityEvent
from mcp_endpoint import readings, resource_methods
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ResourceNotFoundError, ToolError
from mcp_endpoint.resource_definitions import ListedResource
from oauth_ext.models import Connection, PersonalAccessToken
from tests.mcp_client import LATEST_LEGACY, MODERN, McpClient
from tests.mcp_endpoint.conftest import AddResource, Join, rows_of

pytestmark = pytest.mark.django_db

REVISIONS = ["2025-03-26", "2025-06-18", LATEST_LEGACY, MODERN]
CONNECTIONS = "docjacket://connections"


def ask(client: McpClient, version: str, method: str, params: Any = None) -> Any:
    """The answer in this revision."""
    if version == MODERN:
        return client.modern(method, params)
    return client.legacy(method, params, version=version)


def read(client: McpClient, uri: Any) -> Any:
    """The document in a JSON resource."""
    answer = client.modern("resources/read", {"uri": uri})
    (contents,) = answer.json()["result"]["contents"]
    assert (contents["uri"], contents["mimeType"]) == (uri, "application/json")
    return json.loads(contents["text"])


def see_absence(client: McpClient, uri: str, version: str = MODERN) -> tuple[str, str]:
    """The words of a refusal as not there, and its reason in the log."""
    answer = ask(client, version, "resources/read", {"uri": uri})
    error = answer.json()["error"]
    assert answer.status_code == 200
    assert error["code"] == (-32602 if version == MODERN else -32002)
    (row,) = [row for row in rows_of(answer["Reference-Id"]) if row.outcome == "refused"]
    assert row.event in ("mcp.request.refused", "mcp.resource.read")
    reference = answer["Reference-Id"]
    return json.dumps(error).replace(reference, "").replace(json.dumps(uri)[1:-1], ""), row.reason


@pytest.mark.parametrize("version", REVISIONS)
def test_every_answer_conforms_to_the_schema_of_its_revision(
    mcp: McpClient, alice_acme: Any, version: str
) -> None:
    own = f"docjacket://connection/{alice_acme.connection.id}"
    for method, params in (
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/read", {"uri": CONNECTIONS}),
        ("resources/read", {"uri": own}),
    ):
        result = ask(mcp, version, method, params).json()["result"]
        methods.validate_server_result(method, version, result)
        if version == MODERN:
            assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
            assert 0 <= result["ttlMs"] <= 60_000
        else:
            assert not {"resultType", "ttlMs", "cacheScope", "_meta"} & set(result)


def test_lists_show_the_built_in_resources(mcp: McpClient, alice_acme: Any) -> None:
    listed = mcp.modern("resources/list").json()["result"]["resources"]
    assert [entry["uri"] for entry in listed] == [
        CONNECTIONS,
        f"docjacket://connection/{alice_acme.connection.id}",
    ]
    templates = mcp.modern("resources/templates/list").json()["result"]["resourceTemplates"]
    assert [entry["uriTemplate"] for entry in templates] == [
        "docjacket://activity/{event_id}",
        "docjacket://connection/{connection_id}",
    ]
    for entry in listed + templates:
        assert entry["name"] and entry["title"] and len(entry["description"]) > 20
    assert all("result" in mcp.modern("resources/read", {"uri": e["uri"]}).json() for e in listed)


def test_a_connection_reads_as_its_list_shows_it(mcp: McpClient, alice_acme: Any) -> None:
    (listed,) = read(mcp, CONNECTIONS)["connections"]
    document = read(mcp, listed["uri"])
    assert {**document, "last_used_at": None} == {**listed, "last_used_at": None}
    assert document["connection_id"] == str(alice_acme.connection.id)
    assert document["is_this_connection"] is True
    assert (document["organization"], document["state"]) == ("Acme", "active")


@pytest.mark.parametrize("post", ["modern", "legacy"])
def test_a_reading_is_recorded_with_its_uri_and_a_list_is_not(
    mcp: McpClient, post: str, log: Callable[[], Any]
) -> None:
    mcp.modern("tools/list")
    before = log().count()
    for method in ("resources/list", "resources/templates/list", "prompts/list"):
        getattr(mcp, post)(method)
    assert log().count() == before
    answer = getattr(mcp, post)("resources/read", {"uri": CONNECTIONS})
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.event, row.outcome, row.reason) == ("mcp.resource.read", "succeeded", "")
    assert row.details == {"uri": CONNECTIONS}
    assert row.latency_ms is not None and row.http_status == 200
    assert log().count() == before + 1


def test_an_event_reads_in_peoples_words(mcp: McpClient) -> None:
    called = mcp.call("whoami")
    (row,) = rows_of(called["Reference-Id"])
    document = read(mcp, f"docjacket://activity/{row.id}")
    assert document["what"] == "Called whoami"
    assert document["reference"] == called["Reference-Id"]
    assert "docjacket://connection/" in document["connection"]
    assert read(mcp, document["connection"])["user_email"] == document["user_email"]


@pytest.mark.case(312, 308)
@pytest.mark.parametrize("role", ["owner", "admin", "member", "viewer"])
@pytest.mark.parametrize("version", [LATEST_LEGACY, MODERN])
def test_what_is_somebody_elses_is_answered_as_what_does_not_exist(
    world: Any, join: Join, role: str, version: str
) -> None:
    foreign = join(world.cleo, world.borealis)
    reference = McpClient(foreign.access_token).call("whoami")["Reference-Id"]
    (foreign_row,) = rows_of(reference)
    world.alice.memberships.filter(organization=world.acme).update(role=role)
    client = McpClient(join(world.alice, world.acme).access_token)
    before = list(Connection.objects.order_by("id").values())
    absent_event = ActivityEvent.objects.order_by("-id").values_list("id", flat=True)[0] + 10**6
    seen = {
        see_absence(client, uri, version)
        for uri in (
            f"docjacket://connection/{foreign.connection.id}",
            f"docjacket://connection/{uuid4()}",
            f"docjacket://activity/{foreign_row.id}",
            f"docjacket://activity/{absent_event}",
            "docjacket://connection/nonsense",
            "docjacket://nowhere",
        )
    }
    assert len(seen) == 1
    assert next(iter(seen))[1] == "unknown_resource"
    assert [row["id"] for row in before] == list(
        Connection.objects.order_by("id").values_list("id", flat=True)
    )


@pytest.mark.parametrize(("role", "can_see"), [("owner", True), ("admin", True), ("member", False)])
def test_administrators_read_the_organizations_and_others_their_own(
    world: Any, join: Join, role: str, can_see: bool
) -> None:
    ben = join(world.ben, world.acme)
    (row,) = rows_of(McpClient(ben.access_token).call("whoami")["Reference-Id"])
    world.alice.memberships.filter(organization=world.acme).update(role=role)
    client = McpClient(join(world.alice, world.acme).access_token)
    for uri in (f"docjacket://connection/{ben.connection.id}", f"docjacket://activity/{row.id}"):
        if can_see:
            assert read(client, uri)["user_email"] == world.ben.email
        else:
            assert see_absence(client, uri)[1] == "unknown_resource"
    # The list of one's own resources stays one's own.
    listed = client.modern("resources/list").json()["result"]["resources"]
    assert str(ben.connection.id) not in json.dumps(listed)


@pytest.mark.case(316)
def test_two_organizations_see_no_resource_of_each_other(world: Any, join: Join) -> None:
    both = {
        name: join(world.alice, organization)
        for name, organization in (("acme", world.acme), ("borealis", world.borealis))
    }
    for name, other in (("acme", "borealis"), ("borealis", "acme")):
        client = McpClient(both[name].access_token)
        text = (
            client.modern("resources/list").content
            + client.modern("resources/read", {"uri": CONNECTIONS}).content
        )
        assert str(both[name].connection.id).encode() in text
        assert str(both[other].connection.id).encode() not in text
        see_absence(client, f"docjacket://connection/{both[other].connection.id}")


def test_a_revoked_connection_is_not_there(mcp: McpClient, world: Any, join: Join) -> None:
    other = join(world.alice, world.acme)
    uri = f"docjacket://connection/{other.connection.id}"
    assert read(mcp, uri)["is_this_connection"] is False
    mcp.use("disconnect_application", {"connection_id": str(other.connection.id)})
    see_absence(mcp, uri)


@pytest.mark.case(294)
def test_pages_of_resources_go_on_behind_the_last_one(
    mcp: McpClient, world: Any, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        join(world.alice, world.acme)
    whole = [entry["uri"] for entry in mcp.modern("resources/list").json()["result"]["resources"]]
    assert len(whole) == 6
    monkeypatch.setattr(resource_methods, "PAGE_SIZE", 2)
    seen: list[str] = []
    params: dict[str, Any] = {}
    for _ in range(3):
        result = mcp.modern("resources/list", params).json()["result"]
        assert result["cacheScope"] == "private"
        seen += [entry["uri"] for entry in result["resources"]]
        params = {"cursor": result.get("nextCursor")}
        if len(seen) == 2:
            # The last one shown ends before the next page is asked for.
            mcp.use("disconnect_application", {"connection_id": whole[1].rpartition("/")[2]})
            cursor = result["nextCursor"]
    assert seen == whole
    assert params == {"cursor": None}
    stranger = McpClient(join(world.ben, world.acme).access_token)
    for client, method in ((stranger, "resources/list"), (mcp, "resources/templates/list")):
        answer = client.modern(method, {"cursor": cursor})
        assert answer.json()["error"]["code"] == -32602
        assert rows_of(answer["Reference-Id"])[-1].reason == "state_tampered"


def test_texts_bytes_and_models_are_sent_as_what_they_are(
    mcp: McpClient, add_resource: AddResource
) -> None:
    class Numbers(BaseModel):
        one: int = 1

    def text(context: CallContext) -> str:
        """A text."""
        return "Grüße, 𝔘"

    def picture(context: CallContext) -> bytes:
        """A picture."""
        return b"\x89PNG\x00"

    def numbers(context: CallContext) -> Numbers:
        """Some numbers."""
        return Numbers()

    add_resource(text, uri="test://static-text")
    add_resource(picture, uri="test://static-binary", mime_type="image/png")
    add_resource(numbers, uri="test://numbers")
    for version in REVISIONS:
        found = {}
        for name in ("static-text", "static-binary", "numbers"):
            result = ask(mcp, version, "resources/read", {"uri": f"test://{name}"}).json()["result"]
            methods.validate_server_result("resources/read", version, result)
            (found[name],) = result["contents"]
        assert found["static-text"]["text"] == "Grüße, 𝔘"
        assert found["static-text"]["mimeType"] == "text/plain"
        assert base64.b64decode(found["static-binary"]["blob"]) == b"\x89PNG\x00"
        assert "text" not in found["static-binary"]
        assert json.loads(found["numbers"]["text"]) == {"one": 1}


def test_a_template_gives_its_function_typed_variables(
    mcp: McpClient, add_resource: AddResource
) -> None:
    def data(context: CallContext, id: str, part: int) -> str:
        """Some data."""
        return json.dumps([id, part])

    add_resource(data, uri_template="test://template/{id}/data/{part}")
    for uri, expected in (
        ("test://template/123/data/7", ["123", 7]),
        ("test://template/a%20b%C3%A9/data/0", ["a bé", 0]),
    ):
        answer = mcp.modern("resources/read", {"uri": uri})
        (contents,) = answer.json()["result"]["contents"]
        assert (contents["uri"], json.loads(contents["text"])) == (uri, expected)
    for uri in ("test://template/123/data/x", "test://template/123/data/07"):
        assert see_absence(mcp, uri)[1] == "unknown_resource"


@pytest.mark.parametrize("uri", [None, 7, [], {"a": 1}, True])
def test_a_uri_that_is_no_text_is_a_malformed_call(mcp: McpClient, uri: Any) -> None:
    for version in (LATEST_LEGACY, MODERN):
        headers = {"Mcp-Name": str(uri)}
        if version == MODERN and uri is not None:
            answer = mcp.modern("resources/read", {"uri": uri}, headers=headers)
            assert answer.json()["error"]["code"] in (-32602, -32020)
        else:
            answer = ask(mcp, version, "resources/read", {"uri": uri})
            assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32602)


def test_the_uri_that_is_not_there_is_named_unless_it_is_no_uri(mcp: McpClient) -> None:
    for uri, told in (
        ("test://nothing", {"uri": "test://nothing"}),
        ("x" * 1025, {}),
        ("no uri at all", {}),
        ("tést://x", {}),
    ):
        data = mcp.legacy("resources/read", {"uri": uri}).json()["error"]["data"]
        data.pop("reference")
        assert data == told


def test_what_a_resource_refuses_reads_as_it_says(
    mcp: McpClient, add_resource: AddResource
) -> None:
    def closed(context: CallContext) -> str:
        """Closed today."""
        raise ToolError("It is closed today. Come back tomorrow.", reason="closed")

    def gone(context: CallContext) -> str:
        """Gone."""
        raise ResourceNotFoundError

    add_resource(closed, uri="test://closed")
    add_resource(gone, uri="test://gone")
    answer = mcp.modern("resources/read", {"uri": "test://closed"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (200, -32602)
    assert error["message"].startswith("It is closed today. Come back tomorrow. Reference: ")
    (row,) = rows_of(error["data"]["reference"])
    assert (row.event, row.outcome, row.reason) == ("mcp.resource.read", "refused", "closed")
    assert row.details == {"uri": "test://closed"}
    see_absence(mcp, "test://gone")
    see_absence(mcp, "test://gone", LATEST_LEGACY)


@pytest.mark.parametrize("post", ["modern", "legacy"])
def test_a_fault_in_a_resource_says_nothing_and_is_recorded(
    mcp: McpClient, add_resource: AddResource, post: str
) -> None:
    def broken(context: CallContext) -> str:
        """Broken."""
        raise ValueError("postgres://user:password@host")

    def unreadable(context: CallContext) -> str:
        """Half a letter."""
        return "\ud800"

    add_resource(broken, uri="test://broken")
    add_resource(unreadable, uri="test://unreadable")
    for uri, reason in (("broken", "ValueError"), ("unreadable", "UnicodeEncodeError")):
        answer = getattr(mcp, post)("resources/read", {"uri": f"test://{uri}"})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (200, -32603)
        assert b"password" not in answer.content
        (row,) = rows_of(error["data"]["reference"])
        assert (row.event, row.outcome, row.reason) == ("mcp.resource.read", "failed", reason)


def test_what_cannot_be_recorded_is_not_given(
    mcp: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("no more room")

    monkeypatch.setattr(readings, "record_event", refuse)
    answer = mcp.modern("resources/read", {"uri": CONNECTIONS})
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert b"connections" not in answer.content


def test_a_database_that_fails_a_reading_is_our_fault(
    mcp: McpClient, add_resource: AddResource
) -> None:
    def failing(context: CallContext) -> str:
        """Fails."""
        raise OperationalError("gone")

    add_resource(failing, uri="test://failing")
    answer = mcp.modern("resources/read", {"uri": "test://failing"})
    assert answer.status_code == 503
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.outcome, row.reason) == ("failed", "database_unavailable")


def test_values_that_must_not_be_kept_are_not_in_the_log(
    mcp: McpClient, add_resource: AddResource
) -> None:
    def shared(context: CallContext, folder: str, share_key: str) -> str:
        """Shared by a key."""
        return "here"

    add_resource(shared, uri_template="test://shared/{folder}/{share_key}", redact="share_key")
    for uri in ("test://shared/plans/abracadabra", "test://shared/a/mcp_at_abcdefghijkl"):
        answer = mcp.modern("resources/read", {"uri": uri})
        (row,) = rows_of(answer["Reference-Id"])
        assert row.details["uri"].endswith("/redacted")
    answer = mcp.modern("resources/read", {"uri": "test://elsewhere/abracadabra"})
    (row,) = rows_of(answer["Reference-Id"])
    assert "abracadabra" not in json.dumps(row.details)


@pytest.mark.case(295, 308)
def test_a_missing_tier_is_403_and_hides_the_resource(
    world: Any, join: Join, add_resource: AddResource
) -> None:
    def drafts(context: CallContext) -> str:
        """Drafts."""
        return "drafts"

    def draft(context: CallContext, number: int) -> str:
        """One draft."""
        return "draft"

    add_resource(drafts, uri="test://drafts", scope="draft")
    add_resource(draft, uri_template="test://drafts/{number}", scope="draft")
    with_it = McpClient(join(world.alice, world.acme, ("read", "draft")).access_token)
    without = McpClient(join(world.alice, world.acme, ("read",)).access_token)
    for client, is_shown in ((with_it, True), (without, False)):
        text = client.modern("resources/list").content
        text += client.modern("resources/templates/list").content
        assert (b"test://drafts" in text) is is_shown
    for uri in ("test://drafts", "test://drafts/7"):
        assert with_it.modern("resources/read", {"uri": uri}).status_code == 200
        # A third challenge of one connection would be told in words.
        without = McpClient(join(world.alice, world.acme, ("read",)).access_token)
        for post, scopes in (("modern", "draft"), ("legacy", "read draft")):
            answer = getattr(without, post)("resources/read", {"uri": uri})
            assert answer.status_code == 403
            assert answer.json()["error"]["data"]["scope"] == scopes
            assert f'scope="{scopes}"' in answer["WWW-Authenticate"]
            (row,) = rows_of(answer["Reference-Id"])
            assert (row.event, row.outcome) == ("mcp.scope.refused", "refused")


@pytest.mark.case(295, 308)
def test_a_role_that_does_not_allow_it_is_told_so(
    world: Any, join: Join, add_resource: AddResource
) -> None:
    def drafts(context: CallContext) -> str:
        """Drafts."""
        return "drafts"

    add_resource(drafts, uri="test://drafts", scope="draft")
    client = McpClient(join(world.ben, world.acme).access_token)
    assert "result" in client.modern("resources/read", {"uri": "test://drafts"}).json()
    world.ben.memberships.update(role="viewer")
    assert b"test://drafts" not in client.modern("resources/list").content
    answer = client.modern("resources/read", {"uri": "test://drafts"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (200, -32602)
    assert "viewer" in error["message"]
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.event, row.reason) == ("mcp.resource.read", "role_scope")


@pytest.mark.case(295)
def test_a_token_for_some_tools_reads_nothing_else(
    world: Any, mint: Callable[..., str], log: Callable[[], Any]
) -> None:
    client = McpClient(mint(world.alice, world.acme, "read", "draft", "actions"))
    assert len(read(client, CONNECTIONS)["connections"]) == 0
    absent = see_absence(client, "docjacket://nothing")
    PersonalAccessToken.objects.update(allowed_tools=["whoami", "list_connected_applications"])
    assert client.modern("resources/list").json()["result"]["resources"] == []
    assert client.modern("resources/templates/list").json()["result"]["resourceTemplates"] == []
    assert client.modern("prompts/list").json()["result"]["prompts"] == []
    words, reason = see_absence(client, CONNECTIONS)
    assert (words, reason) == (absent[0], "tool_not_allowed")
    answer = client.modern("prompts/get", {"name": "review_connected_applications"})
    assert answer.json()["error"]["code"] == -32602
    assert "There is no prompt of this name" in answer.json()["error"]["message"]
    assert client.call("whoami").status_code == 200


def test_a_list_of_instances_is_asked_for_no_more_than_it_may_show(
    mcp: McpClient, add_resource: AddResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str | None, int]] = []

    def list_items(context: CallContext, after: str | None, limit: int) -> list[ListedResource]:
        asked.append((after, limit))
        numbers = range(int(after or 0) + 1, 8)[:limit]
        return [ListedResource(str(n), {"number": str(n)}, f"Item {n}") for n in numbers]

    def item(context: CallContext, number: int) -> str:
        """One item."""
        return str(number)

    add_resource(item, uri_template="zzz://item/{number}", instances=list_items)
    monkeypatch.setattr(resource_methods, "PAGE_SIZE", 3)
    params: dict[str, Any] = {}
    seen: list[str] = []
    while True:
        result = mcp.modern("resources/list", params).json()["result"]
        seen += [entry["uri"] for entry in result["resources"]]
        if "nextCursor" not in result:
            break
        params = {"cursor": result["nextCursor"]}
    assert seen[-7:] == [f"zzz://item/{n}" for n in range(1, 8)]
    assert len(seen) == len(set(seen)) == 9
    assert asked == [(None, 4), ("1", 4), ("4", 4)]
