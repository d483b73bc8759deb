"""The address on the person is the only one that signs in or gets a reset mail."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client as Browser

from accounts.limits import RESET_HERE, SIGN_IN_HERE
from accounts.models import User
from tests.conftest import World
from tests.factories import PASSWORD, UserFactory
from tests.mcp_client import McpClient


def sign_in(email: str, password: str = PASSWORD) -> int:
    """The status of a sign-in: 302 if it worked."""
    answer = Browser().post("/accounts/login", {"login": email, "password": password})
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


VARIANTS = [
    ("alice@acme.example", "al\u0131ce@acme.example"),
    ("alice@acme.example", "al\u0130ce@acme.example"),
    ("alice@acme.example", "alice@acme.example".replace("@acme", "@\uff41cme")),
    ("chris@acme.example", "chri\u017f@acme.example"),
    ("ben@widgets-inc.example", "ben@w\u0131dget\u017f-inc.example"),
]


@pytest.mark.case(351)
@pytest.mark.parametrize(("address", "variant"), VARIANTS)
def test_a_letter_that_only_resembles_one_resets_and_signs_in_nobody(
    world: World, address: str, variant: str
) -> None:
    person = UserFactory(email=address) if address != world.alice.email else world.alice
    browser = Browser()
    for typed in (address.replace("example", "EXAMPLE"), variant):
        assert browser.post("/accounts/password/reset", {"email": typed}).status_code == 302
    # A variant with an invalid domain is refused by the form; if not, it is told of no account.
    link, *others = mail.outbox
    assert link.to == [person.email]
    assert person.pk.hex in link.body
    assert "/password/reset/key/" not in "".join(message.body for message in others)
    assert sign_in(variant) == 200
    assert sign_in(address.replace("example", "EXAMPLE")) == 302


def test_links_and_notices_go_to_the_address_on_the_person_and_no_other(world: World) -> None:
    other = "alice@old.example"
    EmailAddress.objects.create(user=world.alice, email=other, verified=True, primary=True)
    world.alice.email = "Alice@Acme.example"
    world.alice.save()
    browser = Browser()
    browser.post("/accounts/password/reset", {"email": "aLICE@acme.EXAMPLE"})
    browser.force_login(world.alice)
    new = "an entirely different battery staple"
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    browser.post("/accounts/password/change", fields)
    assert [message.to for message in mail.outbox] == [["Alice@Acme.example"]] * 2


@pytest.mark.case(353)
def test_no_spelling_that_signs_in_escapes_the_limits(world: World) -> None:
    UserFactory(email="mike@acme.example")
    for _ in range(SIGN_IN_HERE.capacity):
        assert sign_in("mike@acme.example", "wrong") == 200
    for typed in ("MIKE@Acme.example", " mike@acme.example\u00a0", "mi\u212ae@acme.example"):
        assert sign_in(typed) == 429
    for typed in ("m\u0131ke@acme.example", "m\u0130ke@acme.example"):
        assert sign_in(typed) == 200


@pytest.mark.case(351)
def test_no_spelling_that_gets_a_link_escapes_the_limits(world: World) -> None:
    UserFactory(email="mike@acme.example")
    browser = Browser(REMOTE_ADDR="192.0.2.1")
    for number in range(40):
        typed = ("mike@acme.example", "MIKE@Acme.example", "mi\u212ae@acme.example")[number % 3]
        browser.post("/accounts/password/reset", {"email": typed})
    assert {tuple(message.to) for message in mail.outbox} == {("mike@acme.example",)}
    assert len(mail.outbox) == RESET_HERE.capacity


def test_an_operator_finds_people_by_any_spelling_and_nobody_by_another(world: World) -> None:
    assert User.objects.get_by_natural_key("ALICE@acme.example") == world.alice
    for text in ("al\u0131ce@acme.example", "alice@acme.example\x00", "", None):
        with pytest.raises(User.DoesNotExist):
            User.objects.get_by_natural_key(text)


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
