"""Prompts and resources that ask for input (MCP 2026-07-28 basic/patterns/mrtr)."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.http import HttpResponse
from mcp_types import _v2026_07_28 as wire
from pydantic import BaseModel

from mcp_endpoint.context import CallContext
from mcp_endpoint.input_requests import Elicitation
from mcp_endpoint.prompts import prompt, prompt_registry
from mcp_endpoint.resources import resource, resource_registry
from tests.mcp_client import MODERN_META, McpClient
from tests.mcp_endpoint.conftest import Join, rows_of

pytestmark = pytest.mark.django_db(transaction=True)

CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
URI = "docjacket://asking"
TEA = {"topic": {"action": "accept", "content": {"topic": "tea"}}}
PROMPT = ("prompts/get", {"name": "asking_prompt", "arguments": {"tone": "kind"}})
RESOURCE = ("resources/read", {"uri": URI})
BOTH = pytest.mark.parametrize(
    ("method", "params", "event"),
    [(*PROMPT, "mcp.prompt.given"), (*RESOURCE, "mcp.resource.read")],
    ids=["prompt", "resource"],
)


class Topic(BaseModel):
    topic: str


def ask_topic(context: CallContext) -> str:
    answer = context.ask("topic", Elicitation("About what?", schema=Topic))
    return answer.content.topic if answer.content else answer.action


@pytest.fixture(autouse=True)
def _asking() -> Iterator[None]:
    """A prompt and a resource that only these tests have."""

    @prompt(scope="read", title="Asking")
    def asking_prompt(context: CallContext, tone: str) -> str:
        """Asks for its topic."""
        return f"Be {tone} about {ask_topic(context)}."

    @resource(uri=URI, scope="read", title="Asking", mime_type="text/plain")
    def asking_resource(context: CallContext) -> str:
        """Asks for its topic."""
        return ask_topic(context)

    yield
    prompt_registry.remove("asking_prompt")
    resource_registry.remove(URI)


def send(
    client: McpClient,
    method: str,
    params: Mapping[str, Any],
    capabilities: Mapping[str, Any] = {"elicitation": {}},
) -> HttpResponse:
    """A request of a client that can be asked."""
    return client.modern(method, params, meta={**MODERN_META, CAPABILITIES_KEY: capabilities})


def ask(client: McpClient, method: str, params: Mapping[str, Any]) -> str:
    """The first round; the state for the second."""
    result = send(client, method, params).json()["result"]  # type: ignore[attr-defined]
    assert result["resultType"] == "input_required"
    state: str = result["requestState"]
    return state


@BOTH
def test_a_reading_asks_and_goes_on_with_the_answer(
    mcp: McpClient, method: str, params: dict[str, Any], event: str
) -> None:
    asked = send(mcp, method, params)
    result = asked.json()["result"]  # type: ignore[attr-defined]
    wire.InputRequiredResult.model_validate(result)
    assert result["inputRequests"]["topic"]["params"]["message"] == "About what?"
    # A question is nothing that a client may keep for the next time.
    assert "ttlMs" not in result and "cacheScope" not in result
    (row,) = rows_of(asked.headers["Reference-Id"])
    assert (row.event, row.outcome, row.reason) == (event, "started", "input_required")

    answers = {"inputResponses": TEA, "requestState": result["requestState"]}
    done = send(mcp, method, {**params, **answers})
    assert "tea" in str(done.json()["result"])  # type: ignore[attr-defined]
    (row,) = rows_of(done.headers["Reference-Id"])
    assert (row.event, row.outcome, row.reason) == (event, "succeeded", "")
    assert row.details["answers"] == {"topic": "accept"}


@pytest.mark.case(294)
@BOTH
def test_a_state_that_is_not_its_own_is_refused(
    world: Any, join: Join, mcp: McpClient, method: str, params: dict[str, Any], event: str
) -> None:
    state = ask(mcp, method, params)
    ben = McpClient(join(world.ben, world.acme).access_token)
    other_method, other_params = RESOURCE if method == PROMPT[0] else PROMPT
    tries = [
        send(mcp, method, {**params, "inputResponses": TEA, "requestState": f"{state}AAAA"}),
        send(ben, method, {**params, "inputResponses": TEA, "requestState": state}),
        send(mcp, other_method, {**other_params, "inputResponses": TEA, "requestState": state}),
    ]
    for refused in tries:
        assert refused.status_code == 200
        assert refused.json()["error"]["code"] == -32602  # type: ignore[attr-defined]
        (row,) = rows_of(refused.headers["Reference-Id"])
        assert (row.outcome, row.reason) == ("refused", "state_tampered")


@pytest.mark.case(294)
def test_a_state_is_good_for_the_same_arguments_of_a_prompt_only(mcp: McpClient) -> None:
    method, params = PROMPT
    answers = {"inputResponses": TEA, "requestState": ask(mcp, method, params)}
    refused = send(mcp, method, {**params, "arguments": {"tone": "rude"}, **answers})
    assert refused.json()["error"]["code"] == -32602  # type: ignore[attr-defined]
    done = send(mcp, method, {**params, **answers})
    assert "Be kind about tea." in str(done.json()["result"])  # type: ignore[attr-defined]


@BOTH
def test_a_client_that_declared_nothing_is_told_what_is_missing(
    mcp: McpClient, method: str, params: dict[str, Any], event: str
) -> None:
    refused = send(mcp, method, params, capabilities={})
    assert refused.status_code == 400
    error = refused.json()["error"]  # type: ignore[attr-defined]
    assert error["code"] == -32021
    assert error["data"]["requiredCapabilities"] == {"elicitation": {"form": {}}}
    (row,) = rows_of(refused.headers["Reference-Id"])
    assert (row.outcome, row.reason) == ("refused", "missing_capability")


@BOTH
def test_a_legacy_client_is_told_that_it_cannot_be_asked(
    mcp: McpClient, method: str, params: dict[str, Any], event: str
) -> None:
    refused = mcp.legacy(method, params)
    error = refused.json()["error"]  # type: ignore[attr-defined]
    assert error["code"] == -32602
    assert "cannot ask" in error["message"]
    (row,) = rows_of(refused.headers["Reference-Id"])
    assert (row.event, row.outcome, row.reason) == (event, "refused", "client_cannot_ask")
