"""Who is believed about the scheme, the host and the address: nobody, unless it is configured."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client as Browser

from docjacket_mcp.proxy_headers import choose_scheme
from tests.conftest import World
from tests.docjacket_mcp.test_response_headers import read_whole

pytestmark = pytest.mark.django_db

SCHEME = ("HTTP_X_FORWARDED_PROTO", "https")
SPOOFED = {
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "6666",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "203.0.113.9",
    "X-Real-IP": "203.0.113.9",
    "True-Client-IP": "203.0.113.9",
}


@pytest.mark.case(345)
@pytest.mark.parametrize(
    ("header", "hops", "scheme"),
    [
        ("https", 0, ""),
        ("https", 1, "https"),
        ("http", 1, "http"),
        ("https, http", 1, "http"),
        ("http, https", 1, "https"),
        ("https, http, https", 2, "http"),
        ("http, https, http", 2, "https"),
        ("https, http", 3, ""),
        ("", 1, ""),
    ],
)
def test_the_scheme_is_what_the_outermost_of_our_proxies_saw(
    header: str, hops: int, scheme: str
) -> None:
    assert choose_scheme(header, hops) == scheme


@pytest.mark.case(345, 367)
def test_a_scheme_is_believed_only_from_a_proxy_of_ours(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = SCHEME
    settings.SECURE_HSTS_SECONDS = 63_072_000
    settings.TRUSTED_PROXY_HOPS = 1
    browser = Browser(raise_request_exception=False)
    hsts = "Strict-Transport-Security"
    assert hsts in browser.get("/livez", headers={"X-Forwarded-Proto": "https"})
    assert hsts not in browser.get("/livez", headers={"X-Forwarded-Proto": "https, http"})
    settings.TRUSTED_PROXY_HOPS = 0
    assert hsts not in browser.get("/livez", headers={"X-Forwarded-Proto": "https"})


@pytest.mark.case(345)
@pytest.mark.parametrize(("hops", "ip"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_the_address_in_the_log_is_the_proxy_s_word_only_if_there_is_one(
    settings: Any, log: Any, hops: int, ip: str
) -> None:
    settings.TRUSTED_PROXY_HOPS = hops
    answer = Browser(raise_request_exception=False).get("/no/such/page", headers=SPOOFED)
    assert log().with_reference(answer["Reference-Id"]).get().ip == ip


@pytest.mark.case(1, 345)
@pytest.mark.parametrize(
    "path", ["/", "/accounts/login", "/static/docjacket.css", "/livez", "/authorize", "/mcp"]
)
def test_a_foreign_host_is_refused_before_any_view_and_a_forwarded_one_is_not_looked_at(
    path: str, log: Any
) -> None:
    browser = Browser(raise_request_exception=False)
    expected = browser.get(path)
    read_whole(expected)
    foreign = browser.get(path, headers={"Host": "evil.example"})
    assert foreign.status_code == (421 if path == "/mcp" else 400)
    assert "evil.example" not in foreign.content.decode() + str(foreign.headers)
    row = log().with_reference(foreign["Reference-Id"]).get()
    assert row.reason in ("bad_host", "host_not_allowed")
    forwarded = browser.get(path, headers={"X-Forwarded-Host": "evil.example"})
    read_whole(forwarded)
    assert forwarded.status_code == expected.status_code
    assert "evil.example" not in str(forwarded.headers)


@pytest.mark.case(371)
def test_links_in_mails_start_with_the_configured_address_at_an_extra_host_too(
    world: World, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "10.0.0.7"]
    for email in ("alice@acme.example", "nobody@acme.example"):
        answer = Browser().post(
            "/accounts/password/reset", {"email": email}, headers={"Host": "10.0.0.7"} | SPOOFED
        )
        assert answer.status_code == 302
        body = mail.outbox[-1].body + mail.outbox[-1].subject
        assert "10.0.0.7" not in body and "evil" not in body
    assert "http://127.0.0.1:8000/accounts/password/reset/key/" in mail.outbox[0].body
