"""What every operation refuses, in the same words and with one row each."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import Membership
from activity.models import ActivityEvent
from oauth_ext.models import Connection, OrganizationPolicy, PersonalAccessToken
from rest_api.calls import Operation
from tests.rest_api.conftest import ALL_SCOPES, ApiClient, Join, problem_of, rows_of
from tests.rest_api.test_reference import list_operations

pytestmark = pytest.mark.django_db

OPERATIONS = list_operations()
TABLE = pytest.mark.parametrize(
    ("method", "path"), OPERATIONS, ids=lambda value: str(value).removeprefix("api/v1/")
)
ITEMS = [key for key in OPERATIONS if "<" in key[1]]
BODIES = {"PATCH": {"label": "Changed"}}


class Target:
    """What there is in one organization to ask for: Ben's, or Cleo's."""

    def __init__(self, user: Any, organization: Any, join: Join, mint: Callable[..., str]) -> None:
        self.connected = join(user, organization)
        mint(user, organization, *ALL_SCOPES)
        self.ids: Mapping[str, Any] = {
            "connections": self.connected.connection.id,
            "personal-access-tokens": PersonalAccessToken.objects.get(user=user).id,
            "activity": ActivityEvent.objects.filter(user_id=user.id).latest("id").id,
        }

    def name(self, path: str) -> str:
        """The path below ``/api/v1/`` of the thing that an operation is about."""
        return fill(path, self.ids)


def fill(path: str, ids: Mapping[str, Any]) -> str:
    """A pattern with the id of its kind of thing."""
    tail = path.removeprefix("api/v1/")
    kind = tail.partition("/")[0]
    for converter in ("<uuid:id>", "<int:id>"):
        tail = tail.replace(converter, str(ids.get(kind)))
    return tail


@pytest.fixture
def bens(world: Any, join: Join, mint: Callable[..., str]) -> Target:
    """Ben's things in Acme."""
    return Target(world.ben, world.acme, join, mint)


@pytest.fixture
def unchanged() -> Any:
    """Asserts that nothing but the log has changed since the test began to refuse."""

    def snapshot() -> Any:
        connections = Connection.objects.order_by("id").values("id", "label", "paused_at")
        ended = Connection.objects.filter(revoked_at__isnull=False).count()
        tokens = PersonalAccessToken.objects.filter(revoked_at__isnull=False).count()
        return list(connections), ended, tokens

    return snapshot


def ask(api: ApiClient, method: str, path: str) -> HttpResponse:
    """The request of an operation with a body that it takes."""
    return api.send(method, path, BODIES.get(method))


@TABLE
def test_an_operation_answers_whoever_may_have_it(
    api: ApiClient, bens: Target, method: str, path: str
) -> None:
    answer = ask(api, method, bens.name(path))
    assert answer.status_code in (200, 204), answer.content
    called = rows_of(answer)[-1]
    operation = OPERATIONS[method, path]
    assert (called.event, called.outcome) == ("api.request.answered", "succeeded")
    assert (called.tool, called.http_status) == (operation.tool, answer.status_code)


@pytest.mark.case(305, 307)
@TABLE
@pytest.mark.parametrize(
    ("reason", "credential"),
    [
        ("missing_bearer_token", {}),
        ("missing_bearer_token", {"Cookie": "sessionid={session}"}),
        ("missing_bearer_token", {"Authorization": "Basic {token}"}),
        ("token_in_query", {"query": "{token}"}),
        ("multiple_credentials", {"Authorization": "Bearer {token}", "query": "{token}"}),
        ("connection_revoked", {"Authorization": "Bearer {dead}"}),
    ],
)
def test_without_a_living_token_in_the_header_there_is_a_challenge(
    world: Any,
    alice_acme: Any,
    bens: Target,
    join: Join,
    sign_in: Callable[..., Any],
    unchanged: Any,
    method: str,
    path: str,
    reason: str,
    credential: dict[str, str],
) -> None:
    dead = join(world.alice, world.acme)
    Connection.objects.filter(id=dead.connection.id).update(revoked_at="2026-01-01T00:00:00Z")
    values = {
        "token": alice_acme.access_token,
        "dead": dead.access_token,
        "session": sign_in(world.alice).cookies["sessionid"].value,
    }
    headers = {name: value.format(**values) for name, value in credential.items()}
    query = headers.pop("query", "")
    target = bens.name(path) + (f"?access_token={query}" if query else "")
    before = unchanged()
    answer = ApiClient().send(method, target, BODIES.get(method), headers=headers)
    problem_of(answer, 401, "invalid-token")
    challenge = answer["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert "/.well-known/oauth-protected-resource/mcp" in challenge
    # RFC 6750 §3.1: no error code for whoever sent no credential.
    is_missing = reason in ("missing_bearer_token", "token_in_query")
    assert ('error="invalid_token"' in challenge) is not is_missing
    (row,) = rows_of(answer)
    assert (row.event, row.outcome, row.reason) == ("mcp.token.refused", "refused", reason)
    assert (row.http_status, row.connection_id is None) == (401, reason != "connection_revoked")
    assert values["token"] not in str(row.details)
    assert not answer.cookies
    assert unchanged() == before


@pytest.mark.case(295)
@TABLE
def test_too_little_scope_is_refused_with_all_that_is_needed(
    world: Any, join: Join, bens: Target, unchanged: Any, method: str, path: str
) -> None:
    operation = OPERATIONS[method, path]
    held = tuple(scope for scope in ALL_SCOPES if scope != operation.scope)
    api = ApiClient(join(world.alice, world.acme, held).access_token)
    before = unchanged()
    answer = ask(api, method, bens.name(path))
    problem = problem_of(answer, 403, "insufficient-scope")
    assert (problem["error"], problem["scope"]) == ("insufficient_scope", "read draft actions")
    assert 'error="insufficient_scope", scope="read draft actions"' in answer["WWW-Authenticate"]
    (row,) = rows_of(answer)
    assert (row.event, row.reason) == ("mcp.scope.refused", "insufficient_scope")
    assert (row.tool, row.http_status, row.user_id) == (operation.tool, 403, world.alice.id)
    assert unchanged() == before


@pytest.mark.case(295)
@TABLE
def test_a_viewer_reads_and_changes_nothing(
    world: Any, api: ApiClient, join: Join, unchanged: Any, method: str, path: str
) -> None:
    mine = join(world.alice, world.acme)
    Membership.objects.filter(user=world.alice, organization=world.acme).update(role="viewer")
    token = PersonalAccessToken.objects.first()
    ids = {
        "connections": mine.connection.id,
        "personal-access-tokens": token.id if token else uuid4(),
        "activity": ActivityEvent.objects.filter(user_id=world.alice.id).latest("id").id,
    }
    before, operation = unchanged(), OPERATIONS[method, path]
    answer = ask(api, method, fill(path, ids))
    if operation.scope == "read":
        assert answer.status_code == 200, answer.content
        return
    problem_of(answer, 403, "role")
    # A challenge would send the person to a consent page that cannot help.
    assert "WWW-Authenticate" not in answer
    (row,) = rows_of(answer)
    assert (row.event, row.reason, row.tool) == (
        "api.request.refused",
        "role_scope",
        operation.tool,
    )
    assert unchanged() == before


def compare(answer: HttpResponse) -> tuple[int, str]:
    """An answer without what is its own."""
    return answer.status_code, answer.content.decode().replace(answer["Reference-Id"], "")


@pytest.mark.case(312)
@pytest.mark.parametrize(("method", "path"), ITEMS)
def test_a_foreign_id_is_answered_as_one_that_does_not_exist(
    world: Any,
    api: ApiClient,
    join: Join,
    mint: Callable[..., str],
    unchanged: Any,
    method: str,
    path: str,
) -> None:
    foreign = Target(world.cleo, world.borealis, join, mint)
    # Alice's own things in the other organization are as foreign to a token for this one.
    own = Target(world.alice, world.borealis, join, mint)
    latest = ActivityEvent.objects.filter(organization_id=world.borealis.id).latest("id").id
    own.ids = {**own.ids, "activity": latest}
    absent = {kind: uuid4() for kind in foreign.ids} | {"activity": 2**63 + 5}
    before = unchanged()
    expected = ask(api, method, fill(path, absent))
    problem_of(expected, 404, "not-found")
    nowhere = ask(api, method, "no/such/path")
    for target in (foreign, own):
        answer = ask(api, method, target.name(path))
        assert compare(answer) == compare(expected) == compare(nowhere)
        (row,) = rows_of(answer)
        assert (row.event, row.outcome) == ("api.request.refused", "refused")
        assert row.reason in ("no_such_connection", "no_such_personal_token", "no_such_event")
        assert row.organization_id == world.acme.id
    assert unchanged() == before


@pytest.mark.case(295)
@TABLE
def test_a_personal_token_for_other_tools_finds_nothing_here(
    world: Any, mint: Callable[..., str], bens: Target, unchanged: Any, method: str, path: str
) -> None:
    operation: Operation = OPERATIONS[method, path]
    api = ApiClient(mint(world.alice, world.acme, *ALL_SCOPES))
    tokens = PersonalAccessToken.objects.filter(user=world.alice)
    tokens.update(allowed_tools=["some_other_tool"])
    before = unchanged()
    answer = ask(api, method, bens.name(path))
    problem_of(answer, 404, "not-found")
    assert compare(answer) == compare(ask(api, method, "no/such/path"))
    (row,) = rows_of(answer)
    assert (row.event, row.reason, row.tool) == (
        "api.request.refused",
        "tool_not_allowed",
        operation.tool,
    )
    assert row.details["personal_access_id"] == str(tokens.get().id)
    assert unchanged() == before
    tokens.update(allowed_tools=[operation.tool])
    assert ask(api, method, bens.name(path)).status_code in (200, 204)


@pytest.mark.case(295)
@TABLE
def test_what_the_organization_hides_or_bars_is_not_there(
    world: Any, api: ApiClient, bens: Target, unchanged: Any, method: str, path: str
) -> None:
    operation, before = OPERATIONS[method, path], unchanged()
    nowhere = compare(ask(api, method, "no/such/path"))
    policy = OrganizationPolicy.objects.create(
        organization=world.acme, hidden_tools=[operation.tool]
    )
    hidden = ask(api, method, bens.name(path))
    policy.hidden_tools = None
    rest = [scope for scope in ALL_SCOPES if scope != operation.scope]
    policy.allowed_scopes = " ".join(rest)
    policy.save()
    barred = ask(api, method, bens.name(path))
    for answer in (hidden, barred):
        assert compare(answer) == nowhere
        (row,) = rows_of(answer)
        assert (row.event, row.reason) == ("api.request.refused", "organization_policy")
    assert unchanged() == before
    policy.delete()
    assert ask(api, method, bens.name(path)).status_code in (200, 204)


@pytest.mark.case(313)
def test_nothing_in_a_request_names_another_organization(
    api: ApiClient, alice_acme: Any, world: Any
) -> None:
    named = str(world.borealis.id)
    for header in ("X-Organization", "X-Organization-Id", "X-Tenant", "Organization"):
        assert api.get("me", **{header: named})["organization"] == "Acme"
    for parameter in ("organization", "organization_id", "org_id"):
        answer = api.send("GET", f"connections?{parameter}={named}")
        problem_of(answer, 400, "invalid-request")
        assert rows_of(answer)[0].organization_id == world.acme.id


@pytest.mark.case(314, 315)
@pytest.mark.parametrize("credential", ["access token", "personal token"])
def test_lists_and_cursors_show_nothing_of_another_organization(
    world: Any, join: Join, mint: Callable[..., str], credential: str
) -> None:
    Membership.objects.filter(user=world.alice).update(role="owner")
    for organization in (world.acme, world.borealis):
        for user in (world.alice, world.ben if organization == world.acme else world.cleo):
            join(user, organization)
            assert ApiClient(mint(user, organization)).send("GET", "me").status_code == 200
    token = (
        mint(world.alice, world.acme)
        if credential == "personal token"
        else join(world.alice, world.acme).access_token
    )
    api = ApiClient(token)
    foreign = {
        world.borealis.name,
        str(world.borealis.id),
        world.cleo.email,
        *map(str, Connection.objects.filter(organization=world.borealis).values_list("id")),
    }
    rows = ActivityEvent.objects.of_organization(world.borealis.id)
    for path in ("connections", "personal-access-tokens", "activity?limit=100&"):
        for wide in ("", "?whole_organization=true"):
            target = path.rstrip("&") + (wide.replace("?", "&") if "?" in path else wide)
            text = api.send("GET", target).content.decode()
            assert not [mark for mark in foreign if mark in text], target
    reference = rows.filter(event="api.request.answered")[0].reference
    assert api.get(f"activity?whole_organization=true&reference={reference}")["entries"] == []


@pytest.mark.case(294, 315)
@pytest.mark.parametrize("path", ["connections", "personal-access-tokens", "activity"])
def test_a_cursor_counts_for_its_caller_its_list_and_its_filters_only(
    world: Any, join: Join, mint: Callable[..., str], path: str
) -> None:
    api = ApiClient(mint(world.alice, world.acme))
    for _ in range(2):
        join(world.alice, world.acme)
        mint(world.alice, world.acme)
        api.get("me")
    cursor = api.get(f"{path}?limit=1")["next_cursor"]
    assert cursor
    assert api.send("GET", f"{path}?limit=2&cursor={cursor}").status_code == 200
    others = {
        "a connection of hers": ApiClient(join(world.alice, world.acme).access_token),
        "another token of hers": ApiClient(mint(world.alice, world.acme)),
        "a colleague": ApiClient(join(world.ben, world.acme).access_token),
        "the other organization": ApiClient(join(world.alice, world.borealis).access_token),
    }
    (other_list,) = {"connections": ["activity"]}.get(path, ["connections"])
    wrong = [
        *(other.send("GET", f"{path}?limit=1&cursor={cursor}") for other in others.values()),
        api.send("GET", f"{path}?limit=1&whole_organization=true&cursor={cursor}"),
        api.send("GET", f"{other_list}?cursor={cursor}"),
        api.send("GET", f"{path}?cursor={cursor[:-1]}{'A' if cursor[-1] != 'A' else 'B'}"),
        api.send("GET", f"{path}?cursor="),
        api.send("GET", f"{path}?cursor=WzFd"),
        api.send("GET", f"{path}?cursor=%F0%9F%98%80"),
    ]
    told = {json.dumps(problem_of(answer, 400, "invalid-request")["errors"]) for answer in wrong}
    assert len(told) == 1 and '"name": "cursor"' in told.pop()
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        api.get(path)
        problem_of(api.send("GET", f"{path}?limit=2&cursor={cursor}"), 400, "invalid-request")


@pytest.mark.parametrize(
    ("path", "member"),
    [("connections", "connections"), ("personal-access-tokens", "personal_access_tokens")],
)
def test_pages_follow_each_other_without_a_gap_also_at_the_same_moment(
    world: Any, join: Join, mint: Callable[..., str], path: str, member: str
) -> None:
    api = ApiClient(join(world.alice, world.acme).access_token)
    for _ in range(4):
        join(world.alice, world.acme)
        mint(world.alice, world.acme)
    PersonalAccessToken.objects.update(created_at=timezone.now())
    Connection.objects.update(created_at=timezone.now())
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = api.get(f"{path}?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        seen += [entry["id"] for entry in page[member]]
        cursor = page["next_cursor"]
    assert seen == [entry["id"] for entry in api.get(path)[member]]
    assert len(seen) == len(set(seen)) >= 4
