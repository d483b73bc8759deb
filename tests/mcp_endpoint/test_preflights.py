"""CORS of the resource: preflights of web clients, and the pages that nobody may call from."""

import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client as Browser

from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db

INSPECTOR = "http://localhost:6274"


def preflight(path: str, origin: str = INSPECTOR, *, names: str = "", method: str = "POST") -> Any:
    """What a browser asks before it calls."""
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    if names:
        headers["Access-Control-Request-Headers"] = names
    return Browser(raise_request_exception=False).options(path, headers=headers)


def allowed_headers(answer: Any) -> set[str]:
    """The headers that the call may have."""
    return {name.strip() for name in answer["Access-Control-Allow-Headers"].lower().split(",")}


@pytest.mark.case(185)
def test_a_preflight_of_the_resource_allows_what_clients_send() -> None:
    answer = preflight("/mcp", names="authorization,content-type,mcp-method")
    assert answer.status_code in (200, 204)
    assert answer["Access-Control-Allow-Origin"] in ("*", INSPECTOR)
    assert "POST" in answer["Access-Control-Allow-Methods"]
    assert {
        "authorization",
        "content-type",
        "accept",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "mcp-session-id",
        "last-event-id",
    } <= allowed_headers(answer)
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.case(185)
@pytest.mark.parametrize(
    ("asked", "is_allowed"),
    [
        ("mcp-param-region", True),
        ("Mcp-Param-Customer-Id", True),
        ("mcp-param-", False),
        ("mcp-param-x\ty", False),
        ("mcp-parameter", False),
        ("x-mcp-param-region", False),
        ("cookie", False),
        ("mcp-param-" + "x" * 65, False),
        ("*", False),
    ],
)
def test_parameters_of_tools_are_allowed_by_their_prefix(asked: str, is_allowed: bool) -> None:
    answer = preflight("/mcp", names=f"content-type, {asked}")
    assert (asked.lower() in allowed_headers(answer)) == is_allowed
    elsewhere = preflight("/token", names=f"content-type, {asked}")
    assert asked.lower() not in allowed_headers(elsewhere)


def test_a_preflight_cannot_be_made_to_answer_at_length() -> None:
    names = ",".join(f"mcp-param-{number}" for number in range(5000))
    assert len(preflight("/mcp", names=names)["Access-Control-Allow-Headers"]) < 1000


@pytest.mark.case(36, 185)
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_other_origins_get_no_green_preflight_and_no_answer(path: str) -> None:
    for origin in ("https://evil.example", "null", "http://localhost:6275"):
        answer = preflight(path, origin, names="mcp-param-region")
        assert "Access-Control-Allow-Origin" not in answer
        call = Browser().post(path, "{}", "application/json", headers={"Origin": origin})
        assert call.status_code == 403
        assert "Access-Control-Allow-Origin" not in call


@pytest.mark.case(7, 36, 185)
def test_refusals_can_be_read_by_the_page_that_called(oauth: OAuthClient) -> None:
    origin = {"Origin": "https://web-client.example"}
    for path in ("/token", "/register", "/revoke"):
        answer = oauth.http.post(path, headers=origin)
        assert answer.status_code >= 400
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Retry-After" in answer["Access-Control-Expose-Headers"]
    call = oauth.http.post("/mcp", headers={"Origin": INSPECTOR})
    assert call.status_code == 401
    assert "WWW-Authenticate" in call["Access-Control-Expose-Headers"]


@pytest.mark.case(36)
def test_a_registration_from_a_page_uses_no_cookie(oauth: OAuthClient, world: Any) -> None:
    oauth.sign_in(world.alice)
    oauth.http.cookies = oauth.browser.cookies
    answer = oauth.register()
    assert answer.status_code == 201
    assert not answer.cookies
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize(
    "path",
    ["/", "/authorize", "/authorize/resume", "/accounts/login", "/settings/ai-access", "/admin/"],
)
def test_pages_have_no_cors_at_all(path: str) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(path, method="GET")
    assert not re.match(django_settings.CORS_URLS_REGEX, path)


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/token", "/register", "/revoke"])
def test_an_answer_to_a_program_says_that_a_page_might_get_another(path: str) -> None:
    answer = Browser().post(path, b"{}", content_type="application/json")
    assert "origin" in answer["Vary"]
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]
    to_page = Browser().post(
        path, b"{}", content_type="application/json", headers={"Origin": INSPECTOR}
    )
    assert "origin" in to_page["Vary"]
    assert to_page["Access-Control-Allow-Origin"] == "*"


def test_a_page_that_no_other_site_may_read_says_nothing_of_origins() -> None:
    assert "origin" not in Browser().post("/leaked-tokens").get("Vary", "").lower()
