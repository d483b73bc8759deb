"""Cursors: a walk through pages, and everything a cursor must not be good for."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Membership
from mcp_endpoint import tool_methods
from mcp_endpoint.cursors import (
    LIFETIME_SECONDS,
    CursorRefusedError,
    cut_page,
    open_cursor,
    seal_cursor,
)
from mcp_endpoint.registry import registry
from oauth_ext.verification import verify_bearer
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import Join, rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_methods, "TOOLS_ON_A_PAGE", 2)


def walk(client: McpClient, post: str = "modern") -> Iterator[list[str]]:
    """The names on each page of ``tools/list``, by the cursors that it gives."""
    params: dict[str, Any] = {}
    while True:
        result = getattr(client, post)("tools/list", params).json()["result"]
        yield [tool["name"] for tool in result["tools"]]
        if "nextCursor" not in result:
            return
        params = {"cursor": result["nextCursor"]}


def find_cursor(client: McpClient) -> str:
    cursor: str = client.modern("tools/list").json()["result"]["nextCursor"]
    return cursor


def see_refusal(client: McpClient, cursor: Any, method: str = "tools/list") -> str:
    """The words of a refusal, after everything else about it is as it must be."""
    answer = client.modern(method, {"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32602), answer.content
    row = rows_of(answer["Reference-Id"])[-1]
    assert (row.event, row.outcome) == ("mcp.request.refused", "refused")
    assert row.reason == "state_tampered"
    text: str = answer.json()["error"]["message"]
    return text.replace(answer["Reference-Id"], "")


@pytest.mark.parametrize("post", ["modern", "legacy"])
def test_pages_show_every_tool_once_and_in_the_same_order(mcp: McpClient, post: str) -> None:
    pages = list(walk(mcp, post))
    assert pages == list(walk(mcp, post))
    names = [tool.name for tool in registry.list_tools()]
    assert [name for page in pages for name in page] == names
    assert {len(page) for page in pages[:-1]} == {2}


def test_all_tools_are_on_one_page_unless_there_are_very_many(
    mcp: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert tool_methods.TOOLS_ON_A_PAGE == 250
    result = mcp.modern("tools/list").json()["result"]
    assert len(result["tools"]) == len(registry.list_tools())
    assert "nextCursor" not in result


@pytest.mark.parametrize("start", ["", None])
def test_an_empty_cursor_asks_for_the_first_page(mcp: McpClient, start: Any) -> None:
    first = mcp.modern("tools/list").json()["result"]["tools"]
    assert mcp.modern("tools/list", {"cursor": start}).json()["result"]["tools"] == first


@pytest.mark.parametrize("cursor", [7, {}, [], True])
def test_a_cursor_that_is_no_text_is_a_malformed_call(mcp: McpClient, cursor: Any) -> None:
    answer = mcp.modern("tools/list", {"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32602)
    assert rows_of(answer["Reference-Id"])[0].reason == "bad_params"


@pytest.mark.case(294)
def test_an_edited_cursor_is_refused(mcp: McpClient) -> None:
    cursor, principal = find_cursor(mcp), verify_bearer(mcp.token or "")
    answer = mcp.modern("tools/list", {"cursor": cursor})
    assert "result" in answer.json()
    for position in range(len(cursor)):
        other = "A" if cursor[position] != "A" else "B"
        edited = cursor[:position] + other + cursor[position + 1 :]
        with pytest.raises(CursorRefusedError):
            open_cursor(principal, "tools/list", edited)
    for edited in ("abc", cursor[:-1], cursor + "A", cursor + "=", " " + cursor, cursor * 40):
        see_refusal(mcp, edited)
    for strange in ("é", "𝔘" * 500, ":::", "." + cursor, "../../x"):
        see_refusal(mcp, strange)


@pytest.mark.case(294)
def test_a_cursor_is_good_for_the_caller_it_was_made_for_and_for_nobody_else(
    world: Any, join: Join, mint: Callable[..., str]
) -> None:
    Membership.objects.filter(user=world.alice).update(role="owner")
    own = McpClient(join(world.alice, world.acme).access_token)
    cursor = find_cursor(own)
    assert "result" in own.modern("tools/list", {"cursor": cursor}).json()
    others = [
        McpClient(join(world.ben, world.acme).access_token),
        McpClient(join(world.alice, world.borealis).access_token),
        McpClient(join(world.alice, world.acme).access_token),
        McpClient(mint(world.alice, world.acme)),
    ]
    words = {see_refusal(other, cursor) for other in others}
    words |= {see_refusal(own, "abc"), see_refusal(others[3], find_cursor(others[2]))}
    assert len(words) == 1, "the answers tell apart what was wrong with it"


@pytest.mark.case(294)
def test_a_cursor_of_another_list_or_with_other_filters_is_refused(mcp: McpClient) -> None:
    principal = verify_bearer(mcp.token or "")
    sealed = seal_cursor(principal, "search", 7, {"tool": "whoami", "limit": 3})
    assert open_cursor(principal, "search", sealed, {"limit": 3, "tool": "whoami"}) == 7
    for method, filters in (
        ("search", {"tool": "whoami", "limit": 4}),
        ("search", {"tool": "whoami"}),
        ("search", None),
        ("tools/list", {"tool": "whoami", "limit": 3}),
    ):
        with pytest.raises(CursorRefusedError):
            open_cursor(principal, method, sealed, filters)
    see_refusal(mcp, sealed)


@pytest.mark.case(294)
def test_a_cursor_ends_after_an_hour(mcp: McpClient, mint: Callable[..., str], world: Any) -> None:
    client = McpClient(mint(world.alice, world.acme))
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False):
        cursor = find_cursor(client)
    with time_machine.travel(now + timedelta(seconds=LIFETIME_SECONDS - 2), tick=False):
        assert "result" in client.modern("tools/list", {"cursor": cursor}).json()
    with time_machine.travel(now + timedelta(seconds=LIFETIME_SECONDS + 2), tick=False):
        see_refusal(client, cursor)


def test_a_cursor_outlives_a_new_secret_key_that_names_the_old_one(
    mcp: McpClient, settings: Any
) -> None:
    cursor = find_cursor(mcp)
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another secret key for the tests, long"
    see_refusal(mcp, cursor)
    settings.SECRET_KEY_FALLBACKS = [former]
    assert "result" in mcp.modern("tools/list", {"cursor": cursor}).json()


def test_a_page_goes_on_behind_a_tool_that_is_gone(mcp: McpClient, add_tool: Any) -> None:
    names = [tool.name for tool in registry.list_tools()]
    cursor = find_cursor(mcp)
    removed = registry.find(names[1])
    assert removed
    registry.remove(names[1])
    try:
        result = mcp.modern("tools/list", {"cursor": cursor}).json()["result"]
        assert [tool["name"] for tool in result["tools"]] == names[2:4]
    finally:
        registry.add(removed)


@settings(max_examples=100, deadline=None)
@given(st.sets(st.text(min_size=1, max_size=4), max_size=30), st.integers(1, 7))
def test_pages_put_together_are_the_list(names: set[str], size: int) -> None:
    items, seen, after = sorted(names), [], None
    for _ in range(len(items) + 1):
        page, after = cut_page(items, str, after=after, size=size)
        assert len(page) <= size
        seen += page
        if after is None:
            break
    assert seen == items
