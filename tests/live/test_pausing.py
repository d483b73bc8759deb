"""The official Python SDK while its connection is paused: it says so, keeps its tokens, goes on."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from mcp import MCPError

from activity.models import ActivityEvent
from tests.live.conftest import Resident
from tests.live.sdk import SdkApplication, install
from tests.live.server import LiveServer

MODES = ["auto", "legacy", "2026-07-28"]
EVERYTHING = ("read", "draft", "actions")


@pytest.fixture
def apps(server: LiveServer, settled: Resident) -> Iterator[tuple[SdkApplication, SdkApplication]]:
    """Two applications of one person, both allowed everything."""

    def decide(url: str) -> str:
        return settled.browser.allow(url, settled.acme, EVERYTHING)

    name = f"Assistant {uuid4().hex[:8]}"
    with (
        install(server.mcp_url, f"{name} one", decide) as one,
        install(server.mcp_url, f"{name} two", decide) as two,
    ):
        yield one, two


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_is_told_of_a_pause_and_works_again_with_the_same_token(
    apps: tuple[SdkApplication, SdkApplication], settled: Resident, mode: str
) -> None:
    app, _ = apps
    references: list[str] = []

    async def talk() -> None:
        async with app.session(mode) as client:
            await client.call_tool("whoami", {})
            token = app.storage.tokens
            assert token
            page = settled.browser.pause(app.name)
            assert "is paused in" in page.html
            app.take_sent()
            with pytest.raises(MCPError, match="has been paused") as raised:
                await client.call_tool("whoami", {})
            assert raised.value.error.data["error"] == "paused"
            assert [(each.path, each.status) for each in app.sent] == [("/mcp", 403)]
            assert "www-authenticate" not in app.sent[0].answer_headers
            references.append(raised.value.error.data["reference"])
            assert app.storage.tokens == token
            settled.browser.resume(app.name)
            assert not (await client.call_tool("whoami", {})).is_error
            assert app.storage.tokens == token

    asyncio.run(talk())
    assert len(app.asked) == 1
    row = ActivityEvent.objects.with_reference(references[0]).get()
    assert (row.event, row.reason) == ("mcp.token.refused", "connection_paused")


@pytest.mark.parametrize("mode", MODES)
def test_a_token_that_runs_out_during_a_pause_is_renewed_and_the_person_left_alone(
    apps: tuple[SdkApplication, SdkApplication], settled: Resident, mode: str
) -> None:
    app, other = apps

    async def talk() -> None:
        async with app.session(mode) as client, other.session(mode) as second:
            told = (await client.call_tool("whoami", {})).structured_content
            chosen = {"connection_id": told["connection_id"]}
            paused = await second.call_tool("pause_application", chosen)
            assert paused.structured_content["state"] == "paused"
            app.provider.context.token_expiry_time = 1
            app.take_sent()
            with pytest.raises(MCPError, match="has been paused"):
                await client.call_tool("resume_application", chosen)
            sent = [(each.path, each.status) for each in app.sent]
            assert sent == [("/token", 200), ("/mcp", 403)]
            await second.call_tool("resume_application", chosen)
            assert not (await client.call_tool("whoami", {})).is_error

    asyncio.run(talk())
    assert len(app.asked) == 1
