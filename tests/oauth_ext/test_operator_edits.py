"""An operator's edit of a client: it asks for the password, and people are asked again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from activity.origin import Origin
from oauth_ext.models import Client
from tests.conftest import World
from tests.factories import PASSWORD, UserFactory
from tests.oauth_client import CALLBACK, OAuthClient
from tests.oauth_ext.confidential import make_confidential
from tests.oauth_ext.conftest import photograph, refusal_of
from tests.oauth_ext.test_client_changes import read_text

pytestmark = pytest.mark.django_db

EVIL = "https://evil.example/callback"
RENAMED = {"name": "Payroll", "redirect_uris": CALLBACK}
WIDENED = {"name": "Server side", "redirect_uris": f"{CALLBACK}\n{EVIL}"}


@pytest.fixture
def operator(sign_in: Callable[..., Browser], world: World) -> Browser:
    """Somebody whose the whole admin is, who gave the password just now."""
    browser = sign_in(UserFactory(is_staff=True, is_superuser=True))
    browser.defaults["HTTP_ACCEPT"] = "text/html"
    return browser


@pytest.fixture
def server(origin: Origin) -> tuple[Client, str]:
    """A confidential client and its secret."""
    return make_confidential(origin)


def page_of(client: Client) -> str:
    """Its page in the admin."""
    return reverse("admin:oauth_ext_client_change", args=(client.pk,))


@pytest.mark.case(330)
@pytest.mark.parametrize("change", [RENAMED, WIDENED], ids=["name", "redirect URI"])
def test_an_edit_needs_the_password_once_more_after_ten_minutes(
    operator: Browser, server: tuple[Client, str], log: Any, change: dict[str, str]
) -> None:
    client = server[0]
    before = photograph()
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        assert operator.get(page_of(client)).status_code == 200
        asked = operator.post(page_of(client), change)
        assert asked["Location"].startswith("/accounts/reauthenticate?")
        assert photograph() == before
        assert not log().filter(event="oauth.client.edited").exists()
        # What was sent is not lost by confirming.
        done = operator.post(asked["Location"], {"password": PASSWORD})
        assert done.status_code == 302
    client.refresh_from_db()
    assert (client.name, "\n".join(client.redirect_uri_list)) == tuple(change.values())


@pytest.mark.case(330)
def test_an_open_browser_may_still_switch_a_client_off(
    operator: Browser, server: tuple[Client, str]
) -> None:
    fields = {"action": "switch_off", "_selected_action": [server[0].pk]}
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        operator.post(reverse("admin:oauth_ext_client_changelist"), fields)
    server[0].refresh_from_db()
    assert server[0].disabled_at is not None


@pytest.mark.case(62)
@pytest.mark.parametrize("change", [RENAMED, WIDENED], ids=["name", "redirect URI"])
def test_nothing_new_is_issued_until_the_person_has_allowed_an_operator_s_change(
    operator: Browser,
    oauth: OAuthClient,
    server: tuple[Client, str],
    world: World,
    log: Any,
    change: dict[str, str],
) -> None:
    client, secret = server
    oauth.client_id = client.client_id
    tokens = oauth.exchange(oauth.obtain_code(world.alice, world.acme), client_secret=secret).json()
    assert operator.post(page_of(client), change).status_code == 302
    assert log().get(event="oauth.client.edited").details["asks_again"] is True
    refused = oauth.refresh(tokens["refresh_token"], client_secret=secret)
    assert refusal_of(refused, "invalid_grant").reason == "client_changed"
    # What was issued lives to its own end, as after a document's change.
    assert oauth.call(tokens["access_token"]).status_code == 200
    told = read_text(oauth.browser.get("/settings/ai-access"))
    page = oauth.open_consent()
    for text in (told, read_text(page)):
        assert "It has changed since you allowed it" in text
        assert ("Server side" if change is RENAMED else "evil.example") in text
    assert oauth.decide(page, world.acme).status_code == 303
    assert oauth.refresh(tokens["refresh_token"], client_secret=secret).status_code == 200


@pytest.mark.case(62)
def test_an_edit_that_only_takes_away_or_sorts_asks_nobody(
    operator: Browser, oauth: OAuthClient, server: tuple[Client, str], world: World, log: Any
) -> None:
    client, secret = server
    Client.objects.update(redirect_uris=f"{CALLBACK} {EVIL}")
    oauth.client_id = client.client_id
    tokens = oauth.exchange(oauth.obtain_code(world.alice, world.acme), client_secret=secret).json()
    for uris in (f"{EVIL}\n{CALLBACK}", CALLBACK):
        fields = {"name": "Server side", "redirect_uris": uris}
        assert operator.post(page_of(client), fields).status_code == 302
    rows = log().filter(event="oauth.client.edited")
    assert [row.details["asks_again"] for row in rows] == [False]
    client.refresh_from_db()
    assert (client.changed_at, client.revision) == (None, 0)
    assert oauth.refresh(tokens["refresh_token"], client_secret=secret).status_code == 200
