"""Limits on the forms about passwords, and what a change or a sign-out ends."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client as Browser

from accounts.limits import (
    PASSWORD_CHANGE,
    REAUTHENTICATION,
    RESET_ACCOUNT,
    RESET_HERE,
    RESET_LINK_SOURCE,
    RESET_SOURCE,
)
from accounts.models import TokenBucket, User
from tests.buckets import leave_tokens
from tests.conftest import PASSWORD, World

pytestmark = pytest.mark.django_db

RESET = "/accounts/password/reset"
CHANGE = "/accounts/password/change"
REAUTHENTICATE = "/accounts/reauthenticate"
NEW = "an entirely different battery staple"

SignIn = Callable[[User], Browser]


def ask(email: str, ip: str = "192.0.2.1") -> Any:
    """Ask for a reset mail."""
    browser = Browser(REMOTE_ADDR=ip, headers={"Accept": "text/html"})
    return browser.post(RESET, {"email": email})


def change(browser: Browser, old: str = PASSWORD, new: str = NEW) -> Any:
    """Submit the form."""
    return browser.post(CHANGE, {"oldpassword": old, "password1": new, "password2": new})


def assert_refused(answer: Any, log: Callable[[], Any], policy: str) -> None:
    """429 with the policy in its row."""
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    row = log().with_reference(answer["Reference-Id"]).get()
    assert (row.reason, row.details["policy"]) == ("too_many_attempts", policy)


@pytest.mark.case(351)
@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_reset_mails_are_limited_for_each_address_whether_or_not_anybody_has_it(
    world: World, log: Callable[[], Any], name: str
) -> None:
    for _ in range(RESET_HERE.capacity):
        assert ask(f"{name}@acme.example").status_code == 302
    assert_refused(ask(f"{name.upper()}@acme.example"), log, RESET_HERE.name)
    for number in range(RESET_ACCOUNT.capacity - RESET_HERE.capacity):
        assert ask(f"{name}@acme.example", f"192.0.2.{number + 2}").status_code == 302
    assert len(mail.outbox) == RESET_ACCOUNT.capacity
    # Beyond that the page is the same, and the links of the mails before go on working.
    unsent = ask(f"{name}@acme.example", "192.0.2.99")
    assert (unsent.status_code, unsent["Location"]) == (302, f"{RESET}/done")
    assert len(mail.outbox) == RESET_ACCOUNT.capacity
    row = log().with_reference(unsent["Reference-Id"]).get()
    assert (row.reason, row.details["policy"]) == ("too_many_attempts", RESET_ACCOUNT.name)
    assert ask("ben@acme.example", "192.0.2.99").status_code == 302
    assert len(mail.outbox) == RESET_ACCOUNT.capacity + 1


def test_reset_mails_are_limited_for_each_source(world: World, log: Callable[[], Any]) -> None:
    for number in range(RESET_SOURCE.capacity):
        assert ask(f"nobody{number}@acme.example").status_code == 302
    assert_refused(ask("alice@acme.example"), log, RESET_SOURCE.name)
    assert ask("alice@acme.example", "192.0.2.2").status_code == 302


def test_following_reset_links_is_limited_for_each_source(
    world: World, log: Callable[[], Any]
) -> None:
    browser = Browser(headers={"Accept": "text/html"})
    assert browser.post(f"{RESET}/key/x-set-password", {}).status_code == 200
    leave_tokens(RESET_LINK_SOURCE, 1)
    assert browser.post(f"{RESET}/key/x-set-password", {}).status_code == 200
    leave_tokens(RESET_LINK_SOURCE, 0)
    assert_refused(browser.post(f"{RESET}/key/x-set-password", {}), log, RESET_LINK_SOURCE.name)
    assert browser.get(f"{RESET}/key/x-set-password").status_code == 200


def test_the_old_password_cannot_be_guessed_by_who_has_the_session(
    world: World, sign_in: SignIn, log: Callable[[], Any]
) -> None:
    browser = sign_in(world.alice)
    for _ in range(PASSWORD_CHANGE.capacity):
        assert change(browser, old="a guess").status_code == 200
    rows = log().filter(event="accounts.password.refused", reason="wrong_password")
    assert rows.count() == PASSWORD_CHANGE.capacity
    assert {row.user_id for row in rows} == {world.alice.id}
    assert_refused(change(sign_in(world.alice)), log, PASSWORD_CHANGE.name)
    assert User.objects.get(id=world.alice.id).check_password(PASSWORD)
    assert change(sign_in(world.ben)).status_code == 302


def test_asking_for_the_password_again_is_limited_and_the_right_one_does_not_count(
    world: World, sign_in: SignIn, log: Callable[[], Any]
) -> None:
    browser = sign_in(world.alice)
    for _ in range(REAUTHENTICATION.capacity + 2):
        assert browser.post(REAUTHENTICATE, {"password": PASSWORD}).status_code == 302
    TokenBucket.objects.all().delete()
    for number in range(REAUTHENTICATION.capacity):
        browser = sign_in(world.alice)
        answer = browser.post(
            REAUTHENTICATE, {"password": "a guess"}, REMOTE_ADDR=f"192.0.2.{number}"
        )
        assert answer.status_code == 200
    answer = browser.post(REAUTHENTICATE, {"password": PASSWORD}, REMOTE_ADDR="192.0.2.99")
    assert_refused(answer, log, REAUTHENTICATION.name)


@pytest.mark.case(364, 116)
def test_a_changed_password_ends_every_other_session_and_renames_this_one(
    world: World, sign_in: SignIn
) -> None:
    here, elsewhere, bens = sign_in(world.alice), sign_in(world.alice), sign_in(world.ben)
    before = here.session.session_key
    assert change(here).status_code == 302
    assert here.get("/settings/ai-access").status_code == 200
    assert here.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()
    assert elsewhere.get("/settings/ai-access").status_code == 302
    assert bens.get("/settings/ai-access").status_code == 200


@pytest.mark.case(362)
def test_signing_out_ends_the_session_on_the_server(world: World, sign_in: SignIn) -> None:
    browser, other = sign_in(world.alice), sign_in(world.alice)
    cookie = browser.cookies["sessionid"].value
    assert browser.post("/accounts/logout").status_code == 302
    assert not Session.objects.filter(session_key=cookie).exists()
    thief = Browser()
    thief.cookies["sessionid"] = cookie
    assert thief.get("/settings/ai-access").status_code == 302
    assert other.get("/settings/ai-access").status_code == 200
