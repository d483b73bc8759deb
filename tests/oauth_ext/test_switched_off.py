"""Ending people, clients and organizations by every means there is, and at every time.

Nothing listens for a change: each check asks the database, so a means that runs none of our code
ends as much as a button does.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from oauth_ext.models import Client, Connection, TokenFamily
from tests.conftest import Connected, World
from tests.factories import UserFactory
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of, refused_at_mcp, row_behind

pytestmark = pytest.mark.django_db

GRANT = "invalid_grant"
ENDED = "Token is revoked or expired"
DISCONNECTED = "Application has been disconnected"
SWITCHED_OFF = "Application has been switched off"


@pytest.fixture
def operator(world: World) -> Browser:
    """Somebody whose the whole admin is."""
    browser = Browser(raise_request_exception=False, headers={"Accept": "text/html"})
    browser.force_login(
        UserFactory(email="operator@host.example", is_staff=True, is_superuser=True)
    )
    return browser


def run_sql(statement: str, *arguments: Any) -> None:
    """What an operator does at the database's own prompt."""
    with database.cursor() as cursor:
        cursor.execute(statement, arguments)


def save_user_form(operator: Browser, user: User) -> None:
    """Clear "active" on the person's page in admin."""
    url = reverse("admin:accounts_user_change", args=(user.pk,))
    rows = list(user.memberships.all())
    fields = {
        "email": user.email,
        "name": user.name,
        "memberships-TOTAL_FORMS": len(rows),
        "memberships-INITIAL_FORMS": len(rows),
    }
    for number, row in enumerate(rows):
        fields |= {
            f"memberships-{number}-{name}": str(value)
            for name, value in (
                ("id", row.id),
                ("user", row.user_id),
                ("organization", row.organization_id),
                ("role", row.role),
            )
        }
    assert operator.post(url, fields).status_code == 302


def save_inactive(user: User) -> None:
    """The host product saves the row."""
    user.is_active = False
    user.save()


USER_OFF: dict[str, Callable[[Browser, User], Any]] = {
    "the form in admin": save_user_form,
    "save": lambda operator, user: save_inactive(user),
    "update": lambda operator, user: User.objects.filter(id=user.id).update(is_active=False),
    "bulk_update": lambda operator, user: User.objects.bulk_update(
        [User(id=user.id, is_active=False)], ["is_active"]
    ),
    "SQL": lambda operator, user: run_sql(
        "UPDATE accounts_user SET is_active = false WHERE id = %s", user.id
    ),
}


@pytest.mark.case(263)
@pytest.mark.parametrize("means", USER_OFF)
def test_a_person_who_is_switched_off_is_out_everywhere_at_once(
    oauth: OAuthClient,
    alice_acme: Connected,
    obtain_code: Callable[..., str],
    mint: Callable[..., str],
    sign_in: Callable[[User], Browser],
    connect: Callable[..., Connected],
    world: World,
    operator: Browser,
    means: str,
) -> None:
    code, personal, browser = obtain_code(), mint(world.alice, world.acme), sign_in(world.alice)
    bens = connect(world.ben, world.acme)
    assert oauth.call(alice_acme.access_token).status_code == 200
    assert browser.get("/settings/ai-access").status_code == 200
    USER_OFF[means](operator, world.alice)
    before = photograph()
    for token in (alice_acme.access_token, personal):
        assert refused_at_mcp(oauth, token, ENDED) == "user_inactive"
    for answer in (oauth.refresh(alice_acme.refresh_token), oauth.exchange(code)):
        row = refusal_of(answer, GRANT)
        assert row.reason == "user_inactive"
    assert browser.get("/settings/ai-access")["Location"].startswith("/accounts/login")
    assert photograph() == before
    assert oauth.call(bens.access_token).status_code == 200


CLIENT_OFF: dict[str, tuple[Callable[[Browser, Client], Any], bool]] = {
    "the form in admin": (
        lambda operator, client: operator.post(
            reverse("admin:oauth_ext_client_change", args=(client.pk,)),
            {"switched_off": "on"},
        ),
        False,
    ),
    "update": (
        lambda operator, client: Client.objects.filter(pk=client.pk).update(
            disabled_at=timezone.now()
        ),
        False,
    ),
    "SQL": (
        lambda operator, client: run_sql(
            "UPDATE oauth_ext_client SET disabled_at = now() WHERE id = %s", client.pk
        ),
        False,
    ),
    "delete": (lambda operator, client: client.delete(), True),
    "delete of a queryset": (lambda operator, client: Client.objects.filter().delete(), True),
}


@pytest.mark.case(186, 267)
@pytest.mark.parametrize("means", CLIENT_OFF)
def test_a_client_that_is_switched_off_or_deleted_holds_nothing_that_works(
    oauth: OAuthClient,
    alice_acme: Connected,
    obtain_code: Callable[..., str],
    operator: Browser,
    world: World,
    means: str,
) -> None:
    code = obtain_code()
    assert oauth.call(alice_acme.access_token).status_code == 200
    act, is_gone = CLIENT_OFF[means]
    act(operator, alice_acme.client)
    before = photograph()
    told, reason = (ENDED, "connection_unknown") if is_gone else (SWITCHED_OFF, "client_disabled")
    assert refused_at_mcp(oauth, alice_acme.access_token, told) == reason
    expected = "client_unknown" if is_gone else "client_disabled"
    for answer in (
        oauth.refresh(alice_acme.refresh_token),
        oauth.exchange(code),
        oauth.revoke(alice_acme.refresh_token),
    ):
        assert refusal_of(answer, "invalid_client", 401).reason == expected
        told = "This client is not registered here. Register again."
        told = told if is_gone else "This client is switched off here."
        assert answer.json()["error_description"] == told
    page = oauth.open_consent()
    assert row_behind(page).reason == expected
    assert ("Ask support whether it will be back." in page.content.decode()) is not is_gone
    oauth.sign_in(world.alice)
    settings_page = oauth.browser.get("/settings/ai-access").content.decode()
    assert ("Switched off by the operator" in settings_page) is not is_gone
    assert photograph() == before


@pytest.mark.case(268)
def test_of_two_resets_the_newer_counts_whatever_was_made_between(
    oauth: OAuthClient,
    connect: Callable[..., Connected],
    mint: Callable[..., str],
    world: World,
) -> None:
    now = timezone.now()

    def reset(at: Any) -> None:
        User.objects.filter(id=world.alice.id).update(tokens_valid_from=at)

    with time_machine.travel(now - timedelta(minutes=20), tick=False):
        oldest = connect(world.alice, world.acme)
        oauth.client_id = oldest.client.client_id
        personal = mint(world.alice, world.acme)
    reset(now - timedelta(minutes=15))
    assert refused_at_mcp(oauth, oldest.access_token, ENDED) == "password_reset"
    assert refused_at_mcp(oauth, personal, ENDED) == "password_reset"
    assert refusal_of(oauth.refresh(oldest.refresh_token), GRANT).reason == "password_reset"
    Connection.objects.update(revoked_at=now)
    with time_machine.travel(now - timedelta(minutes=10), tick=False):
        between = connect(world.alice, world.acme)
        personal = mint(world.alice, world.acme)
    assert oauth.call(between.access_token).status_code == 200
    assert oauth.call(personal).status_code == 200
    reset(now - timedelta(minutes=5))
    # The newer time is the person's; an older one of anything below does not hide it.
    assert refused_at_mcp(oauth, between.access_token, ENDED) == "password_reset"
    assert refused_at_mcp(oauth, personal, ENDED) == "password_reset"
    Connection.objects.filter(id=between.connection.id).update(revoked_at=now)
    assert oauth.call(connect(world.alice, world.acme).access_token).status_code == 200


@pytest.mark.case(268)
def test_a_family_made_after_a_reset_counts_and_its_older_sibling_does_not(
    oauth: OAuthClient, connect: Callable[..., Connected], world: World
) -> None:
    now = timezone.now()
    with time_machine.travel(now - timedelta(minutes=20), tick=False):
        older = connect(world.alice, world.acme)
    with time_machine.travel(now - timedelta(minutes=10), tick=False):
        newer = connect(world.alice, world.acme)
    assert older.connection.id == newer.connection.id
    User.objects.filter(id=world.alice.id).update(tokens_valid_from=now - timedelta(minutes=15))
    assert refused_at_mcp(oauth, older.access_token, ENDED) == "password_reset"
    assert oauth.call(newer.access_token).status_code == 200
    # Ending the connection ends both, whenever they were made.
    Connection.objects.update(revoked_at=now - timedelta(minutes=18))
    assert refused_at_mcp(oauth, newer.access_token, DISCONNECTED) == "connection_revoked"


@pytest.mark.case(271)
@pytest.mark.parametrize("minutes", [-10, 10])
@pytest.mark.parametrize("how", ["revoke", "disconnect", "switch off"])
def test_an_end_counts_at_once_on_a_node_whose_clock_is_wrong(
    oauth: OAuthClient, alice_acme: Connected, world: World, minutes: int, how: str
) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
        # Made under the same wrong clock, so that its own times are no reason to refuse it.
        tokens = oauth.refresh(alice_acme.refresh_token).json()
        assert oauth.call(tokens["access_token"]).status_code == 200
        if how == "revoke":
            assert oauth.revoke(tokens["refresh_token"]).status_code == 200
        elif how == "disconnect":
            Connection.objects.update(revoked_at=timezone.now())
        else:
            User.objects.filter(id=world.alice.id).update(is_active=False)
        assert oauth.call(tokens["access_token"]).status_code == 401
        refusal_of(oauth.refresh(tokens["refresh_token"]), GRANT)
    # Nor does the end wait for another node's clock to reach the time it was given.
    assert oauth.call(tokens["access_token"]).status_code == 401
    refusal_of(oauth.refresh(tokens["refresh_token"]), GRANT)
    assert TokenFamily.objects.count() == 1
