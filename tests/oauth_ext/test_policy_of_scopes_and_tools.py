"""What an organization allows nobody: at consent, at minting, at every use, and in the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from accounts.models import Membership, User
from oauth_ext.consents import Consent, grant_consent
from oauth_ext.errors import UnredirectableError
from oauth_ext.models import Client, Connection, OrganizationPolicy, PersonalAccessToken
from oauth_ext.personal_tokens import (
    ScopeNotGrantableError,
    UnknownToolError,
    mint_personal_token,
)
from oauth_ext.policies import find_hidden_tools, find_organization_scopes
from oauth_ext.tokens import parse_access_token
from tests.conftest import Connected, World
from tests.mcp_client import McpClient
from tests.oauth_client import OAuthClient, build_request, read_redirect
from tests.oauth_ext.conftest import page_refusal_of, photograph, refusal_of
from tests.oauth_ext.test_personal_tokens import MINT, PAGE, fill_in

pytestmark = [pytest.mark.django_db, pytest.mark.case(274)]

ALL = "read draft actions"


def set_policy(organization: Any, **fields: Any) -> None:
    """As an operator would."""
    OrganizationPolicy.objects.update_or_create(organization=organization, defaults=fields)


@pytest.fixture
def ready(oauth: OAuthClient, client_row: Client, world: World) -> OAuthClient:
    """A registered client, and Ben signed in, a member of Acme only."""
    oauth.client_id = client_row.client_id
    oauth.sign_in(world.ben)
    return oauth


def scopes_of(token: str) -> list[str]:
    """What the resource server says the token may do."""
    scopes: list[str] = McpClient(token).use("whoami")["scopes"]
    return scopes


def test_a_policy_is_read_so_that_nonsense_in_it_allows_nothing() -> None:
    assert find_organization_scopes(None) == find_organization_scopes("") == set(ALL.split())
    assert find_organization_scopes("draft read nonsense") == {"read", "draft"}
    assert find_organization_scopes("nonsense") == set()
    assert find_hidden_tools(None) == find_hidden_tools("null") == find_hidden_tools([]) == set()
    assert find_hidden_tools('["whoami"]') == find_hidden_tools(["whoami"]) == {"whoami"}


# --- at every use ---------------------------------------------------------------------------------


def test_tokens_do_only_what_the_organization_allows_now(
    connect: Callable[..., Connected], mint: Any, world: World
) -> None:
    connected = connect(world.alice, world.acme, tuple(ALL.split())).access_token
    personal = mint(world.alice, world.acme, "read", "actions")
    set_policy(world.acme, allowed_scopes="read draft")
    assert scopes_of(connected) == ["read", "draft"]
    assert scopes_of(personal) == ["read"]
    set_policy(world.acme, allowed_scopes="")
    assert scopes_of(connected) == ["read", "draft", "actions"]
    assert scopes_of(personal) == ["read", "actions"]


def test_a_hidden_tool_is_gone_for_tokens_of_both_kinds_in_that_organization_only(
    connect: Callable[..., Connected], mint: Any, world: World
) -> None:
    tokens = [connect(world.alice, world.acme).access_token, mint(world.alice, world.acme)]
    elsewhere = mint(world.alice, world.borealis)
    set_policy(world.acme, hidden_tools=["search_activity"])
    for token in tokens:
        assert McpClient(token).call("search_activity").json()["error"]["code"] == -32602
        McpClient(token).use("whoami")
    McpClient(elsewhere).use("search_activity")


def test_codes_and_refreshes_yield_what_the_organization_allows(
    oauth: OAuthClient, obtain_code: Callable[..., str], world: World
) -> None:
    code = obtain_code(scopes=("draft", "actions"))
    set_policy(world.acme, allowed_scopes="read")
    before = photograph()
    assert refusal_of(oauth.exchange(code), "invalid_scope").reason == "organization_policy"
    assert photograph() == before
    set_policy(world.acme, allowed_scopes="read draft")
    answer = oauth.exchange(code).json()
    assert answer["scope"] == "draft"
    assert parse_access_token(answer["access_token"]).scopes == {"draft"}
    set_policy(world.acme, allowed_scopes="")
    assert oauth.refresh(answer["refresh_token"]).json()["scope"] == "draft actions"


# --- at consent -----------------------------------------------------------------------------------


def test_a_tier_that_the_organization_bars_is_named_and_neither_offered_nor_granted(
    ready: OAuthClient, world: World
) -> None:
    set_policy(world.acme, allowed_scopes="read draft")
    page = ready.open_consent(scope=ALL)
    assert [tier["name"] for tier in page.context["scopes"]] == ["read", "draft"]
    text = page.content.decode()
    assert "Not available here: actions. <bdi>Acme</bdi> allows no application that." in text
    assert "your role does not allow" not in text
    answer = ready.decide(page, world.acme, scopes=("read", "draft", "actions"))
    assert Connection.objects.get().scope == "read draft"
    assert ready.exchange(read_redirect(answer)["code"]).json()["scope"] == "read draft"


def test_where_all_of_it_is_barred_there_is_a_page_that_blames_no_role(
    ready: OAuthClient, world: World, log: Any
) -> None:
    set_policy(world.acme, allowed_scopes="read")
    before = photograph()
    page = ready.open_consent(scope="draft actions")
    assert page.status_code == 403
    assert "Your organization does not allow this" in page.content.decode()
    assert photograph() == before
    row = log().with_reference(page["Reference-Id"]).get()
    assert (row.outcome, row.reason) == ("refused", "organization_policy")


def test_a_policy_that_came_between_page_and_answer_counts(
    ready: OAuthClient, world: World, client_row: Client, origin: Any
) -> None:
    page = ready.open_consent(scope="actions")
    set_policy(world.acme, allowed_scopes="read")
    before = photograph()
    page_refusal_of(ready.decide(page, world.acme, scopes=("actions",)), "organization_policy")
    membership = Membership.objects.get(user=world.ben)
    consent = Consent(build_request(client_row, ("actions",)), membership, ("actions",), "n")
    with pytest.raises(UnredirectableError):
        grant_consent(consent, origin=origin)
    assert photograph() == before


# --- at minting -----------------------------------------------------------------------------------


def test_the_form_offers_what_some_organization_of_theirs_allows(
    sign_in: Callable[[User], Browser], world: World
) -> None:
    ben = sign_in(world.ben)
    assert 'name="scopes" value="actions"' in ben.get(PAGE).content.decode()
    set_policy(world.acme, allowed_scopes="read", hidden_tools=["whoami"])
    shown = ben.get(PAGE).content.decode()
    assert 'name="scopes" value="read"' in shown
    assert 'value="draft"' not in shown and 'value="actions"' not in shown
    assert 'name="tools" value="search_activity"' in shown
    assert 'name="tools" value="whoami"' not in shown
    # Alice could use both in Borealis.
    shown = sign_in(world.alice).get(PAGE).content.decode()
    assert 'name="scopes" value="actions"' in shown and 'name="tools" value="whoami"' in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scopes": ["read", "actions"]}, "Acme allows Read and Draft only."),
        ({"tools": ["whoami"]}, "whoami is not available in Acme."),
    ],
)
def test_no_token_is_made_for_what_the_chosen_organization_does_not_allow(
    sign_in: Callable[[User], Browser], world: World, changes: dict[str, Any], words: str
) -> None:
    alice = sign_in(world.alice)
    set_policy(world.acme, allowed_scopes="read draft", hidden_tools=["whoami"])
    page = alice.post(MINT, fill_in(world, **changes))
    assert page.status_code == 422 and words in page.content.decode()
    assert not PersonalAccessToken.objects.exists()
    elsewhere = Membership.objects.get(user=world.alice, organization=world.borealis)
    there = fill_in(world, organization=str(elsewhere.pk), **changes)
    assert alice.post(MINT, there).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "tools", "error"),
    [(("actions",), (), ScopeNotGrantableError), (("read",), ("whoami",), UnknownToolError)],
)
def test_minting_itself_refuses_it_too(
    world: World, origin: Any, scopes: Any, tools: Any, error: type[Exception]
) -> None:
    set_policy(world.acme, allowed_scopes="read draft", hidden_tools=["whoami"])
    membership = Membership.objects.get(user=world.alice, organization=world.acme)
    with pytest.raises(error):
        mint_personal_token(
            membership,
            label="Script",
            scopes=scopes,
            tools=tools,
            days=30,
            nonce="n",
            origin=origin,
        )
    assert not PersonalAccessToken.objects.exists()


# --- in the admin ---------------------------------------------------------------------------------


@pytest.fixture
def operator(sign_in: Callable[[User], Browser], world: World) -> Browser:
    """Cleo, who may change everything."""
    User.objects.filter(pk=world.cleo.pk).update(is_staff=True, is_superuser=True)
    return sign_in(User.objects.get(pk=world.cleo.pk))


def test_an_operator_ticks_tiers_and_hides_tools_with_a_row(
    operator: Browser, world: World, log: Any
) -> None:
    add = "/admin/oauth_ext/organizationpolicy/add/"
    shown = operator.get(add).content.decode()
    assert 'name="hidden_tools" value="search_activity"' in shown
    fields: dict[str, Any] = {"organization": str(world.acme.pk)}
    assert operator.post(add, fields).status_code == 200
    assert not OrganizationPolicy.objects.exists()
    fields |= {"allowed_scopes": ["draft", "read"], "hidden_tools": ["whoami"]}
    assert operator.post(add, fields).status_code == 302
    policy = OrganizationPolicy.objects.get()
    assert (policy.allowed_scopes, policy.hidden_tools) == ("read draft", ["whoami"])
    assert log().filter(event="admin.object.added").count() == 1
    change = f"/admin/oauth_ext/organizationpolicy/{world.acme.pk}/change/"
    # Nothing changed, so nothing but that somebody saved it is on record.
    operator.post(change, fields)
    assert log().filter(event="admin.object.changed").get().details["message"] == []
    everything = {"allowed_scopes": ALL.split()}
    assert operator.post(change, everything).status_code == 302
    policy = OrganizationPolicy.objects.get()
    assert (policy.allowed_scopes, policy.hidden_tools) == ("", None)
    row = log().filter(event="admin.object.changed").first()
    assert row.user_id == world.cleo.pk
    assert "Hide these tools" in str(row.details["message"])


def test_a_hidden_tool_that_is_not_registered_just_now_stays_hidden(
    operator: Browser, world: World
) -> None:
    set_policy(world.acme, hidden_tools=["gone_for_now"])
    change = f"/admin/oauth_ext/organizationpolicy/{world.acme.pk}/change/"
    assert "gone_for_now, which does not exist now" in operator.get(change).content.decode()
    fields = {"allowed_scopes": ["read"], "hidden_tools": ["gone_for_now", "whoami"]}
    assert operator.post(change, fields).status_code == 302
    assert OrganizationPolicy.objects.get().hidden_tools == ["gone_for_now", "whoami"]
    unknown = fields | {"hidden_tools": ["never_heard_of"]}
    assert operator.post(change, unknown).status_code == 200
