"""What HTTP brings: hosts, origins, bodies, methods, paths, outages and floods."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.http import StreamingHttpResponse
from django.test import Client as Browser
from django.utils import timezone

from accounts import call_allowances
from accounts.call_allowances import list_policies
from accounts.call_leases import LeaseBook
from activity.events import Event
from activity.models import ActivityEvent
from mcp_endpoint import call_limits
from mcp_endpoint.call_limits import Attempts, Slots
from oauth_ext.models import Connection
from tests.buckets import leave_tokens
from tests.mcp_client import McpClient
from tests.mcp_endpoint.test_faults import outage
from tests.rest_api.conftest import ApiClient, problem_of, rows_of

pytestmark = pytest.mark.django_db

LABEL = {"label": "Changed"}


@pytest.fixture
def path(alice_acme: Any) -> str:
    """The caller's own connection."""
    return f"connections/{alice_acme.connection.id}"


def label_of(alice_acme: Any) -> str:
    """The connection's label now."""
    return Connection.objects.get(id=alice_acme.connection.id).label


@pytest.mark.parametrize(
    ("body", "content_type", "status", "slug", "reason"),
    [
        (b"{", "application/json", 400, "invalid-request", "bad_json"),
        (b'{"label": "a", "label": "b"}', "application/json", 400, "invalid-request", "bad_json"),
        (b'{"label": "\\u0000"}', "application/json", 400, "invalid-request", "bad_json"),
        (b'{"label": "\\ud800"}', "application/json", 400, "invalid-request", "bad_json"),
        (b'{"label": "\xff"}', "application/json", 400, "invalid-request", "bad_json"),
        (b'"label"', "application/json", 400, "invalid-request", "invalid_arguments"),
        (b"[" * 40 + b"]" * 40, "application/json", 400, "invalid-request", "json_limits"),
        (b"label=x", "application/x-www-form-urlencoded", 415, "unsupported-media-type", None),
        (b'{"label": "x"}', "text/plain", 415, "unsupported-media-type", "content_type"),
        (
            b'{"label": "x"}',
            "application/json; charset=latin-1",
            415,
            "unsupported-media-type",
            None,
        ),
        (b" " * (1024 * 1024 + 1), "application/json", 413, "body-too-large", "body_too_large"),
    ],
)
def test_a_body_that_is_not_strict_json_is_refused(
    api: ApiClient,
    alice_acme: Any,
    path: str,
    body: bytes,
    content_type: str,
    status: int,
    slug: str,
    reason: str | None,
) -> None:
    answer = api.send("PATCH", path, body, content_type=content_type)
    problem_of(answer, status, slug)
    (row,) = rows_of(answer)
    assert (row.event, row.reason) == ("api.request.refused", reason or "content_type")
    assert label_of(alice_acme) == ""
    assert api.send("PATCH", path, LABEL).status_code == 200
    assert label_of(alice_acme) == "Changed"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Büro 🖥️ خادم", "Büro 🖥 خادم"),
        ("Lap\u202etop\u200b\u2066", "Laptop"),
        ("A\U000e0041\U000e0042 B", "A B"),
        ("\u200b\u2060", ""),
    ],
)
def test_a_label_keeps_nothing_that_nobody_sees(
    api: ApiClient, alice_acme: Any, path: str, sent: str, kept: str
) -> None:
    assert api.send("PATCH", path, {"label": sent}).status_code == 200
    assert label_of(alice_acme) == kept


def test_a_body_where_none_is_taken_is_refused(api: ApiClient, alice_acme: Any, path: str) -> None:
    for method, target in (("POST", f"{path}/pause"), ("DELETE", path), ("GET", path)):
        answer = api.send(method, target, {"all": True})
        problem_of(answer, 400, "invalid-request")
    row = Connection.objects.get(id=alice_acme.connection.id)
    assert (row.paused_at, row.revoked_at) == (None, None)
    assert api.send("POST", f"{path}/pause", {}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "PURGE", "POST"])
def test_another_method_is_refused_and_told_which_there_are(
    api: ApiClient, path: str, method: str
) -> None:
    answer = api.send(method, path)
    problem_of(answer, 405, "method-not-allowed")
    assert answer["Allow"] == "GET, HEAD, PATCH, DELETE"
    (row,) = rows_of(answer)
    assert (row.event, row.reason) == ("api.request.refused", "http_method")
    # The token comes first: whoever has none learns where to get one.
    problem_of(ApiClient().send(method, path), 401, "invalid-token")


def test_head_has_the_headers_and_no_body(api: ApiClient) -> None:
    answer = api.send("HEAD", "me")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Type"] == "application/json"
    assert int(answer["Content-Length"]) > 100
    for path in ("schema", "docs"):
        whole = ApiClient().send("GET", path)
        head = ApiClient().send("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head["Content-Length"] == str(len(whole.content))


@pytest.fixture
def ours() -> Iterator[socket.socket]:
    """The server's end of a connection at whose far end nobody reads."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


@pytest.mark.case(302)
@pytest.mark.parametrize("path", ["schema", "docs"])
def test_a_large_answer_goes_out_only_while_it_is_read(
    ours: socket.socket, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_endpoint.paced_body.PIECE_SECONDS", 0.0)
    stranger = ApiClient()
    stranger.http.defaults["gunicorn.socket"] = ours
    whole = ApiClient().send("GET", path)
    answer = stranger.send("GET", path)
    assert isinstance(answer, StreamingHttpResponse)
    pieces = list(answer)
    assert b"".join(pieces) == whole.content and len(pieces) > 1
    assert answer.status_code == 200
    for name in ("Content-Type", "Content-Length", "Cache-Control"):
        assert answer[name] == whole[name]
    head = stranger.send("HEAD", path)
    assert (head.content, head["Content-Length"]) == (b"", whole["Content-Length"])
    # From here on nothing is read: there is no room for a piece, and the caller is let go.
    ours.setblocking(False)
    assert 0 < ours.send(bytes(10_000_000)) < 10_000_000
    assert list(stranger.send("GET", path)) == []
    with pytest.raises(BrokenPipeError):
        ours.send(b"more")


@pytest.mark.case(373)
@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "application/xml"])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/me/", "/api/v9/nothing", "/api/v1/connections/1", "/api/v1/a\nb"]
)
def test_a_path_that_is_not_there_is_a_problem_whatever_is_accepted(
    api: ApiClient, path: str, accept: str
) -> None:
    headers = {"Accept": accept} if accept else {}
    for method in ("GET", "POST", "DELETE"):
        answer = api.http.generic(
            method, path, headers={**headers, "Authorization": f"Bearer {api.token}"}
        )
        problem_of(answer, 404, "not-found")
        (row,) = rows_of(answer)
        assert (row.event, row.reason) == ("api.request.refused", "not_found")
        stranger = Browser().generic(method, path, headers=headers)
        problem_of(stranger, 401, "invalid-token")


def test_a_host_that_is_not_ours_is_refused(api: ApiClient) -> None:
    for caller in (api, ApiClient()):
        answer = caller.send("GET", "me", headers={"Host": "evil.example"})
        problem_of(answer, 421, "misdirected")
        (row,) = rows_of(answer)
        assert (row.event, row.reason) == ("api.request.refused", "host_not_allowed")


def test_pages_may_call_from_the_origins_of_the_endpoint_only(
    api: ApiClient, settings: Any
) -> None:
    allowed = settings.MCP_ALLOWED_ORIGINS[0]
    for origin in (allowed, settings.PUBLIC_URL):
        answer = api.send("GET", "me", headers={"Origin": origin})
        assert answer.status_code == 200
        assert answer["Access-Control-Allow-Origin"] in ("*", origin)
        assert "Access-Control-Allow-Credentials" not in answer
        assert "Reference-Id" in answer["Access-Control-Expose-Headers"]
    for origin in ("https://evil.example", "null", f"{allowed}.evil.example"):
        answer = api.send("GET", "me", headers={"Origin": origin})
        problem_of(answer, 403, "forbidden")
        assert "Access-Control-Allow-Origin" not in answer
        assert rows_of(answer)[0].reason == "origin_not_allowed"


def test_a_preflight_is_green_exactly_where_the_call_is(settings: Any) -> None:
    def preflight(origin: str, path: str = "/api/v1/me") -> Any:
        asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        return Browser().options(path, headers=asked)

    answer = preflight(settings.MCP_ALLOWED_ORIGINS[0])
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Methods"] == "GET, POST, PATCH, DELETE, OPTIONS"
    assert "authorization" in answer["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in preflight("https://evil.example")
    elsewhere = preflight(settings.MCP_ALLOWED_ORIGINS[0], "/token")
    assert "PATCH" not in elsewhere["Access-Control-Allow-Methods"]


@pytest.mark.case(307)
def test_no_cookie_is_read_or_set(world: Any, api: ApiClient, sign_in: Callable[..., Any]) -> None:
    browser = sign_in(world.alice)
    for path in ("/api/v1/me", "/api/v1/docs", "/api/v1/schema"):
        answer = browser.get(path)
        assert not answer.cookies
        assert "Cookie" not in answer.get("Vary", "")
    problem_of(browser.get("/api/v1/me"), 401, "invalid-token")
    # Whoever is signed in as one and sends the token of another is the other.
    headers = {"Authorization": f"Bearer {api.token}"}
    cleo = sign_in(world.cleo)
    assert cleo.get("/api/v1/me", headers=headers).json()["email"] == world.alice.email


@pytest.mark.case(308)
def test_answers_are_kept_by_no_cache(api: ApiClient, path: str) -> None:
    for target in ("me", "connections", path, "personal-access-tokens", "activity"):
        assert "no-store" in api.send("GET", target)["Cache-Control"]


def test_a_row_that_cannot_be_written_undoes_what_it_tells(
    api: ApiClient, alice_acme: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(event: Event, **kwargs: Any) -> None:
        if event is Event.API_CALLED:
            raise IntegrityError("no room")

    monkeypatch.setattr("rest_api.calls.record_event", refuse)
    for method, target, body in (
        ("PATCH", path, LABEL),
        ("POST", f"{path}/pause", None),
        ("DELETE", path, None),
        ("GET", "me", None),
    ):
        answer = api.send(method, target, body)
        problem = problem_of(answer, 503, "unavailable")
        assert answer["Retry-After"] == "5"
        assert "Nothing was changed" in problem["detail"]
        assert "WWW-Authenticate" not in answer
    row = Connection.objects.get(id=alice_acme.connection.id)
    assert (row.label, row.paused_at, row.revoked_at) == ("", None, None)
    assert not ActivityEvent.objects.filter(event="oauth.connection.renamed").exists()


def test_a_fault_of_ours_is_500_with_a_row_and_no_word_about_it(
    api: ApiClient, alice_acme: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("rest_api.views.connections.build_connection", fail)
    answer = api.send("PATCH", path, LABEL)
    problem_of(answer, 500, "server-error")
    assert b"secret" not in answer.content and b"ZeroDivision" not in answer.content
    (row,) = rows_of(answer)
    assert (row.event, row.outcome, row.reason) == (
        "http.request.failed",
        "failed",
        "ZeroDivisionError",
    )
    assert (row.user_id, row.tool) == (alice_acme.connection.user_id, "rename_application")
    assert label_of(alice_acme) == ""


def test_a_flood_of_strangers_ends_in_one_summary() -> None:
    references = {ApiClient().send("GET", "me")["Reference-Id"] for _ in range(25)}
    assert len(references) == 21
    for reference in references:
        assert ActivityEvent.objects.with_reference(reference).exists()


@pytest.mark.case(343)
def test_what_a_working_token_is_refused_ends_in_one_summary(api: ApiClient) -> None:
    minute = (timezone.now() + timedelta(minutes=1)).replace(second=1)
    with time_machine.travel(minute, tick=False):
        references = {api.send("GET", "nothing")["Reference-Id"] for _ in range(65)}
    assert len(references) == 61
    for reference in references:
        assert ActivityEvent.objects.with_reference(reference).exists()


@pytest.fixture
def limited(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The limits of production; calling it is as if another process answered from here on."""

    def restart() -> None:
        monkeypatch.setattr(call_allowances, "book", LeaseBook())
        monkeypatch.setattr(call_limits, "attempts", Attempts())
        monkeypatch.setattr(call_limits, "free_rows", Attempts())
        monkeypatch.setattr(call_limits, "slots", Slots())

    settings.MCP_CONNECTION_RATE, settings.MCP_ORGANIZATION_RATE = 120, 600
    restart()
    return restart


@pytest.mark.parametrize("which", ["connection", "organization"])
def test_the_limits_are_those_of_the_endpoint_and_do_not_fill_the_log(
    api: ApiClient, alice_acme: Any, path: str, limited: Callable[[], None], which: str
) -> None:
    assert api.send("PATCH", path, {"label": "Before"}).status_code == 200
    leave_tokens(list_policies()[which], 0)
    limited()
    answers = [api.send("PATCH", path, LABEL) for _ in range(25)]
    for answer in answers:
        problem = problem_of(answer, 429, "too-many-requests")
        assert (problem["error"], problem["limit"]) == ("rate_limited", f"{which}_rate")
        assert answer["Retry-After"] == str(problem["retry_after"])
    (row,) = rows_of(answers[0])
    assert (row.event, row.reason, row.connection_id) == (
        "mcp.limit.refused",
        f"{which}_rate",
        alice_acme.connection.id,
    )
    assert len({answer["Reference-Id"] for answer in answers}) == 21
    assert label_of(alice_acme) == "Before"
    # A call of one surface is a call less for the other.
    assert McpClient(api.token).call("list_connected_applications").status_code == 429
    leave_tokens(list_policies()[which], 5)
    limited()
    assert api.send("PATCH", path, LABEL).status_code == 200


def test_a_connection_has_so_many_requests_running_at_once(
    api: ApiClient, alice_acme: Any, path: str, limited: Callable[[], None]
) -> None:
    caller = f"connection {alice_acme.connection.id}"
    for _ in range(call_limits.find_most_at_once()):
        assert call_limits.slots.enter(caller, call_limits.find_most_at_once())
    answer = api.send("PATCH", path, LABEL)
    assert problem_of(answer, 429, "too-many-requests")["limit"] == "connection_concurrency"
    call_limits.slots.leave(caller)
    assert api.send("PATCH", path, LABEL).status_code == 200
    # It was given back, also by a request that was refused.
    problem_of(api.send("DELETE", f"connections/{uuid4()}"), 404, "not-found")
    assert api.send("PATCH", path, LABEL).status_code == 200


def test_an_operation_whose_tool_is_free_shares_the_bound_on_its_rows(
    api: ApiClient, limited: Callable[[], None]
) -> None:
    call_limits.free_rows.clock = lambda: 0.0
    assert [api.send("GET", "me").status_code for _ in range(60)] == [200] * 60
    problem = problem_of(api.send("GET", "me"), 429, "too-many-requests")
    assert problem["limit"] == "connection_rate"
    assert McpClient(api.token).call("whoami").status_code == 429
    assert api.send("GET", "connections").status_code == 200


def test_refusals_count_towards_the_wider_limit(
    api: ApiClient, limited: Callable[[], None]
) -> None:
    wider = call_limits.WIDER * 120 // 2
    statuses = [api.send("GET", "nothing").status_code for _ in range(wider + 40)]
    assert set(statuses) == {404, 429}
    assert statuses.index(429) >= wider


@pytest.mark.case(306)
@pytest.mark.django_db(transaction=True)
def test_an_outage_is_503_to_everybody_and_ends_no_token(api: ApiClient, path: str) -> None:
    assert connection.vendor == "postgresql"
    for caller, method, target, body in (
        (api, "GET", "me", None),
        (api, "PATCH", path, LABEL),
        (ApiClient(), "GET", "me", None),
        (ApiClient("not-ours"), "GET", "nothing", None),
    ):
        with outage():
            answer = caller.send(method, target, body)
        problem_of(answer, 503, "unavailable")
        assert answer["Retry-After"] == "5"
        assert "WWW-Authenticate" not in answer
    assert api.send("GET", "me").status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_large_answer_holds_its_slot_until_it_is_sent(api: ApiClient, method: str) -> None:
    for _ in range(60):
        api.get("me")
    ours, theirs = socket.socketpair()
    api.http.defaults["gunicorn.socket"] = ours
    with ours, theirs:
        answer = api.send(method, "activity?limit=50")
        assert answer.status_code == 200 and int(answer["Content-Length"]) > 8192
        if method == "GET":
            assert list(call_limits.slots.running.values()) == [1]
        sent = b"".join(answer.streaming_content)
        assert len(sent) == (int(answer["Content-Length"]) if method == "GET" else 0)
        answer.close()
        del answer
    assert call_limits.slots.running == {}
