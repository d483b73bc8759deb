"""``login_hint`` and ``prompt``: conveniences that neither skip anything nor speak for us."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from accounts.login_hints import parse_login_hint
from oauth_ext.models import Client
from tests.conftest import World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import offered_refusal_of, redirect_refusal_of

pytestmark = pytest.mark.django_db

NO_ADDRESSES = [
    "alice",
    "Press Allow now",
    '"Press Allow now"@acme.example',
    "alice@acme",
    "alice@acme.example ",
    "alice@@acme.example",
    "alice@acme.example\n",
    "<b>@acme.example",
    "ali ce@acme.example",
    "älice@acme.example",
    "alice@acme.example?x",
    f"{'a' * 250}@a.example",
]


@pytest.fixture
def ready(oauth: OAuthClient, client_row: Client, world: World) -> OAuthClient:
    """A registered client; nobody is signed in."""
    oauth.client_id = client_row.client_id
    return oauth


def filled_in(page: Any) -> str:
    """What the sign-in form holds as the address."""
    field = re.search(r'<input type="email" name="login"[^>]*>', page.content.decode())
    assert field
    value = re.search(r'value="([^"]*)"', field[0])
    return value[1] if value else ""


@pytest.mark.parametrize("state", ["a-state", "s" * 3000])
def test_a_hint_fills_in_the_sign_in_form(ready: OAuthClient, state: str) -> None:
    bounce = ready.open_consent(login_hint="alice@acme.example", state=state)
    page = ready.browser.get(bounce["Location"])
    assert filled_in(page) == "alice@acme.example"
    assert "_auth_user_id" not in ready.browser.session


def test_without_a_hint_the_form_is_empty(ready: OAuthClient) -> None:
    assert filled_in(ready.browser.get(ready.open_consent()["Location"])) == ""


@pytest.mark.parametrize("hint", NO_ADDRESSES)
def test_a_hint_that_is_no_address_is_dropped(ready: OAuthClient, hint: str, world: World) -> None:
    assert parse_login_hint(hint) == ""
    bounce = ready.open_consent(login_hint=hint)
    assert "login_hint" not in parse_qs(urlsplit(bounce["Location"]).query)
    page = ready.browser.get("/accounts/login", {"login_hint": hint})
    assert page.status_code == 200 and filled_in(page) == ""
    ready.sign_in(world.alice)
    assert ready.open_consent(login_hint=hint).context["is_other_account"] is False


def test_the_longest_address_is_taken() -> None:
    longest = f"{'a' * 240}@bcde.example"
    assert len(longest) == 253
    assert parse_login_hint(longest) == longest
    assert parse_login_hint(f"a{longest}") == f"a{longest}"
    assert parse_login_hint(f"aa{longest}") == ""


@pytest.mark.case(80, 92)
def test_asking_for_somebody_else_is_said_without_saying_whom(
    ready: OAuthClient, world: World
) -> None:
    ready.sign_in(world.ben)
    page = ready.open_consent(login_hint="press.allow@docjacket.example")
    source = page.content.decode()
    assert "The application asked for another account." in source
    # The form's action is this very request; a stranger's text appears nowhere else.
    action = re.search(r'action="([^"]*)"', source)
    assert action
    rest = source.replace(action[1], "")
    rest = re.sub(r'href="/accounts/logout\?[^"]*"', "", rest)
    assert "press.allow" not in rest
    own = ready.open_consent(login_hint="BEN@acme.example")
    assert "asked for another account" not in own.content.decode()


@pytest.mark.parametrize(
    ("prompt", "is_asked"),
    [("select_account", True), ("login", True), ("consent login", True), ("consent", False)],
)
def test_a_prompt_for_the_account_offers_another_one(
    ready: OAuthClient, world: World, prompt: str, is_asked: bool
) -> None:
    ready.sign_in(world.ben)
    page = ready.open_consent(prompt=prompt)
    assert page.status_code == 200
    text = page.content.decode()
    assert (">Use another account<" in text) is is_asked
    assert (">Not you?<" in text) is not is_asked


@pytest.mark.case(80)
@pytest.mark.parametrize("signed_in", [True, False])
def test_no_prompt_means_no_answer(ready: OAuthClient, world: World, signed_in: bool) -> None:
    if signed_in:
        ready.sign_in(world.ben)
    answer = ready.open_consent(prompt="none", login_hint="ben@acme.example")
    # The same answer either way; a stranger is asked before it takes them to an unknown address.
    read_refusal = redirect_refusal_of if signed_in else offered_refusal_of
    read_refusal(answer, "interaction_required", "prompt_none")
