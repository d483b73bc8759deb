"""A browser that somebody used before lets them in, whatever strangers do to their limits."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client as Browser

from accounts.limits import (
    RESET_ACCOUNT,
    RESET_HERE,
    RESET_KNOWN,
    RESET_SOURCE,
    SIGN_IN_ACCOUNT,
    SIGN_IN_HERE,
    SIGN_IN_KNOWN,
    SIGN_IN_SOURCE,
)
from accounts.models import User
from tests.buckets import leave_tokens
from tests.conftest import PASSWORD, World

pytestmark = pytest.mark.django_db

ALICE = "alice@acme.example"
COOKIE = "knownbrowser"
RESET = "/accounts/password/reset"
NEW = "an entirely different battery staple"


def open_browser(ip: str = "192.0.2.1") -> Browser:
    """One that nobody used yet."""
    return Browser(REMOTE_ADDR=ip, headers={"Accept": "text/html"})


def sign_in(browser: Browser, email: str = ALICE, password: str = PASSWORD) -> int:
    """The status of a sign-in: 302 if it worked."""
    browser.cookies.pop("sessionid", None)
    answer = browser.post("/accounts/login", {"login": email, "password": password})
    status: int = answer.status_code
    return status


def exhaust(*emails: str) -> None:
    """Strangers have used up whatever counts by account or by source."""
    for email in emails:
        sign_in(open_browser(), email, "wrong")
    for policy in (SIGN_IN_ACCOUNT, SIGN_IN_HERE, SIGN_IN_SOURCE):
        leave_tokens(policy, 0)


@pytest.mark.case(353)
def test_strangers_lock_nobody_out_of_a_browser_they_used(world: World) -> None:
    browser = open_browser()
    assert sign_in(browser) == 302
    cookie = browser.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["domain"], cookie["max-age"]) == ("", 180 * 86_400)
    exhaust(ALICE, "ben@acme.example")
    assert sign_in(open_browser("203.0.113.9")) == 429
    assert sign_in(browser, "ben@acme.example") == 429
    assert sign_in(browser, ALICE.upper()) == 302


@pytest.mark.case(353)
def test_a_known_browser_guesses_no_more_than_another(world: World, log: Any) -> None:
    browser = open_browser()
    sign_in(browser)
    for _ in range(SIGN_IN_KNOWN.capacity):
        assert sign_in(browser, password="wrong") == 200
    assert sign_in(browser) == 429
    assert log()[0].details["policy"] == SIGN_IN_KNOWN.name
    assert sign_in(open_browser()) == 302


@pytest.mark.case(353)
def test_a_cookie_that_was_made_up_changed_or_somebody_elses_is_none(world: World) -> None:
    browser = open_browser()
    sign_in(browser)
    good = browser.cookies[COOKIE].value
    exhaust(ALICE)
    for value in ("x", f"x{good}", f"{good}x", good.rpartition(":")[0], "::", "\xe9"):
        browser.cookies[COOKIE] = value
        assert sign_in(browser) == 429
    browser.cookies[COOKIE] = good
    assert sign_in(browser) == 302


@pytest.mark.parametrize("change", ["password", "tokens_valid_from"])
def test_a_new_password_makes_every_other_browser_unknown(world: World, change: str) -> None:
    here, elsewhere = open_browser(), open_browser()
    for browser in (here, elsewhere):
        sign_in(browser)
    if change == "password":
        fields = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
        assert here.post("/accounts/password/change", fields).status_code == 302
    else:
        reset(here)
    exhaust(ALICE)
    assert sign_in(elsewhere, password=NEW) == 429
    assert sign_in(here, password=NEW) == 302


def reset(browser: Browser) -> None:
    """Set a new password by mail."""
    assert browser.post(RESET, {"email": ALICE}).status_code == 302
    (url,) = re.findall(r"http\S+/password/reset/key/\S+", mail.outbox[-1].body)
    form = browser.get(urlsplit(url).path, follow=True)
    fields = {"password1": NEW, "password2": NEW}
    assert browser.post(form.request["PATH_INFO"], fields).status_code == 302


@pytest.mark.case(353)
def test_who_follows_a_reset_link_gets_in_where_they_never_were(world: World) -> None:
    browser = open_browser("203.0.113.9")
    exhaust(ALICE)
    assert sign_in(browser) == 429
    reset(browser)
    assert User.objects.get(id=world.alice.id).check_password(NEW)
    assert sign_in(browser, password=NEW) == 302


def test_strangers_use_up_nobodys_reset_mails_where_they_signed_in(world: World) -> None:
    browser = open_browser()
    sign_in(browser)
    open_browser().post(RESET, {"email": ALICE})
    for policy in (RESET_ACCOUNT, RESET_HERE, RESET_SOURCE):
        leave_tokens(policy, 0)
    mail.outbox.clear()
    assert open_browser().post(RESET, {"email": ALICE}).status_code == 429
    for _ in range(RESET_KNOWN.capacity):
        assert browser.post(RESET, {"email": ALICE}).status_code == 302
    assert [message.to for message in mail.outbox] == [[ALICE]] * RESET_KNOWN.capacity
    assert browser.post(RESET, {"email": ALICE}).status_code == 429


@pytest.mark.case(353)
def test_strangers_keep_nobody_signed_in_from_giving_the_password_again(world: World) -> None:
    browser = open_browser()
    browser.force_login(world.alice)
    exhaust(ALICE)
    answer = browser.post("/accounts/reauthenticate", {"password": PASSWORD})
    assert answer.status_code == 302
