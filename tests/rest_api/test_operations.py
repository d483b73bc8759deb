"""What each operation does, and what it leaves in the log."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from activity.models import ActivityEvent
from oauth_ext.models import Connection, PersonalAccessToken
from tests.mcp_client import McpClient
from tests.rest_api.conftest import ApiClient, Join, problem_of, rows_of

pytestmark = pytest.mark.django_db


def statements(captured: CaptureQueriesContext) -> list[str]:
    """The statements of our own making."""
    control = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return [entry["sql"] for entry in captured if not entry["sql"].startswith(control)]


def test_me_tells_whom_the_token_stands_for(api: ApiClient, alice_acme: Any, world: Any) -> None:
    me = api.get("me")
    assert (me["email"], me["organization"], me["role"]) == (world.alice.email, "Acme", "owner")
    assert me["connection_id"] == str(alice_acme.connection.id)
    assert me["scopes"] == ["read", "draft", "actions"]
    told = McpClient(alice_acme.access_token).use("whoami")
    assert {name: told[name] for name in me} == me


def test_a_call_leaves_one_row_that_tells_it(api: ApiClient, alice_acme: Any, world: Any) -> None:
    answer = api.send("GET", "activity?limit=1")
    (row,) = rows_of(answer)
    assert (row.event, row.outcome, row.tool) == (
        "api.request.answered",
        "succeeded",
        "search_activity",
    )
    assert (row.http_status, row.user_id, row.organization_id) == (
        200,
        world.alice.id,
        world.acme.id,
    )
    assert row.connection_id == alice_acme.connection.id
    assert row.client_id == alice_acme.client.client_id
    assert row.latency_ms is not None and row.latency_ms > 0
    assert row.details == {"method": "GET", "path": "api/v1/activity", "query": {"limit": 1}}
    (told,) = api.get(f"activity?reference={row.reference}")["entries"]
    assert told["what"] == "A script called search_activity through the REST API"


def test_connections_are_the_person_s_own_or_the_organization_s(
    api: ApiClient, alice_acme: Any, world: Any, join: Join
) -> None:
    bens = join(world.ben, world.acme)
    own = api.get("connections")
    assert own["organization"] == "Acme"
    assert [found["id"] for found in own["connections"]] == [str(alice_acme.connection.id)]
    assert own["connections"][0]["is_this_connection"] is True
    all_of_them = api.get("connections?whole_organization=true")["connections"]
    assert [found["id"] for found in all_of_them] == [
        str(bens.connection.id),
        str(alice_acme.connection.id),
    ]
    assert api.get(f"connections/{bens.connection.id}")["user_email"] == world.ben.email
    ben = ApiClient(bens.access_token)
    assert len(ben.get("connections")["connections"]) == 1
    answer = ben.send("GET", "connections?whole_organization=true")
    problem_of(answer, 403, "forbidden")
    assert rows_of(answer)[0].reason == "not_an_administrator"
    problem_of(ben.send("GET", f"connections/{alice_acme.connection.id}"), 404, "not-found")


def test_a_label_is_trimmed_kept_and_recorded(api: ApiClient, alice_acme: Any) -> None:
    path = f"connections/{alice_acme.connection.id}"
    answer = api.send("PATCH", path, {"label": "  Laptop at home \t"})
    assert answer.status_code == 200
    assert answer.json()["label"] == "Laptop at home"
    assert api.get(path)["label"] == "Laptop at home"
    renamed, called = rows_of(answer)
    assert (renamed.event, renamed.details["label"]) == (
        "oauth.connection.renamed",
        "Laptop at home",
    )
    assert (called.event, called.tool) == ("api.request.answered", "rename_application")
    assert called.details["body"] == {"label": "Laptop at home"}
    assert called.details["target"] == {"id": str(alice_acme.connection.id)}
    assert api.send("PATCH", path, {"label": "x" * 100}).status_code == 200
    assert api.send("PATCH", path, {"label": ""}).json()["label"] == ""


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"label": "x" * 101}, "label"),
        ({"label": "two\nlines"}, "label"),
        ({"label": None}, "label"),
        ({"label": 5}, "label"),
        ({}, "label"),
        ({"label": "fine", "scopes": ["actions"]}, "scopes"),
        (["label"], "body"),
    ],
)
def test_another_change_is_refused_and_names_the_field(
    api: ApiClient, alice_acme: Any, body: Any, name: str
) -> None:
    answer = api.send("PATCH", f"connections/{alice_acme.connection.id}", body)
    problem = problem_of(answer, 400, "invalid-request")
    assert [error["name"] for error in problem["errors"]] == [name]
    (row,) = rows_of(answer)
    assert (row.event, row.reason, row.tool) == (
        "api.request.refused",
        "invalid_arguments",
        "rename_application",
    )
    assert Connection.objects.get(id=alice_acme.connection.id).label == ""


def test_a_pause_refuses_calls_until_it_ends(
    api: ApiClient, world: Any, join: Join, log: Callable[[], Any]
) -> None:
    bens = join(world.ben, world.acme)
    ben, path = ApiClient(bens.access_token), f"connections/{bens.connection.id}"
    assert ben.send("GET", "me").status_code == 200
    answer = api.send("POST", f"{path}/pause")
    assert (answer.status_code, answer.json()["state"]) == (200, "paused")
    assert [row.event for row in rows_of(answer)] == [
        "oauth.connection.paused",
        "api.request.answered",
    ]
    refused = ben.send("GET", "me")
    assert problem_of(refused, 403, "paused")["error"] == "paused"
    # A challenge would make clients throw away a token that is still good.
    assert "WWW-Authenticate" not in refused
    assert rows_of(refused)[0].reason == "connection_paused"
    # Again changes nothing, and only the call is recorded.
    again = api.send("POST", f"{path}/pause", {})
    assert (again.status_code, len(rows_of(again))) == (200, 1)
    answer = api.send("POST", f"{path}/resume")
    assert answer.json()["state"] == "active"
    assert [row.event for row in rows_of(answer)] == [
        "oauth.connection.resumed",
        "api.request.answered",
    ]
    assert ben.send("GET", "me").status_code == 200


def test_a_disconnected_application_is_refused_at_once(
    api: ApiClient, world: Any, join: Join
) -> None:
    bens = join(world.ben, world.acme)
    answer = api.send("DELETE", f"connections/{bens.connection.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer
    revoked, called = rows_of(answer)
    assert (revoked.event, revoked.reason) == ("oauth.connection.revoked", "disconnected_by_api")
    assert (called.tool, called.http_status) == ("disconnect_application", 204)
    refused = ApiClient(bens.access_token).send("GET", "me")
    assert refused.status_code == 401
    assert "Application has been disconnected" in refused["WWW-Authenticate"]
    again = api.send("DELETE", f"connections/{bens.connection.id}")
    problem_of(again, 404, "not-found")
    assert rows_of(again)[0].reason == "no_such_connection"


def test_personal_tokens_are_listed_without_their_secret_and_revoked(
    world: Any, mint: Callable[..., str], api: ApiClient
) -> None:
    secret = mint(world.ben, world.acme, "read", "actions")
    ben = ApiClient(secret)
    answer = ben.send("GET", "personal-access-tokens")
    (told,) = answer.json()["personal_access_tokens"]
    assert (told["last_four"], told["is_this_token"], told["only_tools"]) == (
        secret[-4:],
        True,
        None,
    )
    assert secret not in answer.content.decode()
    PersonalAccessToken.objects.update(allowed_tools=["whoami", "list_personal_access_tokens"])
    (narrowed,) = ben.get("personal-access-tokens")["personal_access_tokens"]
    assert narrowed["only_tools"] == ["list_personal_access_tokens", "whoami"]
    PersonalAccessToken.objects.update(allowed_tools=None)
    assert api.get("personal-access-tokens")["personal_access_tokens"] == []
    listed = api.get("personal-access-tokens?whole_organization=true")["personal_access_tokens"]
    assert [(token["id"], token["user_email"]) for token in listed] == [
        (told["id"], world.ben.email)
    ]
    answer = api.send("DELETE", f"personal-access-tokens/{told['id']}")
    assert answer.status_code == 204
    revoked, called = rows_of(answer)
    assert (revoked.event, revoked.user_id) == ("oauth.personal_token.revoked", world.ben.id)
    assert revoked.details["by_user"] == str(world.alice.id)
    assert called.tool == "revoke_personal_access_token"
    assert ben.send("GET", "me").status_code == 401
    problem_of(api.send("DELETE", f"personal-access-tokens/{told['id']}"), 404, "not-found")


def test_a_token_can_revoke_itself(world: Any, mint: Callable[..., str]) -> None:
    ben = ApiClient(mint(world.ben, world.acme, "read", "actions"))
    token = PersonalAccessToken.objects.get(user=world.ben)
    assert ben.send("DELETE", f"personal-access-tokens/{token.id}").status_code == 204
    assert ben.send("GET", "me").status_code == 401


def test_pages_of_the_log_follow_each_other_without_a_gap(api: ApiClient) -> None:
    for _ in range(7):
        api.get("me")
    seen: list[int] = []
    path: str | None = "activity?tool=whoami&limit=3"
    while path:
        page = api.get(path)
        seen += [entry["id"] for entry in page["entries"]]
        cursor = page["next_cursor"]
        path = f"activity?tool=whoami&limit=3&cursor={cursor}" if cursor else None
    assert len(seen) == 7
    assert seen == sorted(set(seen), reverse=True)


def test_the_log_is_filtered_as_the_tool_filters_it(api: ApiClient, alice_acme: Any) -> None:
    refused = api.send("GET", "nothing")
    problem_of(refused, 404, "not-found")
    reference = refused["Reference-Id"]
    (entry,) = api.get(f"activity?reference={reference.lower()}")["entries"]
    assert (entry["event"], entry["outcome"]) == ("api.request.refused", "refused")
    assert entry["what"] == "A call of the REST API was refused"
    assert entry["why"] == "There is nothing at this address."
    assert api.get(f"activity/{entry['id']}") == entry
    assert api.get("activity?event=api.request.refused&outcome=refused")["entries"] == [entry]
    assert api.get("activity?since=2100-01-01T00:00:00Z")["entries"] == []
    told = McpClient(alice_acme.access_token).use("search_activity", {"reference": reference})
    assert [found["id"] for found in told["entries"]] == [entry["id"]]


def test_a_colleague_s_event_is_for_administrators_only(
    api: ApiClient, world: Any, join: Join
) -> None:
    ben = ApiClient(join(world.ben, world.acme).access_token)
    (row,) = rows_of(ben.send("GET", "connections"))
    assert ben.get(f"activity/{row.id}")["id"] == row.id
    assert api.get(f"activity/{row.id}")["user_id"] == str(world.ben.id)
    (own,) = rows_of(api.send("GET", "connections"))
    problem_of(ben.send("GET", f"activity/{own.id}"), 404, "not-found")
    entries = ben.get("activity?limit=100")["entries"]
    assert {entry["user_id"] for entry in entries} == {str(world.ben.id)}
    problem_of(ben.send("GET", "activity?whole_organization=true"), 403, "forbidden")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("event=no.such.event", "event"),
        ("event=", "event"),
        ("since=yesterday", "since"),
        ("since=2026-11-22T09:00:00", "since"),
        ("reference=short", "reference"),
        ("cursor=bm9uZQ", "cursor"),
        ("before=17", "before"),
        ("organization=borealis", "organization"),
        ("tool=a&tool=b", "tool"),
        ("tool=%00", "tool"),
        ("&".join(f"f{number}=1" for number in range(1001)), "query"),
    ],
)
def test_a_filter_that_is_not_one_is_refused(api: ApiClient, query: str, name: str) -> None:
    answer = api.send("GET", f"activity?{query}")
    problem = problem_of(answer, 400, "invalid-request")
    assert name in {error["name"] for error in problem["errors"]}
    (row,) = rows_of(answer)
    assert (row.event, row.reason) == ("api.request.refused", "invalid_arguments")


@pytest.mark.parametrize(
    ("method", "path", "ceiling"),
    [
        ("GET", "me", 2),
        ("GET", "connections", 3),
        ("GET", "connections?whole_organization=true", 3),
        ("GET", "connections/{connection}", 3),
        ("GET", "personal-access-tokens", 3),
        ("GET", "activity", 6),
        ("GET", "activity/{event}", 6),
        ("PATCH", "connections/{connection}", 7),
        ("POST", "connections/{connection}/pause", 7),
        ("DELETE", "connections/{connection}", 7),
    ],
)
def test_an_operation_costs_so_many_statements(
    api: ApiClient, world: Any, join: Join, method: str, path: str, ceiling: int
) -> None:
    connected = join(world.ben, world.acme)
    (row,) = rows_of(api.send("GET", "me"))
    path = path.format(connection=connected.connection.id, event=row.id)
    body = {"label": "x"} if method == "PATCH" else None
    with CaptureQueriesContext(database) as captured:
        assert api.send(method, path, body).status_code < 300
    assert len(statements(captured)) <= ceiling, statements(captured)


def test_last_use_is_kept_like_that_of_the_endpoint(api: ApiClient, alice_acme: Any) -> None:
    rows = Connection.objects.filter(id=alice_acme.connection.id)
    rows.update(last_used_at=None)
    assert api.send("GET", "connections?nonsense=1").status_code == 400
    assert rows.get().last_used_at is None
    api.get("me")
    assert rows.get().last_used_at is not None
    assert ActivityEvent.objects.filter(tool="whoami").count() == 1
