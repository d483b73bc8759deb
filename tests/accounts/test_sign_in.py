"""Signing in and out: what a stranger learns (nothing), and what the log knows (everything)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from accounts.models import User
from tests.conftest import PASSWORD, World
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login"


@pytest.fixture
def browser() -> Browser:
    """Somebody who has not signed in."""
    return Browser(raise_request_exception=False, headers={"Accept": "text/html"})


def sign_in(browser: Browser, email: str, password: str = PASSWORD, **more: str) -> Any:
    """Submit the form."""
    return browser.post(LOGIN, {"login": email, "password": password} | more)


def said_by(page: Any) -> str:
    """What a page says, without what is different every time or was typed in."""
    source = re.sub(r'value="[^"]*"', "", page.content.decode())
    return source.replace(page["Reference-Id"], "")


@pytest.mark.case(118)
def test_signing_in_and_out_are_rows(
    browser: Browser, world: World, log: Callable[[], Any]
) -> None:
    answer = sign_in(browser, "alice@acme.example")
    assert answer["Location"] == "/settings/ai-access"
    assert browser.get("/settings/ai-access").status_code == 200
    out = browser.post("/accounts/logout")
    assert out["Location"] == "/"
    assert browser.get("/settings/ai-access").status_code == 302
    signed_out, signed_in = log()
    assert (signed_in.event, signed_out.event) == (
        "accounts.sign_in.succeeded",
        "accounts.sign_out.succeeded",
    )
    assert signed_in.reference == answer["Reference-Id"]
    assert signed_out.reference == out["Reference-Id"]
    assert signed_in.user_id == signed_out.user_id == world.alice.id
    assert signed_in.ip == "127.0.0.1"


def test_the_address_is_found_in_any_letter_case(browser: Browser, world: World) -> None:
    assert sign_in(browser, "ALICE@Acme.Example").status_code == 302


@pytest.mark.case(350)
def test_a_wrong_password_and_an_unknown_address_look_the_same(
    browser: Browser, world: World, log: Callable[[], Any]
) -> None:
    wrong = sign_in(browser, "alice@acme.example", "not the password")
    unknown = sign_in(browser, "nobody@acme.example", "not the password")
    assert wrong.status_code == unknown.status_code == 200
    assert said_by(wrong) == said_by(unknown)
    assert set(wrong.headers) == set(unknown.headers)
    second, first = log()
    assert first.event == second.event == "accounts.sign_in.failed"
    assert first.outcome == second.outcome == "refused"
    assert (first.reason, first.user_id) == ("wrong_password", world.alice.id)
    assert (second.reason, second.user_id) == ("unknown_address", None)
    assert (first.reference, second.reference) == (wrong["Reference-Id"], unknown["Reference-Id"])
    assert "not the password" not in str(list(log().values()))
    assert "nobody@" not in str(list(log().values()))


@pytest.mark.case(350)
def test_somebody_switched_off_cannot_sign_in(
    browser: Browser, world: World, log: Callable[[], Any]
) -> None:
    User.objects.filter(id=world.alice.id).update(is_active=False)
    answer = sign_in(browser, "alice@acme.example")
    assert "_auth_user_id" not in browser.session
    assert browser.get("/settings/ai-access").status_code == 302
    assert not log().filter(event="accounts.sign_in.succeeded").exists()
    row = log().get(event="accounts.sign_in.failed")
    assert (row.reason, row.user_id) == ("user_inactive", world.alice.id)
    assert row.reference == answer["Reference-Id"]


@pytest.mark.case(263)
def test_a_session_ends_when_its_person_is_switched_off(browser: Browser, world: World) -> None:
    sign_in(browser, "alice@acme.example")
    assert browser.get("/settings/ai-access").status_code == 200
    User.objects.filter(id=world.alice.id).update(is_active=False)
    assert browser.get("/settings/ai-access").status_code == 302


def test_somebody_without_a_password_cannot_sign_in(browser: Browser, db: None) -> None:
    user = User.objects.create_user("plain@acme.example")
    assert not user.has_usable_password()
    for password in ("", "!", user.password):
        assert sign_in(browser, "plain@acme.example", password).status_code == 200
    assert "_auth_user_id" not in browser.session


@pytest.mark.case(116)
def test_the_session_gets_a_new_name_at_sign_in(browser: Browser, world: World) -> None:
    browser.get(LOGIN)
    session = browser.session
    session["planted"] = "x"
    session.save()
    planted = session.session_key
    browser.cookies["sessionid"] = planted
    sign_in(browser, "alice@acme.example")
    assert browser.session.session_key != planted
    cookie = browser.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


def test_many_attempts_are_slowed_down_for_one_address_and_for_one_source(
    browser: Browser, world: World, log: Callable[[], Any]
) -> None:
    for _ in range(5):
        sign_in(browser, "alice@acme.example", "not the password")
    # The right password does not help either: guessing has to stop.
    answer = sign_in(browser, "alice@acme.example")
    assert "_auth_user_id" not in browser.session
    assert answer.status_code in (200, 429)
    elsewhere = Browser(headers={"Accept": "text/html"}, REMOTE_ADDR="203.0.113.7")
    assert sign_in(elsewhere, "ben@acme.example").status_code == 302


def test_signing_up_is_closed(browser: Browser, db: None) -> None:
    page = browser.get("/accounts/signup")
    assert page.status_code == 200
    assert "<form" not in page.content.decode().partition("<main")[2]
    fields = {"email": "new@evil.example", "password1": PASSWORD, "password2": PASSWORD}
    browser.post("/accounts/signup", fields)
    assert not User.objects.exists()


def test_the_admin_uses_the_same_sign_in(browser: Browser, db: None, log: Any) -> None:
    UserFactory(email="operator@host.example", is_staff=True, is_superuser=True)
    answer = browser.get("/admin/", follow=True)
    assert answer.request["PATH_INFO"] == LOGIN
    assert sign_in(browser, "operator@host.example", next="/admin/")["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200
    assert log().get().event == "accounts.sign_in.succeeded"


def test_the_admin_has_no_other_form_for_a_new_password(
    browser: Browser, db: None, log: Any
) -> None:
    UserFactory(email="operator@host.example", is_staff=True, is_superuser=True)
    sign_in(browser, "operator@host.example")
    new = "an entirely different battery staple"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    for path in ("/admin/password_change/", "/admin/password_change/done/"):
        for answer in (browser.get(path), browser.post(path, fields)):
            assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change")
    operator = User.objects.get(email="operator@host.example")
    assert operator.check_password(PASSWORD)
    assert log().count() == 1
    assert browser.get("/accounts/password/change").status_code == 200


@pytest.mark.case(118, 362)
def test_signing_out_of_the_admin_is_a_row_too(browser: Browser, db: None, log: Any) -> None:
    operator = UserFactory(email="operator@host.example", is_staff=True, is_superuser=True)
    sign_in(browser, "operator@host.example")
    assert browser.get("/admin/").status_code == 200
    out = browser.post("/admin/logout/")
    assert (out.status_code, out["Location"]) == (302, "/")
    assert browser.get("/admin/").status_code == 302
    row = log().with_reference(out["Reference-Id"]).get()
    assert (row.event, row.user_id) == ("accounts.sign_out.succeeded", operator.pk)


@pytest.mark.case(115)
def test_signing_in_needs_a_csrf_token(world: World, log: Callable[[], Any]) -> None:
    strict = Browser(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    for path in (LOGIN, "/accounts/logout", "/accounts/password/reset"):
        answer = strict.post(path, {"login": "alice@acme.example", "password": PASSWORD})
        assert answer.status_code == 403
        row = log().with_reference(answer["Reference-Id"]).get()
        assert row.reason == "csrf"
    assert "_auth_user_id" not in strict.session


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_the_sign_out_page_signs_nobody_out(
    browser: Browser, world: World, method: str
) -> None:
    sign_in(browser, "alice@acme.example")
    getattr(browser, method)("/accounts/logout")
    assert browser.get("/settings/ai-access").status_code == 200


@pytest.mark.parametrize("value", ["a\x00b@acme.example", "\ud800@acme.example", "x" * 100_000])
def test_odd_text_in_the_form_is_no_fault_of_ours(
    browser: Browser, world: World, value: str
) -> None:
    body = f"login={value}&password={value}".encode("utf-8", "surrogatepass")
    answer = browser.post(LOGIN, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (200, 400)


def test_passwords_are_hashed_at_the_cost_that_was_chosen(db: None) -> None:
    user = User.objects.create_user("new@acme.example", PASSWORD)
    assert user.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(
    "headers", [{"X-Requested-With": "XMLHttpRequest"}, {"Accept": "application/json"}]
)
def test_a_script_gets_the_page_that_everybody_gets(
    browser: Browser, world: World, headers: dict[str, str]
) -> None:
    answer = browser.post(LOGIN, {"login": "", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("/settings/activity?q=a", True),
        ("https://[::1", False),
        ("https://evil.example/", False),
        ("//evil.example", False),
        ("//", False),
        ("/\\evil.example", False),
        ("javascript:alert(1)", False),
        ("\x00", False),
    ],
)
def test_after_the_sign_in_people_go_to_our_own_pages_only(
    browser: Browser, world: World, target: str, kept: bool
) -> None:
    assert browser.get(LOGIN, {"next": target}).status_code == 200
    fields = {"login": "alice@acme.example", "password": PASSWORD, "next": target}
    answer = browser.post(LOGIN, fields)
    assert answer.status_code == 302
    assert answer["Location"] == (target if kept else "/settings/ai-access")
