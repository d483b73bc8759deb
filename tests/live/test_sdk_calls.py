"""The official Python SDK on tools that take their time, fail, and ask: each mode, a real server.

The tools are those of tests/conformance, and only this server has them.
"""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import mcp_types
import pytest
from django.db import connection as database

from activity.models import ActivityEvent
from tests.live.conftest import WIDE, Resident, make_resident
from tests.live.sdk import SdkApplication, install
from tests.live.server import LiveServer, serve
from tests.oauth_ext.tokens_by_hand import expire

MODES = ["auto", "legacy", "2026-07-28"]
MODERN_MODES = ["auto", "2026-07-28"]


@pytest.fixture(scope="module")
def host_server(committed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose host application has those tools; its log must not show a fault."""
    log = tmp_path_factory.mktemp("host-server") / "gunicorn.log"
    environment = {**WIDE, "DJANGO_SETTINGS_MODULE": "tests.conformance.fixture_settings"}
    with serve(str(database.settings_dict["NAME"]), log, **environment) as served:
        yield served
    assert "Traceback" not in served.read_log(), served.read_log()


@pytest.fixture(scope="module")
def somebody(host_server: LiveServer) -> Iterator[Resident]:
    """A person who signs in once."""
    made = make_resident(host_server)
    with made.browser:
        yield made


@pytest.fixture
def app(host_server: LiveServer, somebody: Resident) -> Iterator[SdkApplication]:
    """An application that the person lets read."""

    def decide(url: str) -> str:
        return somebody.browser.allow(url, somebody.acme)

    with install(host_server.mcp_url, f"Assistant {uuid4().hex[:8]}", decide) as app:
        yield app


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_reads_what_tools_show(app: SdkApplication, mode: str) -> None:
    async def talk() -> None:
        async with app.session(mode) as client:
            mixed = await client.call_tool("test_multiple_content_types", {})
            assert [each.type for each in mixed.content] == ["text", "image", "resource"]
            failed = await client.call_tool("test_error_handling", {})
            assert failed.is_error
            assert "intentionally returns an error" in failed.content[0].text  # type: ignore[union-attr]

    asyncio.run(talk())


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_hears_of_progress(app: SdkApplication, mode: str) -> None:
    steps: list[tuple[float, float | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        steps.append((progress, total))

    async def talk() -> None:
        async with app.session(mode) as client:
            done = await client.call_tool("test_tool_with_progress", {}, progress_callback=note)
            assert not done.is_error

    asyncio.run(talk())
    assert steps == [(0, 100), (50, 100), (100, 100)]


@pytest.mark.parametrize("mode", MODERN_MODES)
@pytest.mark.parametrize("action", ["accept", "decline"])
def test_the_sdk_answers_a_question_in_the_middle_of_a_call(
    app: SdkApplication, mode: str, action: str
) -> None:
    asked: list[str] = []

    async def fill_in(context: object, params: object) -> mcp_types.ElicitResult:
        assert isinstance(params, mcp_types.ElicitRequestFormParams)
        asked.append(params.message)
        content = {"username": "alice", "email": "alice@example.com"}
        return mcp_types.ElicitResult(
            action=action,  # type: ignore[arg-type]
            content=content if action == "accept" else None,
        )

    async def talk() -> str:
        async with app.session(mode, elicitation_callback=fill_in) as client:
            told = await client.call_tool("test_elicitation", {"message": "Who are you?"})
            assert not told.is_error, told
            return str(told.content[0].text)  # type: ignore[union-attr]

    text = asyncio.run(talk())
    assert asked == ["Who are you?"]
    assert text.startswith(f"User response: {action}")
    assert ("alice@example.com" in text) is (action == "accept")


def test_a_legacy_sdk_reads_that_it_cannot_be_asked(app: SdkApplication) -> None:
    async def talk() -> None:
        async with app.session("legacy") as client:
            told = await client.call_tool("test_elicitation", {"message": "Who are you?"})
            assert told.is_error
            assert "cannot ask" in told.content[0].text  # type: ignore[union-attr]

    asyncio.run(talk())


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_refreshes_when_its_token_has_expired(app: SdkApplication, mode: str) -> None:
    async def talk() -> None:
        async with app.session(mode) as client:
            await client.call_tool("whoami", {})
            kept = app.storage.tokens
            assert kept
            # Hours later, in another process: it knows that the time is over and refreshes.
            later = kept.model_copy(update={"access_token": expire(kept.access_token)})
            app.storage.tokens = app.provider.context.current_tokens = later
            app.provider.context.token_expiry_time = 1
            app.take_sent()
            assert not (await client.call_tool("whoami", {})).is_error
        assert [each.path for each in app.take_sent()] == ["/token", "/mcp"]

    asyncio.run(talk())
    assert len(app.asked) == 1


def test_an_sdk_that_misses_the_expiry_asks_the_person_again(app: SdkApplication) -> None:
    async def talk() -> None:
        async with app.session("auto") as client:
            await client.call_tool("whoami", {})
            kept = app.storage.tokens
            assert kept
            later = kept.model_copy(update={"access_token": expire(kept.access_token)})
            app.storage.tokens = app.provider.context.current_tokens = later
            app.take_sent()
            assert not (await client.call_tool("whoami", {})).is_error

    asyncio.run(talk())
    refused = app.take_sent()[0]
    assert refused.status == 401
    row = ActivityEvent.objects.with_reference(refused.answer_headers["reference-id"]).get()
    assert (row.event, row.reason) == ("mcp.token.refused", "jwt_expired")
    # The SDK does not refresh after a 401; the person sees the page once more.
    assert len(app.asked) == 2
