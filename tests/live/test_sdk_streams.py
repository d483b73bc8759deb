"""The official Python SDK takes our streams: progress while a tool is at work, cancellation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from django.db import connections
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.live.conftest import Caller
from tests.live.person import NO_AUTHORITIES
from tests.live.server import LiveServer
from tests.live.streams import wait_for
from tests.live.test_sdk_journey import MODES
from tests.live.test_streams import ends_of_key, is_founded, new_key


@asynccontextmanager
async def open_client(server: LiveServer, caller: Caller, mode: str) -> AsyncIterator[Client]:
    """The SDK with a personal access token."""
    headers = {"Authorization": f"Bearer {caller.token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30, verify=NO_AUTHORITIES) as http:
        transport = streamable_http_client(server.mcp_url, http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def has_ended(key: str) -> bool:
    """For a thread of its own, which must not leave its connection behind."""
    try:
        return bool(ends_of_key(key))
    finally:
        connections.close_all()


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_hears_of_each_step_before_the_end(
    tool_server: LiveServer, caller: Caller, mode: str
) -> None:
    key = new_key()
    heard: list[tuple[float, float | None, str | None, bool]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message, await anyio.to_thread.run_sync(has_ended, key)))

    async def call() -> None:
        async with open_client(tool_server, caller, mode) as client:
            arguments = {"key": key, "steps": 3, "pause": 0.4}
            result = await client.call_tool("walk", arguments, progress_callback=hear)
            assert result.is_error is False

    asyncio.run(call())
    assert [step[:3] for step in heard] == [(n, 3, f"Step {n}") for n in (1, 2, 3)]
    # The last comes together with the end.
    assert [step[3] for step in heard[:2]] == [False, False]


def test_an_sdk_that_gives_up_cancels_the_call(tool_server: LiveServer, caller: Caller) -> None:
    key = new_key()

    async def call() -> None:
        async with open_client(tool_server, caller, "2026-07-28") as client:
            arguments = {"key": key, "steps": 20, "pause": 0.4}
            with anyio.move_on_after(1):
                await client.call_tool("note_slowly", arguments)

    asyncio.run(call())
    wait_for(lambda: ends_of_key(key))
    assert ends_of_key(key) == [("cancelled", "client_gone")]
    assert not is_founded(key)
