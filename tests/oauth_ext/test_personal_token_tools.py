"""A personal access token for some tools only: the others don't exist for it."""

import re
from typing import Any

import pytest
from django.test import Client as Browser

from accounts.models import Membership
from mcp_endpoint.registry import registry
from oauth_ext.grantable_tools import list_grantable_tools
from oauth_ext.models import PersonalAccessToken
from oauth_ext.personal_tokens import (
    ScopeNotGrantableError,
    UnknownToolError,
    mint_personal_token,
)
from tests.conftest import World
from tests.mcp_client import McpClient
from tests.oauth_ext.conftest import photograph, row_behind
from tests.oauth_ext.test_personal_tokens import MINT, PAGE, fill_in, read_secret

pytestmark = [pytest.mark.django_db, pytest.mark.case(245, 295)]


@pytest.fixture
def alice(sign_in: Any, world: World) -> Browser:
    """Alice, who has just signed in."""
    browser: Browser = sign_in(world.alice)
    return browser


def list_names(token: str, send: str) -> list[str]:
    """The names that tools/list shows, in either era."""
    answer = getattr(McpClient(token), send)("tools/list")
    assert answer.status_code == 200
    return [listed["name"] for listed in answer.json()["result"]["tools"]]


def mask(body: bytes) -> str:
    """An answer without its reference."""
    return re.sub(r"[0-9A-Z]{13}", "", body.decode())


def test_the_form_offers_every_registered_tool(alice: Browser) -> None:
    names = [tool.name for tool in registry.list_tools()]
    assert [tool.name for tool in list_grantable_tools()] == names
    page = alice.get(PAGE).content.decode()
    assert re.findall(r'name="tools" value="(\w+)"', page) == names


@pytest.mark.parametrize("send", ["modern", "legacy"])
def test_a_narrowed_token_lists_and_calls_its_tools_only(
    alice: Browser, world: World, send: str
) -> None:
    secret = read_secret(alice.post(MINT, fill_in(world, tools=["whoami"])))
    assert PersonalAccessToken.objects.get().allowed_tools == ["whoami"]
    assert list_names(secret, send) == ["whoami"]
    assert McpClient(secret).use("whoami")["email"] == "alice@acme.example"
    assert "Only Who am I" in alice.get(PAGE).content.decode()


def test_a_hidden_tool_is_refused_like_one_that_does_not_exist_and_is_recorded(
    alice: Browser, world: World, log: Any
) -> None:
    secret = read_secret(alice.post(MINT, fill_in(world, tools=["whoami"])))
    client = McpClient(secret)
    for send in (client.modern, client.legacy):
        before = photograph()["Connection"]
        hidden = send("tools/call", {"name": "search_activity", "arguments": {}})
        absent = send("tools/call", {"name": "search_nothing", "arguments": {}})
        assert hidden.status_code == absent.status_code == 200
        assert mask(hidden.content) == mask(absent.content)
        assert hidden.json()["error"]["code"] == -32602
        row = row_behind(hidden)
        assert (row.event, row.outcome) == ("mcp.request.refused", "refused")
        assert (row.reason, row.tool) == ("tool_not_allowed", "search_activity")
        assert row.user_id == world.alice.id
        assert photograph()["Connection"] == before
    assert not log().filter(event="mcp.tool.called").exists()


def test_a_token_for_no_particular_tools_has_all(mint: Any, world: World) -> None:
    secret = mint(world.alice, world.acme)
    assert PersonalAccessToken.objects.get().allowed_tools is None
    names = [tool.name for tool in registry.list_tools() if tool.scope == "read"]
    assert list_names(secret, "modern") == list_names(secret, "legacy") == names


def test_a_list_of_tools_that_are_gone_allows_none(mint: Any, world: World) -> None:
    secret = mint(world.alice, world.acme)
    for left in ([], ["renamed_since"]):
        PersonalAccessToken.objects.update(allowed_tools=left)
        assert list_names(secret, "modern") == []
        assert McpClient(secret).call("whoami").json()["error"]["code"] == -32602


def test_the_scope_of_a_tool_still_counts(mint: Any, world: World) -> None:
    secret = mint(world.alice, world.acme)
    PersonalAccessToken.objects.update(allowed_tools=["whoami", "disconnect_application"])
    told = McpClient(secret).fail("disconnect_application")
    assert "make a new token with Actions ticked" in told and PAGE in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tools": ["no_such_tool"]}, "not one of the available choices"),
        ({"tools": ["whoami", "disconnect_application"]}, "disconnect_application needs Actions"),
    ],
)
def test_a_tool_that_is_unknown_or_beyond_the_scopes_makes_no_token(
    alice: Browser, world: World, changes: dict[str, Any], words: str
) -> None:
    page = alice.post(MINT, fill_in(world, **changes))
    assert page.status_code == 422
    assert words in page.content.decode()
    assert not PersonalAccessToken.objects.exists()
    allowed = fill_in(world, tools=["whoami", "disconnect_application"], scopes=["read", "actions"])
    assert alice.post(MINT, allowed).status_code == 200


@pytest.mark.parametrize(
    ("tools", "role", "error"),
    [(["no_such_tool"], "owner", UnknownToolError), ([], "viewer", ScopeNotGrantableError)],
)
def test_minting_itself_refuses_what_the_form_does(
    world: World, origin: Any, tools: list[str], role: str, error: type[Exception]
) -> None:
    membership = Membership.objects.get(user=world.alice, organization=world.acme)
    membership.role = role
    with pytest.raises(error):
        mint_personal_token(
            membership,
            label="Script",
            scopes=("read", "draft"),
            days=30,
            nonce="n",
            origin=origin,
            tools=tools,
        )
    assert not PersonalAccessToken.objects.exists()


@pytest.mark.case(274)
def test_a_viewer_makes_no_token_beyond_reading(alice: Browser, world: World) -> None:
    Membership.objects.filter(user=world.alice, organization=world.acme).update(role="viewer")
    page = alice.post(MINT, fill_in(world, scopes=["read", "draft"]))
    assert page.status_code == 422
    assert "Your role in Acme is viewer, which allows Read only." in page.content.decode()
    assert not PersonalAccessToken.objects.exists()
    assert alice.post(MINT, fill_in(world, scopes=["read"])).status_code == 200
    # The role in the chosen organization counts, not the one somewhere else.
    elsewhere = Membership.objects.get(user=world.alice, organization=world.borealis)
    fields = fill_in(world, scopes=["read", "draft"], organization=str(elsewhere.pk))
    assert alice.post(MINT, fields).status_code == 200
