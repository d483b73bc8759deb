"""Tokens that ended, and those that work and are used badly: neither may fill the log."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from activity.noise import ROWS_OF_A_PERSON, ROWS_PER_MINUTE
from oauth_ext.families import revoke_family
from oauth_ext.models import PersonalAccessToken
from tests.conftest import World
from tests.mcp_client import McpClient

pytestmark = [pytest.mark.django_db, pytest.mark.case(357)]

SHOWN = 100


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    """The beginning of a minute, so that no test runs over its end."""
    now = datetime.now(UTC).replace(second=1, microsecond=0)
    with time_machine.travel(now, tick=False) as clock:
        yield clock


def show_often(token: str) -> list[str]:
    """Each answer's reference, after the checks that hold however often it was shown."""
    answers = [McpClient(token).legacy("ping") for _ in range(SHOWN)]
    for answer in answers:
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        assert answer.json()["error"]["data"]["reference"] == answer.headers["Reference-Id"]
    return [answer.headers["Reference-Id"] for answer in answers]


def revoke(alice_acme: Any, clock: Any) -> None:
    """The sign-in is ended."""
    revoke_family(alice_acme.family.id, reason="revoked_by_client")


def expire(alice_acme: Any, clock: Any) -> None:
    """The token runs out."""
    clock.shift(timedelta(hours=2))


@pytest.mark.parametrize(
    ("end", "reason"), [(revoke, "token_revoked"), (expire, "jwt_expired")], ids=["ended", "old"]
)
def test_a_dead_access_token_writes_a_bounded_number_of_rows_of_its_connection(
    alice_acme: Any, clock: Any, log: Any, end: Callable[[Any, Any], None], reason: str
) -> None:
    end(alice_acme, clock)
    references = show_often(alice_acme.access_token)
    assert len(set(references)) == ROWS_PER_MINUTE + 1
    rows = log().filter(reference__in=set(references))
    assert rows.count() == ROWS_PER_MINUTE + 1
    assert rows.filter(event="mcp.token.refused", reason=reason).count() == ROWS_PER_MINUTE
    assert rows.get(event="http.noise.summarized").reference == references[-1]
    connection = alice_acme.connection
    for row in rows:
        assert (row.user_id, row.organization_id, row.connection_id, row.client_id) == (
            connection.user_id,
            connection.organization_id,
            connection.id,
            alice_acme.client.client_id,
        )
    clock.shift(timedelta(minutes=1))
    assert McpClient(alice_acme.access_token).legacy("ping").status_code == 401
    assert log().filter(event="mcp.token.refused").count() == ROWS_PER_MINUTE + 1


def test_a_dead_personal_token_writes_a_bounded_number_of_rows_of_its_owner(
    mint: Any, world: World, log: Any
) -> None:
    token, elsewhere = mint(world.alice, world.acme), mint(world.alice, world.borealis)
    PersonalAccessToken.objects.update(revoked_at=timezone.now())
    references = show_often(token)
    rows = log().filter(reference__in=set(references))
    assert rows.count() == ROWS_PER_MINUTE + 1
    assert set(rows.values_list("user_id", "organization_id")) == {(world.alice.id, world.acme.id)}
    # What happens in another organization is told to that one.
    other = McpClient(elsewhere).legacy("ping").headers["Reference-Id"]
    row = log().get(reference=other)
    assert (row.event, row.organization_id) == ("mcp.token.refused", world.borealis.id)


def test_a_dead_token_s_flood_hides_no_refusal_of_another_connection(
    alice_acme: Any, join: Any, world: World, log: Any, clock: Any
) -> None:
    other = join(world.alice, world.acme)
    for connected in (alice_acme, other):
        revoke(connected, clock)
    show_often(alice_acme.access_token)
    answer = McpClient(other.access_token).legacy("ping")
    row = log().get(reference=answer.headers["Reference-Id"])
    assert (row.event, row.connection_id) == ("mcp.token.refused", other.connection.id)


def send_unknown_method(mcp: McpClient) -> Any:
    return mcp.legacy("nonsense")


def send_garbage(mcp: McpClient) -> Any:
    return mcp.send(b"{")


def call_absent_tool(mcp: McpClient) -> Any:
    return mcp.call("no_such_tool")


@pytest.mark.case(343)
@pytest.mark.parametrize("refused", [send_unknown_method, send_garbage, call_absent_tool])
def test_refusals_of_a_token_that_works_are_sixty_rows_a_minute_and_a_summary(
    mcp: McpClient, alice_acme: Any, log: Any, clock: Any, refused: Callable[[McpClient], Any]
) -> None:
    references = [refused(mcp).headers["Reference-Id"] for _ in range(SHOWN)]
    assert len(set(references[:ROWS_OF_A_PERSON])) == ROWS_OF_A_PERSON
    assert len(set(references[ROWS_OF_A_PERSON:])) == 1
    rows = log().filter(reference__in=set(references))
    assert rows.filter(event="mcp.request.refused").count() == ROWS_OF_A_PERSON
    summary = rows.get(event="http.noise.summarized")
    assert summary.reference == references[-1]
    assert {row.connection_id for row in rows} == {alice_acme.connection.id}
    # What is answered is recorded as before, and none of the refusals goes uncounted.
    assert mcp.call("whoami").status_code == 200
    assert log().filter(event="mcp.tool.called").count() == 1
    clock.shift(timedelta(minutes=1))
    last = refused(mcp).headers["Reference-Id"]
    assert log().get(reference=last).event == "mcp.request.refused"
    told = log().filter(event="http.noise.summarized").first()
    assert (told.reference, told.details["refusals"]) == (summary.reference, SHOWN)


def test_another_personal_token_gets_no_further_rows_and_another_connection_does(
    mint: Any, mcp: McpClient, world: World, log: Any
) -> None:
    first, second = (McpClient(mint(world.alice, world.acme)) for _ in range(2))
    told = {send_garbage(first).headers["Reference-Id"] for _ in range(ROWS_OF_A_PERSON + 1)}
    assert send_garbage(second).headers["Reference-Id"] in told
    assert send_garbage(mcp).headers["Reference-Id"] not in told
