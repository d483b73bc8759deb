"""The address on the person is the only one that signs in or gets a reset mail."""

from typing import Any

from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client as Browser

from tests.conftest import World
from tests.factories import PASSWORD, UserFactory
from tests.mcp_client import McpClient


def sign_in(email: str) -> int:
    """The status of a sign-in: 302 if it worked."""
    answer = Browser().post("/accounts/login", {"login": email, "password": PASSWORD})
    status: int = answer.status_code
    return status


def test_an_address_that_the_person_no_longer_has_is_nobodys(world: World) -> None:
    EmailAddress.objects.create(user=world.alice, email="alice@acme.example", verified=True)
    world.alice.email = "alice@new.example"
    world.alice.save()
    assert sign_in("alice@acme.example") == 200
    assert sign_in("ALICE@new.example") == 302


def test_a_recycled_address_resets_the_one_who_has_it_now(world: World) -> None:
    EmailAddress.objects.create(user=world.alice, email="alice@acme.example", verified=True)
    world.alice.email = "alice@new.example"
    world.alice.save()
    bob = UserFactory(email="alice@acme.example")
    Browser().post("/accounts/password/reset", {"email": "alice@acme.example"})
    (message,) = mail.outbox
    assert message.to == ["alice@acme.example"]
    assert bob.pk.hex in message.body
    assert world.alice.pk.hex not in message.body


def test_every_change_by_an_operator_is_a_row(
    sign_in: Any, connect: Any, world: World, log: Any
) -> None:
    operator = UserFactory(email="operator@example.com", is_staff=True, is_superuser=True)
    browser = sign_in(operator)
    address = f"/admin/accounts/organization/{world.acme.pk}/change/"
    form = {"name": "Acme", "slug": "acme", "memberships-TOTAL_FORMS": "0"}
    form["memberships-INITIAL_FORMS"] = "0"
    assert browser.post(address, form).status_code == 302
    row = log().get(event="admin.object.changed")
    assert row.user_id == operator.pk
    assert row.details["model"] == "accounts.Organization"
    assert row.details["key"] == str(world.acme.pk)
    assert "Is active" in str(row.details["message"])
    world.acme.refresh_from_db()
    assert not world.acme.is_active
    connected = connect(world.cleo, world.borealis)
    browser.post(f"/admin/accounts/user/{world.cleo.pk}/delete/", {"post": "yes"})
    assert log().get(event="admin.object.deleted").details["key"] == str(world.cleo.pk)
    assert McpClient(connected.access_token).legacy("ping").status_code == 401
    assert log().filter(connection_id=connected.connection.id).exists()
