"""The official Python SDK and a person, from the pasted URL to the refusal, on a real server."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from mcp import MCPError

from activity.models import ActivityEvent
from tests.live.application import Application
from tests.live.conftest import Resident
from tests.live.sdk import AuthorizationDeniedError, SdkApplication, Sent, install
from tests.live.server import LiveServer

MODES = ["auto", "legacy", "2026-07-28"]
METADATA = "/.well-known/oauth-protected-resource/mcp"
DISCOVERY = [("GET", METADATA, 200), ("GET", "/.well-known/oauth-authorization-server", 200)]


@dataclass
class Mind:
    """What the person will do about the next consent page."""

    resident: Resident
    allows: bool = True
    scopes: tuple[str, ...] = ("read",)

    def decide(self, url: str) -> str:
        """Allow it for Acme, or cancel."""
        browser = self.resident.browser
        if not self.allows:
            return browser.cancel(url)
        return browser.allow(url, self.resident.acme, self.scopes)


@pytest.fixture
def mind(settled: Resident) -> Mind:
    """A person who allows reading."""
    return Mind(settled)


@pytest.fixture
def app(server: LiveServer, mind: Mind) -> Iterator[SdkApplication]:
    """An application that knows nothing but the URL that was pasted."""
    with install(server.mcp_url, f"Assistant {uuid4().hex[:8]}", mind.decide) as app:
        yield app


def outline(sent: Sequence[Sent]) -> list[tuple[str, str, int]]:
    """Method, path and status of each request."""
    return [(each.method, each.path, each.status) for each in sent]


def find_leaves(error: BaseException) -> list[BaseException]:
    """The errors in a tree of exception groups."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in find_leaves(each)]
    return [error]


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_connects_itself_from_the_pasted_url(
    app: SdkApplication, mind: Mind, mode: str
) -> None:
    async def talk() -> None:
        async with app.session(mode) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            # What the person did not allow is not listed.
            assert "whoami" in tools and "disconnect_application" not in tools
            told = (await client.call_tool("whoami", {})).structured_content
            assert told["email"] == mind.resident.user.email
            assert told["organization"] == mind.resident.acme
            assert (told["client"], told["scopes"]) == (app.name, ["read"])

    asyncio.run(talk())
    sent = app.take_sent()
    assert outline(sent)[:6] == [
        ("POST", "/mcp", 401),
        *DISCOVERY,
        ("POST", "/register", 201),
        ("POST", "/token", 200),
        ("POST", "/mcp", 200),
    ]
    assert "authorization" not in sent[0].headers
    assert {each.status for each in sent[6:]} <= {200, 202}
    assert len(app.asked) == 1


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_refreshes_by_itself_and_after_a_restart(app: SdkApplication, mode: str) -> None:
    async def talk() -> None:
        async with app.session(mode) as client:
            await client.call_tool("whoami", {})
            first = app.storage.tokens
            app.take_sent()
            app.provider.context.token_expiry_time = 1
            assert not (await client.call_tool("whoami", {})).is_error
        assert outline(app.take_sent()) == [("POST", "/token", 200), ("POST", "/mcp", 200)]
        assert first and app.storage.tokens
        assert app.storage.tokens.refresh_token != first.refresh_token
        async with replace(app).session(mode) as client:
            assert not (await client.call_tool("whoami", {})).is_error

    asyncio.run(talk())
    assert {each.status for each in app.take_sent()} <= {200, 202}
    assert len(app.asked) == 1


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_is_refused_on_its_next_call_once_the_person_disconnects_it(
    app: SdkApplication, mind: Mind, resident: Resident, mode: str
) -> None:
    mind.resident = resident

    async def talk() -> None:
        async with app.session(mode) as client:
            await client.call_tool("whoami", {})
            page = resident.browser.disconnect(app.name)
            assert "Its very next call will be refused." in page.html
            mind.allows = False
            app.take_sent()
            await client.call_tool("whoami", {})

    with pytest.raises(BaseException) as raised:
        asyncio.run(talk())
    # The SDK asks the person again, who cancels: that is what the application gets to see.
    assert AuthorizationDeniedError in map(type, find_leaves(raised.value))
    sent = app.take_sent()
    assert outline(sent) == [("POST", "/mcp", 401), *DISCOVERY]
    refused = sent[0]
    challenge = refused.answer_headers["www-authenticate"]
    assert 'error_description="Application has been disconnected"' in challenge
    assert "Application has been disconnected." in refused.answer
    row = ActivityEvent.objects.with_reference(refused.answer_headers["reference-id"]).get()
    assert (row.event, row.reason) == ("mcp.token.refused", "connection_revoked")
    assert row.user_id == resident.user.id
    assert_rows_tell_the_story(resident, mode)


def assert_rows_tell_the_story(resident: Resident, mode: str) -> None:
    """Every step is in the log, once, in order."""
    told = [row.event for row in ActivityEvent.objects.of_user(resident.user.id).order_by("id")]
    assert told == [
        "accounts.sign_in.succeeded",
        "oauth.consent.shown",
        "oauth.consent.granted",
        "oauth.code.issued",
        "oauth.token.issued",
        # A pinned client opens nothing: its first request is the call.
        *([] if mode == "2026-07-28" else ["mcp.session.opened"]),
        "mcp.tool.called",
        "oauth.connection.revoked",
        "mcp.token.refused",
        "oauth.consent.shown",
        "oauth.consent.denied",
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_disconnected_sdk_works_again_when_the_person_allows_it_again(
    app: SdkApplication, mind: Mind, mode: str
) -> None:
    async def talk() -> None:
        async with app.session(mode) as client:
            before = (await client.call_tool("whoami", {})).structured_content
            mind.resident.browser.disconnect(app.name)
            after = (await client.call_tool("whoami", {})).structured_content
            assert after["client_id"] == before["client_id"]
            assert after["connection_id"] != before["connection_id"]

    asyncio.run(talk())
    assert len(app.asked) == 2


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_asks_the_person_for_more_when_a_tool_needs_it(
    server: LiveServer, app: SdkApplication, mind: Mind, mode: str
) -> None:
    other = Application.register(server, f"Other {uuid4().hex[:8]}")
    other.connect(mind.resident.browser, mind.resident.acme)

    async def talk() -> None:
        async with app.session(mode) as client:
            listed = (await client.call_tool("list_connected_applications", {})).structured_content
            (connection_id,) = (
                each["connection_id"]
                for each in listed["applications"]
                if each["client_id"] == other.client_id
            )
            mind.scopes = ("read", "actions")
            app.take_sent()
            answer = await client.call_tool(
                "disconnect_application", {"connection_id": connection_id}
            )
            assert not answer.is_error

    asyncio.run(talk())
    sent = outline(app.take_sent())
    assert sent[:3] == [("POST", "/mcp", 403), ("POST", "/token", 200), ("POST", "/mcp", 200)]
    # It looks for the schema of a tool that was not listed before.
    assert set(sent[3:]) <= {("POST", "/mcp", 200)}
    assert [find_scope(url) for url in app.asked] == ["read+draft+actions", "read+draft+actions"]


@pytest.mark.parametrize("mode", MODES)
def test_a_person_who_leaves_the_box_unticked_keeps_the_tool_closed(
    app: SdkApplication, mode: str
) -> None:
    async def talk() -> None:
        async with app.session(mode) as client:
            await client.call_tool("whoami", {})
            with pytest.raises(MCPError, match="needs permission"):
                await client.call_tool("disconnect_application", {"connection_id": str(uuid4())})
            assert not (await client.call_tool("whoami", {})).is_error

    asyncio.run(talk())
    assert len(app.asked) == 2


def find_scope(url: str) -> str:
    """The scope parameter of an authorization URL, as it is encoded."""
    return url.partition("&scope=")[2].partition("&")[0]
