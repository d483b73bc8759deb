"""The official SDK's client against a server over real HTTP, in each of its modes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ResourceTemplateReference

pytestmark = pytest.mark.django_db(transaction=True)

MODES = ["auto", "legacy", "2026-07-28"]
LATEST = {"auto": "2026-07-28", "legacy": "2025-11-25", "2026-07-28": "2026-07-28"}


def run(url: str, token: str, mode: str, talk: Callable[[Client], Awaitable[Any]]) -> Any:
    """Connect as the SDK does with a static token, talk, and hang up."""

    async def session() -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(url, http_client=http)
            async with Client(transport, mode=mode) as client:
                return await talk(client)

    return asyncio.run(session())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_the_client_connects_lists_and_calls(
    live_server: Any, world: Any, alice_acme: Any, mode: str, path: str
) -> None:
    async def talk(client: Client) -> tuple[Any, ...]:
        tools = await client.list_tools()
        called = await client.call_tool("whoami", {})
        wrong = await client.call_tool("whoami", {"wrong": 1})
        return client.protocol_version, client.server_capabilities, tools, called, wrong

    version, capabilities, tools, called, wrong = run(
        f"{live_server.url}{path}", alice_acme.access_token, mode, talk
    )
    assert version == LATEST[mode]
    # A pinned client asks for nothing beforehand, so it has not heard what there is.
    for served in (capabilities.tools, capabilities.resources, capabilities.prompts):
        assert (served is not None) is (mode != "2026-07-28")
    assert [tool.name for tool in tools.tools] == sorted(tool.name for tool in tools.tools)
    assert called.structured_content["email"] == world.alice.email
    assert not called.is_error and wrong.is_error


@pytest.mark.parametrize("mode", MODES)
def test_the_client_reads_resources_takes_prompts_and_completes(
    live_server: Any, alice_acme: Any, mode: str
) -> None:
    review, own = "review_connected_applications", str(alice_acme.connection.id)

    async def talk(client: Client) -> tuple[Any, ...]:
        listed = await client.list_resources()
        templates = await client.list_resource_templates()
        texts = [
            (await client.read_resource(str(entry.uri))).contents[0] for entry in listed.resources
        ]
        prompts = await client.list_prompts()
        given = await client.get_prompt(review, {"unused_days": "60"})
        reference = ResourceTemplateReference(uri=templates.resource_templates[1].uri_template)
        completed = await client.complete(reference, {"name": "connection_id", "value": own[:4]})
        with pytest.raises(MCPError) as raised:
            await client.read_resource("docjacket://nothing")
        return texts, prompts, given, completed, raised.value

    texts, prompts, given, completed, error = run(
        f"{live_server.url}/mcp", alice_acme.access_token, mode, talk
    )
    assert len(texts) == 2 and all(own in entry.text for entry in texts)
    assert [entry.name for entry in prompts.prompts] == [review]
    assert [message.content.type for message in given.messages] == ["text", "resource"]
    assert completed.completion.values == [own]
    assert error.code == (-32002 if mode == "legacy" else -32602)
    assert error.data["uri"] == "docjacket://nothing"


@pytest.mark.parametrize("mode", MODES)
def test_the_client_reports_an_unknown_tool_as_an_error(
    live_server: Any, alice_acme: Any, mode: str
) -> None:
    async def talk(client: Client) -> MCPError:
        with pytest.raises(MCPError) as raised:
            await client.call_tool("no_such_tool", {})
        return raised.value

    error = run(f"{live_server.url}/mcp", alice_acme.access_token, mode, talk)
    assert error.code == -32602
    assert error.data["reference"] in error.message


@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")
def test_the_legacy_client_pings(live_server: Any, alice_acme: Any) -> None:
    async def talk(client: Client) -> None:
        await client.send_ping()

    run(f"{live_server.url}/mcp", alice_acme.access_token, "legacy", talk)


@pytest.mark.parametrize("mode", MODES)
def test_a_person_with_a_dead_static_token_reads_why(
    live_server: Any, alice_acme: Any, mode: str
) -> None:
    connection = alice_acme.connection
    type(connection).objects.filter(id=connection.id).update(revoked_at="2026-01-01T00:00:00Z")

    async def talk(client: Client) -> Any:
        return await client.list_tools()

    with pytest.raises((MCPError, BaseExceptionGroup)) as raised:
        run(f"{live_server.url}/mcp", alice_acme.access_token, mode, talk)
    error = find_error(raised.value)
    assert error is not None
    assert error.message.startswith("Application has been disconnected.")


def find_error(raised: BaseException) -> MCPError | None:
    """The protocol error in a tree of exception groups."""
    if isinstance(raised, MCPError):
        return raised
    if isinstance(raised, BaseExceptionGroup):
        return next(filter(None, map(find_error, raised.exceptions)), None)
    return None
