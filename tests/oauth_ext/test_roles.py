"""A role that changed counts at the next request, for everything that was given before."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Membership, Organization, User
from oauth_ext.models import RefreshToken, TokenFamily
from oauth_ext.tokens import parse_access_token
from tests.conftest import Connected, World
from tests.mcp_client import McpClient
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of

pytestmark = [pytest.mark.django_db, pytest.mark.case(274)]


def set_role(user: User, organization: Organization, role: str) -> None:
    """As an administrator would."""
    Membership.objects.filter(user=user, organization=organization).update(role=role)


def scopes_of(token: str) -> list[str]:
    """What the resource server says the token may do."""
    scopes: list[str] = McpClient(token).use("whoami")["scopes"]
    return scopes


def test_an_access_token_does_only_what_the_role_allows_now(
    alice_acme: Connected, world: World
) -> None:
    assert scopes_of(alice_acme.access_token) == ["read", "draft"]
    set_role(world.alice, world.acme, "viewer")
    assert scopes_of(alice_acme.access_token) == ["read"]
    set_role(world.alice, world.acme, "member")
    assert scopes_of(alice_acme.access_token) == ["read", "draft"]


def test_a_personal_token_does_only_what_the_role_allows_now(mint: Any, world: World) -> None:
    secret = mint(world.alice, world.acme, "read", "actions")
    assert scopes_of(secret) == ["read", "actions"]
    set_role(world.alice, world.acme, "viewer")
    assert scopes_of(secret) == ["read"]


def test_a_call_beyond_the_role_is_refused_recorded_and_asks_for_no_new_consent(
    connect: Callable[..., Connected], world: World, log: Any
) -> None:
    token = connect(world.alice, world.acme, ("read", "actions")).access_token
    target = connect(world.ben, world.acme)
    arguments = {"connection_id": str(target.connection.id)}
    set_role(world.alice, world.acme, "viewer")
    before = photograph()
    text = McpClient(token).fail("disconnect_application", arguments)
    assert "is viewer in Acme" in text and "owner or admin" in text
    row = log().get(event="mcp.tool.called", tool="disconnect_application")
    assert (row.outcome, row.reason, row.user_id) == ("refused", "role_scope", world.alice.id)
    after = photograph()
    assert all(row["revoked_at"] is None for row in after.pop("Connection"))
    assert after == {name: rows for name, rows in before.items() if name != "Connection"}
    set_role(world.alice, world.acme, "admin")
    McpClient(token).use("disconnect_application", arguments)


def test_a_code_of_somebody_who_became_a_viewer_yields_what_a_viewer_may(
    oauth: OAuthClient, obtain_code: Callable[..., str], world: World, log: Any
) -> None:
    code = obtain_code(scopes=("read", "draft", "actions"))
    set_role(world.alice, world.acme, "viewer")
    answer = oauth.exchange(code).json()
    assert answer["scope"] == "read"
    assert parse_access_token(answer["access_token"]).scopes == {"read"}
    assert log().get(event="oauth.token.issued").details["scope"] == "read"
    # What the person allowed stays on record, and counts again when the role does.
    assert TokenFamily.objects.get().scope == "read draft actions"
    set_role(world.alice, world.acme, "member")
    assert oauth.refresh(answer["refresh_token"]).json()["scope"] == "read draft actions"


def test_a_code_that_a_viewer_can_use_nothing_of_is_refused_and_kept(
    oauth: OAuthClient, obtain_code: Callable[..., str], world: World
) -> None:
    code = obtain_code(scopes=("draft",))
    set_role(world.alice, world.acme, "viewer")
    before = photograph()
    assert refusal_of(oauth.exchange(code), "invalid_scope").reason == "role_scope"
    assert photograph() == before
    set_role(world.alice, world.acme, "member")
    assert oauth.exchange(code).status_code == 200


def test_a_refresh_answers_the_scope_that_is_really_usable(
    oauth: OAuthClient, alice_acme: Connected, world: World, log: Any
) -> None:
    set_role(world.alice, world.acme, "viewer")
    answer = oauth.refresh(alice_acme.refresh_token).json()
    assert answer["scope"] == "read"
    assert parse_access_token(answer["access_token"]).scopes == {"read"}
    assert oauth.refresh(alice_acme.refresh_token).json()["scope"] == "read"
    scopes = [row.details["scope"] for row in log().filter(event="oauth.token.refreshed")]
    assert scopes == ["read", "read"]


def test_a_refresh_for_a_scope_beyond_the_role_rotates_nothing(
    oauth: OAuthClient, alice_acme: Connected, world: World
) -> None:
    set_role(world.alice, world.acme, "viewer")
    tokens = RefreshToken.objects.values_list("token_checksum", "superseded_at").get()
    refusal = refusal_of(oauth.refresh(alice_acme.refresh_token, scope="draft"), "invalid_scope")
    assert refusal.reason == "role_scope"
    assert RefreshToken.objects.values_list("token_checksum", "superseded_at").get() == tokens
    assert oauth.refresh(alice_acme.refresh_token, scope="read").status_code == 200


def test_the_settings_page_shows_what_a_personal_token_may_do_now(
    sign_in: Callable[..., Any], mint: Any, world: World
) -> None:
    mint(world.alice, world.acme, "read", "actions")
    mint(world.alice, world.acme, "draft")
    browser = sign_in(world.alice)
    shown = browser.get("/settings/ai-access").content.decode()
    assert "· Read, actions<" in shown and "· Draft<" in shown
    set_role(world.alice, world.acme, "viewer")
    shown = browser.get("/settings/ai-access").content.decode()
    assert "· Read<" in shown and "· Nothing that you may allow now<" in shown
