"""The server with the settings of production, as a proxy in front of it sees it."""

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection as database

from accounts.models import User
from activity.models import ActivityEvent
from tests.factories import PASSWORD, UserFactory
from tests.live.server import BASE_DIR, LiveServer, build_environment, serve

HOST = "mcp.example.com"
SERVER = "/.well-known/oauth-authorization-server"
PAGE_OF_PROXY = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(scope="module")
def production(committed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Production settings, with the test's own database and static files."""
    var = tmp_path_factory.mktemp("production")
    settings = {
        "QUICK_START": "0",
        "PUBLIC_URL": f"https://{HOST}",
        # How the test finds out that it is ready.
        "EXTRA_ALLOWED_HOSTS": "127.0.0.1",
        "EMAIL_URL": "smtp+tls://mailer:sample@mail.example.com:587",
        "TRUSTED_PROXY_HOPS": "1",
        "VAR_DIR": str(var),
    }
    name = str(database.settings_dict["NAME"])
    environment = build_environment(("127.0.0.1", 1), name, None) | settings
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "-v0"]
    subprocess.run(command, cwd=BASE_DIR, env=environment, check=True)
    log = Path(var) / "gunicorn.log"
    with serve(name, log, **settings) as server:
        yield server
    assert "Traceback" not in server.read_log(), server.read_log()


@pytest.fixture
def person(committed: None) -> User:
    """Somebody with a password."""
    return UserFactory(email=f"{uuid4().hex}@acme.example")


class Answer:
    """One answer: status, headers by lower-case name, cookies and text."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.set_cookies = response.headers.get_all("Set-Cookie") or []
        self.text = response.read().decode(errors="replace")


def ask(
    server: LiveServer,
    target: str,
    headers: dict[str, str] = PAGE_OF_PROXY,
    *,
    method: str = "GET",
    body: str = "",
) -> Answer:
    """One request, with exactly this target and these headers."""
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.endheaders(body.encode())
        return Answer(connection.getresponse())
    finally:
        connection.close()


def sign_in(server: LiveServer, person: User, headers: dict[str, str] = PAGE_OF_PROXY) -> Answer:
    """Open the page and submit its form, as a browser would."""
    page = ask(server, "/accounts/login", headers | {"Accept": "text/html"})
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', page.text)
    assert token, page.text
    cookies = "; ".join(cookie.partition(";")[0] for cookie in page.set_cookies)
    fields = {"login": person.email, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    more = {"Cookie": cookies, "Origin": f"https://{HOST}", "Referer": f"https://{HOST}/"}
    return ask(server, "/accounts/login", headers | more, method="POST", body=urlencode(fields))


@pytest.mark.case(363)
def test_cookies_are_bound_to_the_host_and_never_sent_in_the_clear(
    production: LiveServer, person: User
) -> None:
    answer = sign_in(production, person)
    assert answer.status == 302, answer.text
    cookies = SimpleCookie()
    for text in answer.set_cookies:
        cookies.load(text)
    assert set(cookies) == {"__Host-sessionid", "__Host-csrftoken", "__Host-knownbrowser"}
    for cookie in cookies.values():
        assert cookie["secure"] and cookie["httponly"]
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    assert 0 < int(cookies["__Host-sessionid"]["max-age"] or 1) <= 12 * 3600


@pytest.mark.case(345)
def test_the_row_of_a_sign_in_has_the_address_that_our_proxy_saw(
    production: LiveServer, person: User
) -> None:
    forged = PAGE_OF_PROXY | {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    assert sign_in(production, person, forged).status == 302
    row = ActivityEvent.objects.get(user_id=person.pk, event="accounts.sign_in.succeeded")
    assert row.ip == "203.0.113.9"


@pytest.mark.case(366, 367)
@pytest.mark.parametrize(
    "path",
    ["/", "/accounts/login", "/authorize", "/no/such", "/static/docjacket.css", "/token", "/mcp"],
)
def test_every_answer_over_tls_asks_for_tls_and_only_those(
    production: LiveServer, path: str
) -> None:
    answer = ask(production, path)
    assert answer.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["reference-id"]
    clear = ask(production, path, PAGE_OF_PROXY | {"X-Forwarded-Proto": "http"})
    assert "strict-transport-security" not in clear.headers


@pytest.mark.case(1)
@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (SERVER, HOST, 200),
        (SERVER, "evil.example", 400),
        (SERVER, f"{HOST}.evil.example", 400),
        (SERVER, f"{HOST}@evil.example", 400),
        (f"https://evil.example{SERVER}", "evil.example", 400),
        (f"https://evil.example{SERVER}", HOST, 200),
        (f"http://{HOST}{SERVER}", HOST, 200),
    ],
)
def test_no_spelling_of_a_foreign_address_gets_into_a_document(
    production: LiveServer, target: str, host: str, status: int
) -> None:
    headers = PAGE_OF_PROXY | {"Host": host, "X-Forwarded-Host": "evil.example"}
    answer = ask(production, target, headers)
    assert answer.status == status
    assert "evil" not in answer.text + str(answer.headers)
    if status == 200:
        assert f'"issuer":"https://{HOST}"' in answer.text.replace(" ", "")


@pytest.mark.case(1, 278, 345)
def test_no_header_chooses_the_path_or_the_scheme(production: LiveServer) -> None:
    headers = {"SCRIPT_NAME": "/evil", "PATH_INFO": "/livez", "X-Forwarded-Ssl": "on"}
    plain = {"Host": HOST, "X-Forwarded-Protocol": "ssl"}
    answer = ask(production, SERVER, plain | headers)
    assert answer.status == 200
    assert "evil" not in answer.text
    assert "strict-transport-security" not in answer.headers


@pytest.mark.case(372)
@pytest.mark.parametrize(
    "target",
    ["/static/../manage.py", "/static/%2e%2e/%2e%2e/manage.py", "/static/..%5cmanage.py"],
)
def test_static_files_are_served_and_nothing_beside_them(
    production: LiveServer, target: str
) -> None:
    served = ask(production, "/static/docjacket.css")
    assert served.status == 200
    assert served.headers["content-type"].startswith("text/css")
    answer = ask(production, target)
    assert answer.status == 404
    assert "DJANGO_SETTINGS_MODULE" not in answer.text


@pytest.mark.case(190)
@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content-Encoding": "gzip"}, 415), ({"Content-Encoding": "identity"}, 415), ({}, 401)],
)
def test_a_compressed_body_is_not_read(
    production: LiveServer, headers: dict[str, str], status: int
) -> None:
    body = urlencode({"grant_type": "refresh_token", "client_id": "x", "refresh_token": "x"})
    answer = ask(production, "/token", PAGE_OF_PROXY | headers, method="POST", body=body)
    assert answer.status == status
