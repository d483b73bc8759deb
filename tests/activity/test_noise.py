"""Refusals that strangers cause at no cost: bounded in the log, and no reference leads nowhere."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser

from activity.events import Event
from activity.models import ActivityEvent
from activity.noise import ROWS_OF_A_PERSON, ROWS_PER_MINUTE, record_noise
from activity.origin import Origin
from activity.references import new_reference, parse_reference
from tests.mcp_client import McpClient

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    """The beginning of a minute, so that no test runs over its end."""
    now = datetime.now(UTC).replace(second=1, microsecond=0)
    with time_machine.travel(now, tick=False) as clock:
        yield clock


def refuse(ip: str | None = "192.0.2.1", event: Event = Event.TOKEN_REFUSED) -> str:
    """One refusal; the reference to show for it."""
    origin = Origin(new_reference(), ip, "")
    return record_noise(event, origin=origin, reason="missing_bearer_token", http_status=401)


def test_the_first_twenty_are_rows_of_their_own_and_the_rest_share_one(log: Any) -> None:
    own = [refuse() for _ in range(ROWS_PER_MINUTE)]
    shared = [refuse() for _ in range(200)]
    assert len(set(own)) == ROWS_PER_MINUTE == 20
    assert len(set(shared)) == 1 and not set(own) & set(shared)
    assert log().count() == 21
    for reference in own:
        row = ActivityEvent.objects.with_reference(reference).get()
        assert (row.event, row.reason) == ("mcp.token.refused", "missing_bearer_token")
    summary = ActivityEvent.objects.with_reference(shared[0]).get()
    assert (summary.event, summary.outcome) == ("http.noise.summarized", "refused")
    assert summary.ip == "192.0.2.1"
    assert parse_reference(shared[0]) == shared[0]


def test_a_new_minute_has_rows_of_its_own_again(clock: Any, log: Any) -> None:
    first = [refuse() for _ in range(25)][-1]
    clock.shift(timedelta(minutes=1))
    second = [refuse() for _ in range(25)][-1]
    assert first != second
    assert log().filter(event="mcp.token.refused").count() == 40
    assert ActivityEvent.objects.with_reference(second).exists()


def test_how_many_there_were_is_told_when_the_next_one_comes(clock: Any) -> None:
    shared = [refuse() for _ in range(73)][-1]
    clock.shift(timedelta(minutes=7))
    refuse()
    told = [row.details for row in ActivityEvent.objects.with_reference(shared)]
    assert any(73 in details.values() for details in told)


def test_sources_do_not_use_up_each_others_rows(log: Any) -> None:
    for _ in range(21):
        refuse("192.0.2.1")
    reference = refuse("192.0.2.2")
    row = ActivityEvent.objects.with_reference(reference).get()
    assert row.event == "mcp.token.refused"
    assert ActivityEvent.objects.filter(event="http.noise.summarized").count() == 1


def test_a_whole_ipv6_customer_is_one_source(log: Any) -> None:
    references = [refuse(f"2001:db8:1:2::{number:x}") for number in range(1, 60)]
    assert log().count() == 21
    assert len(set(references)) == 21
    assert ActivityEvent.objects.with_reference(refuse("2001:db8:1:3::1")).get().ip


def test_one_kind_of_refusal_does_not_hide_another(log: Any) -> None:
    for _ in range(30):
        refuse(event=Event.TOKEN_REFUSED)
    reference = refuse(event=Event.SIGN_IN_FAILED)
    row = ActivityEvent.objects.with_reference(reference).get()
    assert row.event == "accounts.sign_in.failed"


def test_unknown_addresses_share_their_rows(log: Any) -> None:
    for _ in range(30):
        refuse(None)
    assert log().count() == 21


def test_the_shared_reference_cannot_be_told_by_outsiders(settings: Any) -> None:
    first = [refuse() for _ in range(22)][-1]
    settings.SECRET_KEY = "another-secret-key-of-at-least-thirty-two-characters"
    assert refuse() != first


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/no/such/page", b""),
        ("POST", "/mcp", b"{}"),
        ("GET", "/token", b""),
        ("POST", "/token", b"grant_type=x"),
        ("POST", "/register", b"nonsense"),
        ("POST", "/revoke", b"x=y"),
        ("GET", "/authorize?client_id=unknown", b""),
        ("POST", "/accounts/login", b"x=y"),
    ],
)
def test_over_http_every_answer_of_a_flood_has_a_reference_that_is_found(
    method: str, path: str, body: bytes, log: Any
) -> None:
    browser = Browser(raise_request_exception=False, enforce_csrf_checks=True)
    answers = [
        browser.generic(method, path, body, content_type="application/x-www-form-urlencoded")
        for _ in range(30)
    ]
    references = [answer["Reference-Id"] for answer in answers]
    assert log().count() == 21
    assert len(set(references)) == 21
    for answer, reference in zip(answers, references, strict=True):
        assert 400 <= answer.status_code < 500
        assert reference in answer.content.decode()
        assert ActivityEvent.objects.with_reference(reference).exists()


def test_a_flood_at_the_resource_does_not_hide_somebody_known(mint: Any, world: Any) -> None:
    for _ in range(30):
        McpClient(None).legacy("ping")
    token = mint(world.alice, world.acme)
    answer = McpClient(token).legacy("tools/call", {"name": "whoami"})
    assert answer.status_code == 200
    row = ActivityEvent.objects.with_reference(answer["Reference-Id"]).first()
    assert (row.event, row.user_id) == ("mcp.tool.called", world.alice.id)


@pytest.mark.case(343)
def test_somebody_signed_in_has_more_rows_of_their_own_but_not_any_number(
    sign_in: Any, world: Any, log: Any
) -> None:
    browser, other = sign_in(world.alice), sign_in(world.ben)
    answers = [browser.get("/no/such/page") for _ in range(ROWS_OF_A_PERSON + 20)]
    assert {answer.status_code for answer in answers} == {404}
    mine = log().filter(user_id=world.alice.id)
    assert mine.filter(event="http.request.refused").count() == ROWS_OF_A_PERSON
    summary = mine.get(event="http.noise.summarized")
    assert answers[-1]["Reference-Id"] == answers[-1].json()["reference"] == summary.reference
    # Neither a neighbour's rows nor a stranger's are used up by it.
    assert log().with_reference(other.get("/no/such/page")["Reference-Id"]).get().user_id
    stranger = Browser().get("/no/such/page")
    assert log().with_reference(stranger["Reference-Id"]).get().reason == "not_found"
