"""The way through the browser: headers of each page, and signing in on the way."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.http import HttpResponse

from accounts.models import Membership, Organization
from accounts.waiting_requests import MOST_WAITING
from oauth_ext.models import Client, Connection
from tests.conftest import PASSWORD, World
from tests.oauth_client import OAuthClient, find_input, read_redirect
from tests.oauth_ext.conftest import photograph

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unused_sign_in_limits() -> None:
    """allauth counts attempts in the cache, which outlives a test."""
    cache.clear()


@pytest.fixture
def ready(oauth: OAuthClient, client_row: Client, world: World) -> OAuthClient:
    """A registered client; nobody is signed in."""
    oauth.client_id = client_row.client_id
    return oauth


def submit_sign_in(oauth: OAuthClient, page: HttpResponse, **changes: str) -> HttpResponse:
    """Fill in the sign-in form as a browser does, with everything that is in it."""
    fields = {
        name: unescape(value)
        for name, value in re.findall(
            r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode()
        )
    }
    credentials = {"login": "alice@acme.example", "password": PASSWORD}
    return oauth.browser.post("/accounts/login", fields | credentials | changes)


def policy_of(response: HttpResponse) -> dict[str, str]:
    """The Content-Security-Policy by directive."""
    pairs = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in pairs if name}


@pytest.mark.case(86)
def test_signing_in_leads_back_to_this_very_request(ready: OAuthClient, world: World) -> None:
    state = 'a&b=c#d"e%f+g h\r\n/état'
    bounce = ready.open_consent(state=state, scope="read draft")
    assert bounce.status_code == 302
    assert urlsplit(bounce["Location"]).path == "/accounts/login"
    signed_in = submit_sign_in(ready, ready.browser.get(bounce["Location"]))
    assert signed_in.status_code == 302
    page = ready.browser.get(signed_in["Location"], follow=True)
    assert [tier["name"] for tier in page.context["scopes"]] == ["read", "draft"]
    answer = read_redirect(ready.decide(page, world.acme))
    assert answer["state"] == state
    assert ready.exchange(answer["code"]).status_code == 200


@pytest.mark.case(86)
@pytest.mark.parametrize("length", [512, 1800, 4096])
def test_signing_in_leads_back_however_long_the_state_is(
    ready: OAuthClient, world: World, length: int
) -> None:
    bounce = ready.open_consent(state="s" * length)
    signed_in = submit_sign_in(ready, ready.browser.get(bounce["Location"]))
    page = ready.browser.get(signed_in["Location"], follow=True)
    assert page.wsgi_request.path == "/authorize"
    assert read_redirect(ready.decide(page, world.acme))["state"] == "s" * length


@pytest.mark.case(357)
def test_nothing_is_kept_of_a_request_before_somebody_signs_in(ready: OAuthClient, log) -> None:
    before = photograph()
    ready.open_consent()
    assert photograph() == before
    assert log().count() == 0
    assert not Session.objects.exists()


@pytest.mark.case(86, 370)
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "https:evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "https://127.0.0.1:8000@evil.example/",
        "https://127.0.0.1.evil.example/",
        "\thttps://evil.example/",
        "/\t/evil.example/",
    ],
)
def test_a_foreign_next_is_dropped_at_sign_in(ready: OAuthClient, target: str) -> None:
    page = ready.browser.get("/accounts/login", {"next": target})
    by_query = submit_sign_in(ready, page)
    assert by_query["Location"] == "/settings/ai-access"
    ready.browser.logout()
    by_form = submit_sign_in(ready, ready.browser.get("/accounts/login"), next=target)
    assert by_form["Location"] == "/settings/ai-access"


@pytest.mark.case(92, 115)
def test_not_you_leads_through_sign_out_to_the_same_request(
    ready: OAuthClient, world: World
) -> None:
    ready.sign_in(world.ben)
    page = ready.open_consent()
    switch = page.context["switch_account_url"]
    confirm = ready.browser.get(switch)
    assert ready.browser.session.get("_auth_user_id")
    out = ready.browser.post(
        "/accounts/logout",
        {
            "csrfmiddlewaretoken": find_input(confirm, "csrfmiddlewaretoken"),
            "next": parse_qs(urlsplit(switch).query)["next"][0],
        },
    )
    assert out["Location"] == page.wsgi_request.get_full_path()
    assert urlsplit(ready.browser.get(out["Location"])["Location"]).path == "/accounts/login"


def sign_out(oauth: OAuthClient, address: str) -> HttpResponse:
    """Open the sign-out page at this address and press its button."""
    page = oauth.browser.get(address)
    fields = dict(
        re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode())
    )
    fields = {name: unescape(value) for name, value in fields.items()}
    return oauth.browser.post("/accounts/logout", fields)


@pytest.mark.case(86, 92, 115)
@pytest.mark.parametrize("length", [512, 1800, 4096])
def test_not_you_leads_to_the_same_request_however_long_it_is(
    ready: OAuthClient, world: World, length: int
) -> None:
    state = "s" * length
    ready.sign_in(world.ben)
    out = sign_out(ready, ready.open_consent(state=state).context["switch_account_url"])
    assert not ready.browser.session.get("_auth_user_id")
    sign_in_page = ready.browser.get(out["Location"], follow=True)
    assert sign_in_page.wsgi_request.path == "/accounts/login"
    signed_in = submit_sign_in(ready, sign_in_page)
    page = ready.browser.get(signed_in["Location"], follow=True)
    assert world.alice.email in page.content.decode()
    answer = read_redirect(ready.decide(page, world.acme))
    assert answer["state"] == state
    assert Connection.objects.get().user_id == world.alice.id


@pytest.mark.case(115)
def test_nothing_waits_on_after_a_sign_out_that_leads_elsewhere(
    ready: OAuthClient, world: World
) -> None:
    ready.sign_in(world.ben)
    switch = ready.open_consent(state="s" * 4096).context["switch_account_url"]
    assert ready.browser.session["waiting_requests"]
    waiting_at = parse_qs(urlsplit(switch).query)["next"][0]
    sign_out(ready, "/accounts/logout")
    assert not Session.objects.exists()
    assert ready.browser.get(waiting_at)["Location"] == "/"


@pytest.mark.case(86)
def test_each_tab_comes_back_to_its_own_long_request(ready: OAuthClient, world: World) -> None:
    states = [letter * 4096 for letter in "abcdefg"]
    bounces = [ready.open_consent(state=state) for state in states]
    waiting_at = [parse_qs(urlsplit(bounce["Location"]).query)["next"][0] for bounce in bounces]
    ready.browser.force_login(world.alice)
    for state, address in list(zip(states, waiting_at, strict=True))[-MOST_WAITING:]:
        for _ in range(2):
            page = ready.browser.get(address, follow=True)
            assert page.wsgi_request.GET["state"] == state
    # The oldest had to make room; another browser has none of them.
    assert ready.browser.get(waiting_at[0])["Location"] == "/"
    assert OAuthClient().browser.get(waiting_at[-1])["Location"] == "/"


@pytest.mark.case(90, 94, 117, 118, 366, 368)
def test_consent_page_may_not_be_framed_kept_or_lose_its_way_back(
    ready: OAuthClient, world: World
) -> None:
    ready.sign_in(world.alice)
    page = ready.open_consent()
    policy = policy_of(page)
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    # Browsers hold form-action against the redirect to the client.
    assert "form-action" not in policy
    assert "script-src" not in policy and "unsafe" not in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert "<script" not in page.content.decode()


@pytest.mark.case(90, 94)
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/accounts/login",
        "/settings/ai-access",
        "/settings/activity",
        "/no-such-page",
        "/accounts/logout",
        "/accounts/password/change",
        "/settings/ai-access/tokens",
    ],
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_every_other_page_keeps_its_forms_to_itself_and_out_of_frames(
    ready: OAuthClient, world: World, path: str, signed_in: bool
) -> None:
    if signed_in:
        ready.sign_in(world.alice)
    page = ready.browser.get(path)
    policy = policy_of(page)
    assert policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert page["X-Frame-Options"] == "DENY"
    assert page["Referrer-Policy"] in ("same-origin", "no-referrer")


@pytest.mark.case(94, 366)
def test_error_page_of_the_authorization_endpoint_may_not_be_framed_or_kept(
    ready: OAuthClient,
) -> None:
    page = ready.open_consent(client_id="dyn_unknown")
    assert policy_of(page)["frame-ancestors"] == "'none'"
    assert page["X-Frame-Options"] == "DENY"
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] in ("same-origin", "no-referrer")


@pytest.mark.case(368)
def test_no_page_on_the_way_cuts_a_popup_off_from_the_client_that_opened_it(
    ready: OAuthClient, world: World
) -> None:
    # One document with another opener policy is enough: browsers then forget the opener for good.
    bounce = ready.open_consent()
    sign_in_page = ready.browser.get(bounce["Location"])
    signed_in = submit_sign_in(ready, sign_in_page)
    consent_page = ready.browser.get(signed_in["Location"], follow=True)
    answer = ready.decide(consent_page, world.acme)
    for step in (bounce, sign_in_page, signed_in, consent_page, answer):
        assert step["Cross-Origin-Opener-Policy"] in ("unsafe-none", "same-origin-allow-popups")


@pytest.mark.case(91)
def test_a_person_without_an_active_organization_gets_a_page_and_a_way_back(
    ready: OAuthClient, world: World, log
) -> None:
    ready.sign_in(world.ben)
    Organization.objects.filter(id=world.acme.id).update(is_active=False)
    before = photograph()
    page = ready.open_consent()
    assert page.status_code == 403
    assert "You have no organization to connect" in page.content.decode()
    way_back = page.context["return_url"]
    assert read_redirect(_as_redirect(way_back)) == {
        "error": "access_denied",
        "state": "a-state",
        "iss": "http://127.0.0.1:8000",
    }
    row = log().with_reference(page["Reference-Id"]).get()
    assert (row.event, row.outcome) == ("oauth.consent.denied", "refused")
    assert (row.reason, row.user_id) == ("no_organization", world.ben.id)
    assert page["Reference-Id"] in page.content.decode()
    assert photograph() == before
    Membership.objects.filter(user=world.ben).delete()
    assert ready.open_consent().status_code == 403
    Organization.objects.filter(id=world.acme.id).update(is_active=True)
    Membership.objects.create(user=world.ben, organization=world.acme)
    assert ready.open_consent().status_code == 200
    assert not Connection.objects.exists()


def _as_redirect(url: str) -> HttpResponse:
    return HttpResponse(status=302, headers={"Location": url})
