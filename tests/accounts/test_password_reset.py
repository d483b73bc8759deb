"""The password reset by mail, end to end."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from tests.conftest import PASSWORD, Connected, World
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db

RESET = "/accounts/password/reset"
NEW = "an entirely different battery staple"


@pytest.fixture
def browser() -> Browser:
    """Somebody who has not signed in."""
    return Browser(raise_request_exception=False, headers={"Accept": "text/html"})


def read_link() -> str:
    """The path in the last mail."""
    (url,) = re.findall(r"http\S+/password/reset/key/\S+", mail.outbox[-1].body)
    assert url.startswith("http://127.0.0.1:8000/")
    return urlsplit(url).path


def ask(browser: Browser, email: str = "alice@acme.example", **headers: str) -> Any:
    """Ask for the mail."""
    return browser.post(RESET, {"email": email}, headers=headers)


def set_password(browser: Browser, link: str, password: str = NEW) -> Any:
    """Follow the link and submit the form behind it."""
    form = browser.get(link, follow=True)
    path = form.request["PATH_INFO"]
    return browser.post(path, {"password1": password, "password2": password})


def test_the_mail_leads_to_a_new_password(browser: Browser, world: World) -> None:
    answer = ask(browser)
    assert answer["Location"] == f"{RESET}/done"
    (message,) = mail.outbox
    assert message.to == ["alice@acme.example"]
    done = set_password(browser, read_link())
    assert done["Location"] == f"{RESET}/key/done"
    alice = User.objects.get(id=world.alice.id)
    assert alice.check_password(NEW) and not alice.check_password(PASSWORD)


def test_a_link_works_once(browser: Browser, world: World) -> None:
    ask(browser)
    link = read_link()
    set_password(browser, link)
    set_password(Browser(headers={"Accept": "text/html"}), link, "a third battery staple")
    assert User.objects.get(id=world.alice.id).check_password(NEW)


def test_a_link_is_good_for_a_limited_time(browser: Browser, world: World) -> None:
    ask(browser)
    with time_machine.travel(timezone.now() + timedelta(days=4), tick=False):
        set_password(browser, read_link())
    assert User.objects.get(id=world.alice.id).check_password(PASSWORD)


def test_a_link_for_another_person_is_none(browser: Browser, world: World) -> None:
    ask(browser)
    mine = read_link()
    ask(browser, "ben@acme.example")
    theirs = read_link()
    mixed = re.sub(r"key/[^-]+-", "key/" + theirs.split("key/")[1].split("-")[0] + "-", mine)
    set_password(browser, mixed)
    assert User.objects.get(id=world.ben.id).check_password(PASSWORD)


@pytest.mark.case(351)
def test_an_unknown_address_looks_the_same_and_is_only_told_by_mail(
    browser: Browser, world: World
) -> None:
    known, unknown = ask(browser), ask(browser, "nobody@acme.example")
    assert known.status_code == unknown.status_code == 302
    assert known["Location"] == unknown["Location"]
    assert [message.to for message in mail.outbox] == [
        ["alice@acme.example"],
        ["nobody@acme.example"],
    ]
    assert "/password/reset/key/" not in mail.outbox[1].body


@pytest.mark.case(371)
def test_the_link_is_built_from_configuration_not_from_the_request(
    browser: Browser, world: World
) -> None:
    answer = ask(browser, **{"X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 302
    assert "evil.example" not in mail.outbox[-1].body
    foreign = ask(browser, Host="evil.example")
    assert foreign.status_code == 400
    assert len(mail.outbox) == 1


def test_the_key_of_a_link_is_not_in_the_log(
    browser: Browser, world: World, log: Callable[[], Any]
) -> None:
    ask(browser)
    link = read_link()
    key = link.rsplit("-", 1)[1]
    strict = Browser(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    assert strict.post(link, {"password1": NEW}).status_code == 403
    set_password(browser, link)
    browser.get(f"{link}/nothing/here")
    assert key not in str(list(log().values()))


def test_weak_passwords_are_refused(browser: Browser, world: World) -> None:
    ask(browser)
    for weak in ("short", "password", "12345678901234", "alice@acme.example"):
        set_password(browser, read_link(), weak)
        assert User.objects.get(id=world.alice.id).check_password(PASSWORD)


def test_a_reset_ends_every_session(browser: Browser, world: World) -> None:
    elsewhere = Browser()
    elsewhere.force_login(world.alice)
    assert elsewhere.get("/settings/ai-access").status_code == 200
    ask(browser)
    set_password(browser, read_link())
    assert elsewhere.get("/settings/ai-access").status_code == 302


@pytest.mark.case(163, 206, 208)
def test_a_reset_ends_everything_that_acts_for_the_person(
    browser: Browser,
    world: World,
    oauth: OAuthClient,
    connect: Callable[..., Connected],
    mint: Callable[..., str],
) -> None:
    # Whoever had the password may have connected something with it.
    alices, bens = connect(world.alice, world.acme), connect(world.ben, world.acme)
    personal = mint(world.alice, world.acme)
    oauth.client_id = alices.client.client_id
    assert oauth.call(alices.access_token).status_code == 200
    ask(browser)
    set_password(browser, read_link())
    assert oauth.call(bens.access_token).status_code == 200
    assert oauth.call(alices.access_token).status_code == 401
    assert oauth.refresh(alices.refresh_token).status_code == 400
    assert oauth.call(personal).status_code == 401
