"""A client that is challenged for the same permission again and again is told in words."""

from typing import Any

import pytest

from accounts.limits import STEP_UP
from accounts.models import TokenBucket
from mcp_endpoint.context import CallContext
from tests.buckets import leave_tokens
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import AddResource, AddTool, Join, ProbeResult, rows_of
from tests.oauth_ext.conftest import photograph

pytestmark = [pytest.mark.django_db, pytest.mark.case(238)]

PAGE = "http://127.0.0.1:8000/settings/ai-access"


@pytest.fixture
def probes(add_tool: AddTool) -> list[str]:
    """Tools of the three tiers, and one more of the highest."""
    return [
        add_tool(lambda context, arguments: ProbeResult(text="ran"), scope=scope)
        for scope in ("read", "draft", "actions", "actions")
    ]


@pytest.fixture
def reader(world: Any, join: Join) -> McpClient:
    """Alice in Acme, who allowed nothing but reading."""
    return McpClient(join(world.alice, world.acme, ("read",)).access_token)


@pytest.mark.parametrize("send", ["modern", "legacy"])
def test_the_third_identical_challenge_is_a_readable_refusal(
    reader: McpClient, probes: list[str], send: str
) -> None:
    post = getattr(reader, send)
    for name in (probes[2], probes[3]):
        refused = post("tools/call", {"name": name})
        assert refused.status_code == 403 and "WWW-Authenticate" in refused.headers
    before = photograph()
    told = post("tools/call", {"name": probes[2]})
    assert told.status_code == 200 and "WWW-Authenticate" not in told.headers
    result = told.json()["result"]
    text = result["content"][0]["text"]
    assert result["isError"] is True
    assert "tick Actions" in text and PAGE in text and told["Reference-Id"] in text
    (row,) = rows_of(told["Reference-Id"])
    assert (row.event, row.outcome, row.reason, row.tool) == (
        "mcp.tool.called",
        "refused",
        "step_up_repeated",
        probes[2],
    )
    assert photograph() == before
    # Another permission is another question, and what was given works as before.
    assert post("tools/call", {"name": probes[1]}).status_code == 403
    assert post("tools/call", {"name": probes[0]}).json()["result"]["isError"] is False


def test_another_connection_of_the_person_is_challenged_by_itself(
    reader: McpClient, world: Any, join: Join, probes: list[str]
) -> None:
    for _ in range(3):
        answer = reader.call(probes[2])
    assert answer.status_code == 200
    other = McpClient(join(world.alice, world.acme, ("read",)).access_token)
    assert other.call(probes[2]).status_code == 403


def test_after_an_hour_the_person_may_be_asked_again(reader: McpClient, probes: list[str]) -> None:
    for _ in range(3):
        answer = reader.call(probes[2])
    assert answer.status_code == 200
    assert STEP_UP.retry_after == 3600
    leave_tokens(STEP_UP, 1)
    assert reader.call(probes[2]).status_code == 403
    assert reader.call(probes[2]).status_code == 200


def test_a_client_that_loses_what_it_had_each_time_it_asks_comes_to_rest(
    world: Any, connect: Any, probes: list[str]
) -> None:
    seen = []
    held: tuple[str, ...] = ("read",)
    for _ in range(5):
        mcp = McpClient(connect(world.alice, world.acme, held).access_token)
        missing = probes[2] if held == ("read",) else probes[0]
        answer = mcp.call(missing)
        seen.append(answer.status_code)
        if answer.status_code == 403:
            # As clients do that ask for exactly what the challenge names.
            held = tuple(answer.json()["error"]["data"]["scope"].split())
    assert seen == [403, 403, 403, 403, 200]


def test_a_personal_token_is_told_at_once_that_consent_does_not_widen_it(
    world: Any, mint: Any, probes: list[str]
) -> None:
    mcp = McpClient(mint(world.alice, world.acme))
    mcp.use("whoami")
    answer = mcp.call(probes[2])
    assert answer.status_code == 200 and "WWW-Authenticate" not in answer.headers
    result = answer.json()["result"]
    assert result["isError"] is True
    assert "make a new token with Actions ticked" in result["content"][0]["text"]
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.outcome, row.reason) == ("refused", "insufficient_scope")
    assert not TokenBucket.objects.filter(policy=STEP_UP.name).exists()
    wider = McpClient(mint(world.alice, world.acme, "read", "actions"))
    assert wider.use(probes[2]) == {"text": "ran"}


def test_resources_and_prompts_are_refused_in_words_as_well(
    reader: McpClient, add_resource: AddResource
) -> None:
    def drafts(context: CallContext) -> str:
        """Drafts."""
        return "drafts"

    add_resource(drafts, uri="test://drafts", scope="draft")
    answers = [reader.modern("resources/read", {"uri": "test://drafts"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403, 403, 200]
    error = answers[-1].json()["error"]
    assert error["code"] == -32602 and "tick Draft" in error["message"]
    (row,) = rows_of(answers[-1]["Reference-Id"])
    assert (row.outcome, row.reason) == ("refused", "step_up_repeated")
