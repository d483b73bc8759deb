"""Security headers of every page, whatever went right or wrong, and sessions that change hands."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client as Browser

from accounts.models import User
from oauth_ext.models import Client
from tests.conftest import PASSWORD, World
from tests.oauth_client import CALLBACK, OAuthClient, find_input
from tests.oauth_ext.conftest import page_refusal_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(oauth: OAuthClient, client_row: Client, world: World) -> OAuthClient:
    """A registered client; nobody is signed in."""
    cache.clear()
    oauth.client_id = client_row.client_id
    return oauth


def check_page(page: HttpResponse, status: int) -> None:
    """Never framed, sniffed or named to another site; runs nothing; says where it came from."""
    assert page.status_code == status, (page.status_code, page.content[:300])
    assert page["X-Frame-Options"] == "DENY"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["Referrer-Policy"] in ("same-origin", "no-referrer")
    policy = page["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "base-uri 'none'" in policy
    assert page["Reference-Id"]


def open_broken(ready: OAuthClient, monkeypatch: Any, fault: Exception) -> HttpResponse:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise fault

    monkeypatch.setattr("oauth_ext.views.authorization.parse_authorization_request", fail)
    return ready.open_consent()


@pytest.mark.case(94, 367)
def test_refusals_and_faults_carry_the_headers_of_every_page(
    ready: OAuthClient, world: World, monkeypatch: Any
) -> None:
    browser = ready.browser
    check_page(browser.get("/accounts/login"), 200)
    check_page(browser.get("/no/such/page"), 404)
    check_page(browser.get("/", headers={"Host": "evil.example"}), 400)
    check_page(browser.post("/accounts/login"), 403)
    check_page(ready.open_consent(client_id="nobody"), 400)
    check_page(ready.open_consent(), 302)
    assert browser.head("/authorize")["X-Frame-Options"] == "DENY"
    ready.sign_in(world.ben)
    page = ready.open_consent()
    check_page(page, 200)
    check_page(ready.decide(page, world.borealis), 400)
    check_page(ready.decide(page, world.acme), 303)
    check_page(browser.get("/settings/ai-access"), 200)
    check_page(browser.get("/admin/"), 302)
    check_page(open_broken(ready, monkeypatch, RuntimeError()), 500)
    check_page(open_broken(ready, monkeypatch, OperationalError()), 503)


@pytest.mark.case(94)
def test_a_limit_that_is_reached_carries_them_too(ready: OAuthClient, monkeypatch: Any) -> None:
    monkeypatch.setattr("oauth_ext.views.authorization.allow_consent_page", lambda user_id: False)
    ready.sign_in(User.objects.get(email="ben@acme.example"))
    check_page(ready.open_consent(), 429)


@pytest.mark.case(366)
@pytest.mark.parametrize("signed_in", [True, False])
def test_nothing_on_the_way_is_kept_by_a_cache(
    ready: OAuthClient, world: World, signed_in: bool
) -> None:
    if signed_in:
        ready.sign_in(world.ben)
    pages = [
        ready.open_consent(),
        ready.open_consent(client_id="nobody"),
        ready.open_consent(response_type="token"),
        ready.browser.get("/accounts/logout"),
        ready.browser.get("/settings/ai-access"),
        ready.browser.get("/settings/activity"),
        ready.browser.get("/accounts/password/change"),
    ]
    if not signed_in:
        pages.append(ready.browser.get("/accounts/login"))
        # A bounce to the sign-in page holds nothing.
        pages = [page for page in pages if page.status_code != 302]
    for page in pages:
        assert "no-store" in page["Cache-Control"], page.wsgi_request.path


def sign_in_by_form(browser: Browser, password: str = PASSWORD) -> None:
    page = browser.get("/accounts/login")
    token = find_input(page, "csrfmiddlewaretoken")
    fields = {"login": "ben@acme.example", "password": password, "csrfmiddlewaretoken": token}
    assert browser.post("/accounts/login", fields).status_code == 302


@pytest.mark.case(116, 364)
def test_a_changed_password_changes_the_session_and_ends_the_others(
    ready: OAuthClient, world: World
) -> None:
    browser, other = ready.browser, OAuthClient(client_id=ready.client_id).browser
    for each in (browser, other):
        sign_in_by_form(each)
    page = ready.open_consent()
    before = browser.session.session_key
    form = browser.get("/accounts/password/change")
    fields = {
        "oldpassword": PASSWORD,
        "password1": "a quite different passphrase",
        "password2": "a quite different passphrase",
        "csrfmiddlewaretoken": find_input(form, "csrfmiddlewaretoken"),
    }
    assert browser.post("/accounts/password/change", fields).status_code == 302
    assert browser.session.session_key not in (None, before)
    assert browser.get("/settings/ai-access").status_code == 200
    assert other.get("/settings/ai-access").status_code == 302
    browser.cookies["sessionid"] = before
    assert browser.get("/settings/ai-access").status_code == 302
    # What the old session was shown counts no more.
    sign_in_by_form(browser, "a quite different passphrase")
    token = find_input(ready.open_consent(), "csrfmiddlewaretoken")
    answer = ready.decide(page, world.acme, csrfmiddlewaretoken=token)
    page_refusal_of(answer, "consent_changed")


@pytest.mark.case(118)
def test_a_page_that_was_open_at_sign_out_allows_nothing(ready: OAuthClient, world: World) -> None:
    sign_in_by_form(ready.browser)
    page = ready.open_consent()
    out = find_input(ready.browser.get("/accounts/logout"), "csrfmiddlewaretoken")
    ready.browser.post("/accounts/logout", {"csrfmiddlewaretoken": out})
    assert ready.browser.get(page.wsgi_request.get_full_path()).status_code == 302
    answer = ready.decide(page, world.acme)
    assert answer["Location"].startswith("/accounts/login?")
    sign_in_by_form(ready.browser)
    token = find_input(ready.open_consent(), "csrfmiddlewaretoken")
    answer = ready.decide(page, world.acme, csrfmiddlewaretoken=token)
    page_refusal_of(answer, "consent_changed")


@pytest.mark.case(370)
@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "//",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "/%0d%0aSet-Cookie: a=b",
        "\t//evil.example",
        "https://127.0.0.1:8000@evil.example/",
    ],
)
def test_signing_out_leads_nowhere_else(
    ready: OAuthClient, sign_in: Callable[[User], Browser], world: World, target: str
) -> None:
    answer = sign_in(world.ben).post("/accounts/logout", {"next": target})
    assert answer.status_code == 302
    assert "evil" not in answer["Location"] and "\n" not in answer["Location"]
    assert answer["Location"].startswith("/") and not answer["Location"].startswith("//")


@pytest.mark.case(114)
def test_a_link_scanner_changes_nothing(ready: OAuthClient, world: World) -> None:
    ready.sign_in(world.ben)
    assert ready.browser.head(ready.authorization_url()).status_code == 405
    assert ready.open_consent(redirect_uri=CALLBACK).status_code == 200
    assert not Client.objects.get().connections.exists()
