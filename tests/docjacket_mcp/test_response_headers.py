"""What every answer tells browsers, over every path of the deployment and every way to fail."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import get_resolver

from accounts.models import User
from tests.architecture.test_house_rules import list_patterns
from tests.conftest import World
from tests.factories import UserFactory
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db

DOCUMENTS = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/jwks.json",
    "/api/v1/schema",
)
PAGE_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
HTML = {"Accept": "text/html"}


def list_paths() -> list[str]:
    """One address for each path of the deployment, the admin's own pages left to their root."""
    paths = {"/", "/no/such/page", "/static/docjacket.css", "/static/no-such-file", "/admin/"}
    for entry in get_resolver().url_patterns:
        prefix = str(entry.pattern)
        if prefix == "admin/":
            continue
        patterns = list_patterns(entry) if hasattr(entry, "url_patterns") else [entry]
        for pattern in patterns:
            inner = "" if pattern is entry else str(pattern.pattern)
            if "^" in inner:
                inner = "password/reset/key/x-y"
            identifier = str(uuid.UUID(int=1))
            path = f"/{prefix}{inner}"
            while "<" in path:
                start, end = path.index("<"), path.index(">")
                path = path[:start] + identifier + path[end + 1 :]
            paths.add(path)
    return sorted(paths)


def read_whole(answer: Any) -> None:
    """Read a file to its end, which closes it."""
    if answer.streaming:
        b"".join(answer)


def read_policy(answer: Any) -> dict[str, str]:
    """The directives of its Content-Security-Policy."""
    pairs = [part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in pairs}


def assert_headers(answer: Any) -> None:
    """What every answer has, whatever it is."""
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] in ("same-origin", "unsafe-none")
    assert answer["Reference-Id"]
    policy = read_policy(answer)
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    if answer.get("Content-Type", "").startswith("text/html"):
        features = answer["Permissions-Policy"].split(", ")
        assert len(features) > 20
        assert all(feature.endswith("=()") for feature in features)
        assert policy["base-uri"] == "'none'"
    else:
        assert policy == {"default-src": "'none'", "frame-ancestors": "'none'"}


@pytest.mark.case(366, 367)
@pytest.mark.parametrize("path", list_paths())
def test_every_path_answers_with_the_headers_whoever_asks_and_however(
    path: str, world: World, sign_in: Callable[[User], Browser]
) -> None:
    strict = Browser(raise_request_exception=False, enforce_csrf_checks=True)
    for browser in (strict, sign_in(world.alice)):
        for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS"):
            for headers in ({}, HTML):
                answer = browser.generic(method, path, headers=headers)
                read_whole(answer)
                assert answer.status_code < 500
                assert_headers(answer)
                is_public = path in DOCUMENTS and answer.status_code == 200
                is_file = path.startswith("/static/") and answer.status_code == 200
                if is_file or (is_public and method in ("GET", "HEAD")):
                    assert "public" in answer["Cache-Control"]
                    max_age = answer["Cache-Control"].partition("max-age=")[2].partition(",")[0]
                    assert int(max_age) <= 3600
                else:
                    assert "no-store" in answer["Cache-Control"]


@pytest.mark.case(367)
@pytest.mark.parametrize("headers", [{}, HTML])
def test_a_fault_and_a_foreign_host_answer_with_the_headers(
    headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(raise_request_exception=False, headers=headers)
    foreign = browser.get("/", headers={"Host": "evil.example"})
    assert foreign.status_code == 400
    assert_headers(foreign)
    assert "no-store" in foreign["Cache-Control"]

    def fail(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(
        "django.contrib.sessions.middleware.SessionMiddleware.process_request", fail
    )
    fault = browser.get("/")
    assert fault.status_code == 500
    assert_headers(fault)
    assert "no-store" in fault["Cache-Control"]


@pytest.mark.case(367)
def test_pages_may_load_our_stylesheet_and_nothing_else(oauth: OAuthClient, world: World) -> None:
    assert read_policy(oauth.browser.get("/accounts/login")) == PAGE_POLICY
    assert read_policy(oauth.browser.get("/no/such/page")) == PAGE_POLICY
    oauth.register()
    oauth.sign_in(world.alice)
    # Browsers would hold form-action against the way back to the client.
    consent = {name: value for name, value in PAGE_POLICY.items() if name != "form-action"}
    assert read_policy(oauth.open_consent()) == consent


@pytest.mark.case(367)
def test_the_admin_has_its_own_policy_and_no_inline_script(
    sign_in: Callable[[User], Browser], db: None
) -> None:
    operator = UserFactory(email="operator@host.example", is_staff=True, is_superuser=True)
    for path in ("/admin/", "/admin/no/such/page/"):
        assert read_policy(sign_in(operator).get(path, headers=HTML)) == {
            "default-src": "'self'",
            "img-src": "'self' data:",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
            "object-src": "'none'",
        }


@pytest.mark.case(368)
def test_only_pages_of_the_sign_in_keep_their_opener(oauth: OAuthClient, world: World) -> None:
    oauth.register()
    header = "Cross-Origin-Opener-Policy"
    assert oauth.browser.get("/accounts/login")[header] == "unsafe-none"
    assert oauth.browser.get("/authorize")[header] == "unsafe-none"
    assert oauth.open_consent()[header] == "unsafe-none"
    oauth.sign_in(world.alice)
    assert oauth.open_consent()[header] == "unsafe-none"
    for path in ("/", "/settings/ai-access", "/settings/activity", "/accounts/password/change"):
        assert oauth.browser.get(path)[header] == "same-origin"


@pytest.mark.case(373)
@pytest.mark.parametrize("accept", ["", "*/*", "text/html"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/token", 405),
        ("POST", "/token/introspect", 404),
        ("GET", "/register/dyn_1", 404),
        ("DELETE", "/register", 405),
        ("POST", "/revoke/", 404),
        ("GET", "/mcp/other", 404),
        ("GET", "/.well-known/nothing", 404),
        ("POST", "/.well-known/jwks.json", 405),
    ],
)
def test_paths_of_programs_answer_json_whatever_is_accepted(
    method: str, path: str, status: int, accept: str, log: Any
) -> None:
    browser = Browser(raise_request_exception=False, enforce_csrf_checks=True)
    answer = browser.generic(method, path, headers={"Accept": accept} if accept else {})
    # A form that nobody got from us is refused before its path is looked for.
    assert answer.status_code in ((status, 403) if method == "POST" else (status,))
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["reference"] == answer["Reference-Id"]
    assert log().with_reference(answer["Reference-Id"]).exists()


@pytest.mark.case(372)
@pytest.mark.parametrize(
    "path",
    [
        "/static/../manage.py",
        "/static/%2e%2e/manage.py",
        "/static/..%2f..%2fmanage.py",
        "/static//etc/passwd",
        "/static/./docjacket.css/../../manage.py",
        "/static/..\\manage.py",
        "/static/\x00",
        "/static/",
        "/static",
    ],
)
def test_nothing_beside_the_static_files_is_served(path: str) -> None:
    browser = Browser(raise_request_exception=False)
    served = browser.get("/static/docjacket.css")
    assert served.status_code == 200
    read_whole(served)
    answer = browser.generic("GET", "/", PATH_INFO=path)
    assert answer.status_code == 404
    assert b"DJANGO_SETTINGS_MODULE" not in answer.content
