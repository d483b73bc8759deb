"""Prompts over HTTP: what is listed, what is given, and what is refused."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from django.db import OperationalError
from mcp_types import methods
from pydantic import Field

from mcp_endpoint import readings
from mcp_endpoint.content import Audio, EmbeddedResource, Image, ResourceLink, Text
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.prompts import Message, prompt_registry
from tests.mcp_client import LATEST_LEGACY, MODERN, McpClient
from tests.mcp_endpoint.conftest import AddPrompt, Join, rows_of

pytestmark = pytest.mark.django_db

REVISIONS = ["2025-03-26", "2025-06-18", LATEST_LEGACY, MODERN]
REVIEW = "review_connected_applications"


def ask(client: McpClient, version: str, method: str, params: Any = None) -> Any:
    """The answer in this revision."""
    if version == MODERN:
        return client.modern(method, params)
    return client.legacy(method, params, version=version)


def give(client: McpClient, name: str, version: str = MODERN, **arguments: Any) -> list[Any]:
    """The messages of a prompt, held to the official schema."""
    params = {"name": name, **({"arguments": arguments} if arguments else {})}
    result = ask(client, version, "prompts/get", params).json()["result"]
    methods.validate_server_result("prompts/get", version, result)
    messages: list[Any] = result["messages"]
    return messages


def see_refusal(client: McpClient, params: dict[str, Any]) -> tuple[str, Any]:
    """The words of a refusal that is the same in both eras, and its row."""
    told = set()
    for post in (client.legacy, client.modern):
        answer = post("prompts/get", params)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (200, -32602), answer.content
        rows = [row for row in rows_of(answer["Reference-Id"]) if row.outcome == "refused"]
        (row,) = rows
        told.add(error["message"].partition(" Reference: ")[0])
    (words,) = told
    return words, row


@pytest.mark.parametrize("version", REVISIONS)
def test_the_list_shows_the_arguments_of_each_prompt(mcp: McpClient, version: str) -> None:
    result = ask(mcp, version, "prompts/list").json()["result"]
    methods.validate_server_result("prompts/list", version, result)
    (review,) = [entry for entry in result["prompts"] if entry["name"] == REVIEW]
    (argument,) = review["arguments"]
    assert (argument["name"], argument["required"]) == ("unused_days", False)
    assert argument["description"] and review["title"] and review["description"]
    assert (result.get("cacheScope") == "private") is (version == MODERN)


@pytest.mark.parametrize("version", REVISIONS)
def test_the_review_tells_the_model_what_to_do_and_brings_the_list(
    mcp: McpClient, alice_acme: Any, version: str
) -> None:
    instructions, attached = give(mcp, REVIEW, version, unused_days="90")
    assert instructions["role"] == attached["role"] == "user"
    text = instructions["content"]["text"]
    for expected in ("90 days", "Acme", "disconnect_application", "search_activity", "claims"):
        assert expected in text
    assert attached["content"]["type"] == "resource"
    document = json.loads(attached["content"]["resource"]["text"])
    assert [entry["connection_id"] for entry in document["connections"]] == [
        str(alice_acme.connection.id)
    ]
    uri = attached["content"]["resource"]["uri"]
    read = mcp.modern("resources/read", {"uri": uri}).json()["result"]["contents"][0]
    assert json.loads(read["text"])["organization"] == document["organization"]
    assert "30 days" in give(mcp, REVIEW, version)[0]["content"]["text"]


@pytest.mark.case(312)
def test_the_review_shows_the_callers_own_connections_only(world: Any, join: Join) -> None:
    own, foreign = join(world.alice, world.acme), join(world.cleo, world.borealis)
    colleague = join(world.ben, world.acme)
    told = json.dumps(give(McpClient(own.access_token), REVIEW))
    assert str(own.connection.id) in told
    for other in (foreign, colleague):
        assert str(other.connection.id) not in told
        assert other.client.client_id not in told


def test_being_given_a_prompt_is_recorded_without_what_must_not_be_kept(
    mcp: McpClient, add_prompt: AddPrompt
) -> None:
    def greet(context: CallContext, name: str, word: str = "") -> str:
        """Greet somebody."""
        return f"Hello {name}"

    add_prompt(greet, redact=["word"])
    answer = mcp.modern(
        "prompts/get", {"name": "greet", "arguments": {"name": "Ben", "word": "sesame"}}
    )
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.event, row.outcome) == ("mcp.prompt.given", "succeeded")
    assert row.details == {"prompt": "greet", "arguments": {"name": "Ben", "word": "[redacted]"}}
    assert row.latency_ms is not None


@pytest.mark.parametrize("version", REVISIONS)
def test_prompts_say_texts_images_sounds_links_and_resources(
    mcp: McpClient, add_prompt: AddPrompt, version: str
) -> None:
    def test_simple_prompt(context: CallContext) -> str:
        """Simple."""
        return "This is a simple prompt for testing."

    def test_prompt_with_arguments(context: CallContext, arg1: str, arg2: str) -> Message:
        """With arguments."""
        return Message(f"arg1={arg1!r}, arg2={arg2!r}", role="assistant")

    def test_prompt_with_embedded_resource(
        context: CallContext, resourceUri: str
    ) -> list[EmbeddedResource | str]:
        """With a resource."""
        return [EmbeddedResource(resourceUri, "Embedded", "text/plain"), "Please process it."]

    def test_prompt_with_media(context: CallContext) -> list[Any]:
        """With media."""
        return [
            Image(b"\x89PNG", "image/png"),
            Audio(b"RIFF", "audio/wav"),
            ResourceLink("test://static-text", "A text"),
            Message(Text("Look at these.")),
        ]

    for function in (
        test_simple_prompt,
        test_prompt_with_arguments,
        test_prompt_with_embedded_resource,
        test_prompt_with_media,
    ):
        add_prompt(function)
    assert give(mcp, "test_simple_prompt", version) == [
        {
            "role": "user",
            "content": {"type": "text", "text": "This is a simple prompt for testing."},
        }
    ]
    (said,) = give(mcp, "test_prompt_with_arguments", version, arg1="hello", arg2="world")
    assert said["role"] == "assistant"
    assert said["content"]["text"] == "arg1='hello', arg2='world'"
    embedded, asked = give(
        mcp, "test_prompt_with_embedded_resource", version, resourceUri="test://example-resource"
    )
    assert embedded["content"]["resource"] == {
        "uri": "test://example-resource",
        "mimeType": "text/plain",
        "text": "Embedded",
    }
    assert asked["content"]["type"] == "text"
    kinds = [entry["content"]["type"] for entry in give(mcp, "test_prompt_with_media", version)]
    link = "text" if version == "2025-03-26" else "resource_link"
    assert kinds == ["image", "audio", link, "text"]


@pytest.mark.parametrize(
    "name", ["nothing", "", "Review_connected_applications", "../x", "x" * 999]
)
def test_an_unknown_prompt_is_refused(mcp: McpClient, name: str) -> None:
    words, row = see_refusal(mcp, {"name": name})
    assert words.startswith("There is no prompt of this name.")
    assert (row.event, row.reason) == ("mcp.request.refused", "unknown_prompt")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"unused_days": "many"}, "unused_days: Input should be a valid integer"),
        ({"unused_days": "0"}, "unused_days: Input should be greater than or equal to 1"),
        ({"unused_days": "99999"}, "unused_days: Input should be less than or equal to 3650"),
        ({"unused_days": 30}, "unused_days: must be a string"),
        ({"unused_days": None}, "unused_days: must be a string"),
        ({"days": "30"}, "days: there is no such argument"),
        ({"x" * 200: "30"}, "x" * 64 + ": there is no such argument"),
    ],
)
def test_wrong_arguments_are_named_and_not_repeated(
    mcp: McpClient, arguments: dict[str, Any], problem: str
) -> None:
    words, row = see_refusal(mcp, {"name": REVIEW, "arguments": arguments})
    assert problem in words
    assert "many" not in words and "99999" not in words
    assert (row.event, row.reason) == ("mcp.prompt.given", "invalid_arguments")
    assert give(mcp, REVIEW, unused_days="3650")


def test_a_missing_argument_is_named(mcp: McpClient, add_prompt: AddPrompt) -> None:
    def order(context: CallContext, dish: str, size: Literal["small", "large"]) -> str:
        """Order something."""
        return f"{size} {dish}"

    add_prompt(order)
    words, _ = see_refusal(mcp, {"name": "order", "arguments": {"size": "huge"}})
    assert "dish: is missing" in words
    assert "size: Input should be 'small' or 'large'" in words
    assert give(mcp, "order", dish="soup", size="small")


@pytest.mark.parametrize("params", [{}, {"name": 7}, {"name": REVIEW, "arguments": []}])
def test_a_malformed_question_is_refused(mcp: McpClient, params: dict[str, Any]) -> None:
    answer = mcp.legacy("prompts/get", params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32602)
    assert rows_of(answer["Reference-Id"])[0].reason == "bad_params"


@pytest.mark.case(295, 308)
def test_a_missing_tier_is_403_and_hides_the_prompt(
    world: Any, join: Join, add_prompt: AddPrompt
) -> None:
    def act(context: CallContext) -> str:
        """Act."""
        return "act"

    add_prompt(act, scope="actions")
    with_it = McpClient(join(world.alice, world.acme, ("actions",)).access_token)
    without = McpClient(join(world.alice, world.acme, ("read", "draft")).access_token)
    names = [
        {entry["name"] for entry in client.modern("prompts/list").json()["result"]["prompts"]}
        for client in (with_it, without)
    ]
    assert names[0] == {"act"}
    assert names[1] == {entry.name for entry in prompt_registry.list_prompts()} - {"act"}
    assert give(with_it, "act")
    answer = without.modern("prompts/get", {"name": "act"})
    assert (answer.status_code, answer.json()["error"]["data"]["scope"]) == (403, "actions")
    world.alice.memberships.update(role="viewer")
    words, row = see_refusal(without, {"name": "act"})
    assert "role does not allow" in words
    assert row.reason == "role_scope"
    # A role is heard before anything else about the request is judged.
    assert "role does not" in see_refusal(without, {"name": "act", "arguments": {"x": "y"}})[0]


def test_what_a_prompt_refuses_reads_as_it_says_and_a_fault_says_nothing(
    mcp: McpClient, add_prompt: AddPrompt
) -> None:
    def closed(context: CallContext) -> str:
        """Closed."""
        raise ToolError("It is closed. Come back tomorrow.", reason="closed")

    def broken(context: CallContext) -> str:
        """Broken."""
        raise RuntimeError("password")

    def silent(context: CallContext) -> list[str]:
        """Says nothing."""
        return []

    for function in (closed, broken, silent):
        add_prompt(function)
    words, row = see_refusal(mcp, {"name": "closed"})
    assert words == "It is closed. Come back tomorrow."
    assert (row.event, row.reason) == ("mcp.prompt.given", "closed")
    for name, reason in (("broken", "RuntimeError"), ("silent", "TypeError")):
        answer = mcp.modern("prompts/get", {"name": name})
        assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32603)
        assert b"password" not in answer.content
        (row,) = rows_of(answer["Reference-Id"])
        assert (row.event, row.outcome, row.reason) == ("mcp.prompt.given", "failed", reason)


def test_a_prompt_that_cannot_be_recorded_is_not_given(
    mcp: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("no more room")

    monkeypatch.setattr(readings, "record_event", refuse)
    answer = mcp.modern("prompts/get", {"name": REVIEW})
    assert answer.status_code == 503
    assert b"messages" not in answer.content


def test_the_header_must_name_the_prompt_or_the_uri(mcp: McpClient) -> None:
    for method, params in (
        ("prompts/get", {"name": REVIEW}),
        ("resources/read", {"uri": "docjacket://connections"}),
    ):
        assert "result" in mcp.modern(method, params).json()
        for name in (None, "another"):
            answer = mcp.modern(method, params, headers={"Mcp-Name": name})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)


Complete = Callable[..., Any]


@pytest.fixture
def complete(mcp: McpClient) -> Complete:
    """``complete(reference, argument, typed) -> the completion``, by a caller of its own."""

    def complete(
        reference: dict[str, str],
        name: str,
        typed: str,
        *,
        client: McpClient = mcp,
        version: str = MODERN,
        **more: Any,
    ) -> Any:
        params = {"ref": reference, "argument": {"name": name, "value": typed}, **more}
        result = ask(client, version, "completion/complete", params).json()["result"]
        methods.validate_server_result("completion/complete", version, result)
        assert "ttlMs" not in result
        return result["completion"]

    return complete


FOR_REVIEW = {"type": "ref/prompt", "name": REVIEW}
FOR_CONNECTION = {"type": "ref/resource", "uri": "docjacket://connection/{connection_id}"}
FOR_EVENT = {"type": "ref/resource", "uri": "docjacket://activity/{event_id}"}


@pytest.mark.parametrize("version", REVISIONS)
def test_an_argument_is_completed_while_it_is_typed(complete: Complete, version: str) -> None:
    every = complete(FOR_REVIEW, "unused_days", "", version=version)
    assert every["total"] == len(every["values"]) == 7
    assert every["hasMore"] is False
    context = {"context": {"arguments": {"other": "1"}}}
    some = complete(FOR_REVIEW, "unused_days", "3", version=version, **context)
    assert some == {"values": ["30", "365"], "total": 2, "hasMore": False}
    none = complete(FOR_REVIEW, "unused_days", "x", version=version)
    assert none == {"values": [], "total": 0, "hasMore": False}


@pytest.mark.case(312, 308)
def test_ids_are_suggested_only_of_what_the_caller_may_read(
    world: Any, join: Join, complete: Complete
) -> None:
    people = {
        "alice": join(world.alice, world.acme),
        "ben": join(world.ben, world.acme),
        "cleo": join(world.cleo, world.borealis),
    }
    rows = {}
    for name, connected in people.items():
        answer = McpClient(connected.access_token).call("whoami")
        rows[name] = str(rows_of(answer["Reference-Id"])[0].id)
    for asking, seen in (("alice", {"alice", "ben"}), ("ben", {"ben"}), ("cleo", {"cleo"})):
        client = McpClient(people[asking].access_token)
        ids = complete(FOR_CONNECTION, "connection_id", "", client=client)["values"]
        for name, connected in people.items():
            assert (str(connected.connection.id) in ids) is (name in seen), (asking, name)
            suggested = complete(FOR_EVENT, "event_id", rows[name], client=client)["values"]
            assert (rows[name] in suggested) is (name in seen), (asking, name)
        for value in ids:
            answer = client.modern("resources/read", {"uri": f"docjacket://connection/{value}"})
            assert "result" in answer.json()


def test_at_most_a_hundred_values_are_suggested(complete: Complete, add_prompt: AddPrompt) -> None:
    def pick(context: CallContext, number: str, plain: str = "") -> str:
        """Pick a number."""
        return number

    add_prompt(
        pick, complete={"number": lambda context, typed: [f"{typed}{n}" for n in range(150)]}
    )
    reference = {"type": "ref/prompt", "name": "pick"}
    found = complete(reference, "number", "n")
    assert found == {"values": [f"n{n}" for n in range(100)], "total": 150, "hasMore": True}
    assert complete(reference, "plain", "n")["values"] == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ref": None}, "bad_params"),
        ({"ref": "x"}, "bad_params"),
        ({"ref": {"type": "ref/tool", "name": "whoami"}}, "bad_params"),
        ({"ref": {"type": "ref/prompt"}}, "bad_params"),
        ({"ref": {"type": "ref/resource", "name": REVIEW}}, "bad_params"),
        ({"ref": {"type": ["ref/prompt"], "name": REVIEW}}, "bad_params"),
        ({"ref": {"type": "ref/prompt", "name": "whoami"}}, "unknown_prompt"),
        ({"ref": {"type": "ref/resource", "uri": "docjacket://nothing/{id}"}}, "unknown_resource"),
        ({"ref": {"type": "ref/resource", "uri": "docjacket://activity/7"}}, "unknown_resource"),
        ({"argument": None}, "bad_params"),
        ({"argument": {"name": "unused_days"}}, "bad_params"),
        ({"argument": {"name": "unused_days", "value": 3}}, "bad_params"),
        ({"argument": {"name": "unused_days", "value": "3" * 1025}}, "bad_params"),
        ({"argument": {"name": "other", "value": ""}}, "invalid_arguments"),
    ],
)
def test_a_wrong_question_for_a_completion_is_refused(
    mcp: McpClient, changes: dict[str, Any], reason: str
) -> None:
    right = {"ref": FOR_REVIEW, "argument": {"name": "unused_days", "value": "3"}}
    assert "result" in mcp.modern("completion/complete", right).json()
    for post in (mcp.modern, mcp.legacy):
        answer = post("completion/complete", right | changes)
        assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32602)
        (row,) = rows_of(answer["Reference-Id"])
        assert (row.outcome, row.reason) == ("refused", reason)


@pytest.mark.case(295)
def test_nothing_is_suggested_for_what_the_caller_may_not_have(
    world: Any, join: Join, add_prompt: AddPrompt
) -> None:
    def act(context: CallContext, what: str) -> str:
        """Act."""
        return what

    add_prompt(act, scope="actions", complete={"what": lambda context, typed: ["secret"]})
    params = {
        "ref": {"type": "ref/prompt", "name": "act"},
        "argument": {"name": "what", "value": ""},
    }
    with_it = McpClient(join(world.alice, world.acme, ("actions",)).access_token)
    without = McpClient(join(world.alice, world.acme, ("read",)).access_token)
    assert b"secret" in with_it.modern("completion/complete", params).content
    answer = without.modern("completion/complete", params)
    assert answer.status_code == 403
    assert b"secret" not in answer.content


@pytest.mark.parametrize(
    ("suggested", "reason"),
    [
        ("text", "TypeError"),
        ([1], "TypeError"),
        (None, "TypeError"),
        ([b"x"], "TypeError"),
        (["\ud800"], "UnicodeEncodeError"),
    ],
)
def test_a_fault_in_a_completer_says_nothing_and_is_recorded(
    mcp: McpClient, add_prompt: AddPrompt, suggested: Any, reason: str
) -> None:
    def pick(context: CallContext, number: str) -> str:
        """Pick a number."""
        return number

    add_prompt(pick, complete={"number": lambda context, typed: suggested})
    params = {
        "ref": {"type": "ref/prompt", "name": "pick"},
        "argument": {"name": "number", "value": ""},
    }
    answer = mcp.modern("completion/complete", params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32603)
    (row,) = rows_of(answer["Reference-Id"])
    assert (row.event, row.outcome, row.reason) == ("http.request.failed", "failed", reason)


def test_completions_are_not_recorded(
    mcp: McpClient, complete: Complete, log: Callable[[], Any]
) -> None:
    mcp.modern("tools/list")
    before = log().count()
    complete(FOR_REVIEW, "unused_days", "3")
    assert log().count() == before


def test_descriptions_of_arguments_come_from_their_annotation(
    mcp: McpClient, add_prompt: AddPrompt
) -> None:
    def ask_for(
        context: CallContext, what: Annotated[str, Field(description="What to ask for.")], why: str
    ) -> str:
        """Ask."""
        return what

    add_prompt(ask_for)
    listed = mcp.modern("prompts/list").json()["result"]["prompts"]
    assert next(entry for entry in listed if entry["name"] == "ask_for")["arguments"] == [
        {"name": "what", "description": "What to ask for.", "required": True},
        {"name": "why", "required": True},
    ]
