"""The parameters of /authorize one by one: state, PKCE, resource, scope, and broken text."""

from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from oauth_ext.models import AuthorizationCode, Client
from tests.conftest import World
from tests.oauth_client import CALLBACK, OAuthClient, build_challenge, read_redirect
from tests.oauth_ext.conftest import page_refusal_of, redirect_refusal_of

pytestmark = pytest.mark.django_db

R = "http://127.0.0.1:8000/mcp"


@pytest.fixture
def ready(oauth: OAuthClient, client_row: Client, world: World) -> OAuthClient:
    """A registered client, and Alice signed in."""
    oauth.client_id = client_row.client_id
    oauth.sign_in(world.alice)
    return oauth


# --- state ------------------------------------------------------------------------------------


@pytest.mark.case(81, 138)
@pytest.mark.parametrize(
    "state",
    [
        "a",
        " leading and trailing ",
        "a&b=c#d\"e%f'g<h>",
        "%26%3D%23",
        "a+b/c==",
        "CR\r\nLF: header",
        "tab\t",
        "état 🙂 ‮",
        "{}[]|\\^`;:@!$()*,",
        "../../evil",
        "x" * 4096,
    ],
)
def test_state_comes_back_as_it_was_with_codes_and_with_errors(
    ready: OAuthClient, world: World, state: str
) -> None:
    allowed = ready.decide(ready.open_consent(state=state), world.acme)
    cancelled = ready.decide(ready.open_consent(state=state), world.acme, decision="deny")
    refused = ready.open_consent(state=state, response_type="token")
    for answer in (allowed, cancelled, refused):
        assert read_redirect(answer)["state"] == state
        assert "\r" not in answer["Location"] and "\n" not in answer["Location"]
        assert urlsplit(answer["Location"]).fragment == ""
        assert answer["Location"].count("state=") == 1


@pytest.mark.case(81)
@pytest.mark.parametrize("state", [None, ""])
def test_absent_state_stays_absent(ready: OAuthClient, world: World, state: str | None) -> None:
    page = ready.open_consent(state=state)
    assert "state" not in read_redirect(ready.decide(page, world.acme))
    assert "state" not in read_redirect(ready.open_consent(state=state, response_type="x"))


@pytest.mark.case(81)
def test_a_state_that_is_too_long_goes_back_as_invalid_request(ready: OAuthClient) -> None:
    assert ready.open_consent(state="x" * 4096).status_code == 200
    answer = ready.open_consent(state="x" * 4097)
    redirect_refusal_of(answer, "invalid_request", "state_limit")


def test_issuer_is_in_every_answer_exactly_once(ready: OAuthClient, world: World) -> None:
    for answer in (
        ready.decide(ready.open_consent(), world.acme),
        ready.decide(ready.open_consent(), world.acme, decision="deny"),
        ready.open_consent(response_type="token"),
        ready.open_consent(iss="https://evil.example", response_type="token"),
    ):
        assert read_redirect(answer)["iss"] == "http://127.0.0.1:8000"
        assert answer["Location"].count("iss=") == 1


# --- PKCE (RFC 7636) --------------------------------------------------------------------------


@pytest.mark.case(143, 144, 145, 146, 147, 153)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code_challenge": None}, "pkce_missing"),
        ({"code_challenge": ""}, "pkce_missing"),
        ({"code_challenge": None, "code_challenge_method": None}, "pkce_missing"),
        ({"code_challenge_method": "plain"}, "pkce_method"),
        ({"code_challenge_method": None}, "pkce_method"),
        ({"code_challenge_method": ""}, "pkce_method"),
        ({"code_challenge_method": "s256"}, "pkce_method"),
        ({"code_challenge_method": "S512"}, "pkce_method"),
        ({"code_challenge_method": " S256"}, "pkce_method"),
        ({"code_challenge": "a" * 42}, "pkce_format"),
        ({"code_challenge": "a" * 44}, "pkce_format"),
        ({"code_challenge": "a" * 43 + "\n"}, "pkce_format"),
        ({"code_challenge": "a" * 42 + "="}, "pkce_format"),
        ({"code_challenge": "a" * 42 + "+"}, "pkce_format"),
        ({"code_challenge": "a" * 42 + "/"}, "pkce_format"),
        ({"code_challenge": "a" * 42 + "é"}, "pkce_format"),
        ({"code_challenge": "a" * 42 + "٣"}, "pkce_format"),
    ],
)
def test_pkce_with_s256_is_required_of_everybody(
    ready: OAuthClient, changes: dict[str, Any], reason: str
) -> None:
    redirect_refusal_of(ready.open_consent(**changes), "invalid_request", reason)
    assert ready.open_consent().status_code == 200


@pytest.mark.case(146)
def test_pkce_parameters_that_look_like_an_array_are_missing(ready: OAuthClient) -> None:
    answer = ready.open_consent(code_challenge=None, **{"code_challenge[]": build_challenge()})
    redirect_refusal_of(answer, "invalid_request", "pkce_missing")


# --- resource (RFC 8707) ----------------------------------------------------------------------


@pytest.mark.case(83, 84)
@pytest.mark.parametrize(
    "resource",
    [
        None,
        "",
        R,
        f"{R}/",
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/",
        "HTTP://127.0.0.1:8000/mcp",
        [R, R],
        [R, "http://127.0.0.1:8000/"],
        [R, ""],
    ],
)
def test_every_spelling_of_the_resource_that_clients_use_means_the_one(
    ready: OAuthClient, world: World, resource: Any
) -> None:
    code = read_redirect(ready.decide(ready.open_consent(resource=resource), world.acme))["code"]
    assert AuthorizationCode.objects.get().resource == [R]
    tokens = ready.exchange(code, resource=None).json()
    assert ready.call(tokens["access_token"]).status_code == 200


@pytest.mark.case(83, 84)
@pytest.mark.parametrize(
    "resource",
    [
        "https://evil.example/mcp",
        "http://127.0.0.1:8000/mcp#",
        "http://127.0.0.1:8000/mcp#x",
        "http://127.0.0.1:8000/mcp?x",
        "http://127.0.0.1:8000/mcp?",
        "/mcp",
        "mcp",
        "//127.0.0.1:8000/mcp",
        "https://127.0.0.1:8000/mcp",
        "http://127.0.0.1:8000/other",
        "http://127.0.0.1:8000/mcp/other",
        "http://127.0.0.1:8000/MCP",
        "http://127.0.0.1:8000//mcp",
        "http://127.0.0.1:8000/mcp/..",
        "http://127.0.0.1:8000/%6dcp",
        "http://127.0.0.1:8001/mcp",
        "http://127.0.0.1/mcp",
        "http://127.0.0.1:99999/mcp",
        "http://127.0.0.1:x/mcp",
        "http://localhost:8000/mcp",
        "http://user@127.0.0.1:8000/mcp",
        "http://127.0.0.1:8000@evil.example/mcp",
        "http://127.0.0.1:8000.evil.example/mcp",
        "http://[::1/mcp",
        "http://127.0.0.1:8000/mcp\n",
        "http://127.0.0.1:8000/mcp https://evil.example/",
        "urn:mcp",
        "*",
        [R, "https://evil.example/mcp"],
        ["https://evil.example/mcp", R],
    ],
)
def test_any_other_resource_is_an_invalid_target(ready: OAuthClient, resource: Any) -> None:
    redirect_refusal_of(ready.open_consent(resource=resource), "invalid_target", "resource")
    assert not AuthorizationCode.objects.exists()


# --- scope (RFC 6749 §3.3) --------------------------------------------------------------------


@pytest.mark.case(82)
@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        ("read", ["read"]),
        ("draft read", ["read", "draft"]),
        ("actions  draft\tread", ["read", "draft", "actions"]),
        ("read read", ["read"]),
        (" offline_access", ["read"]),
        ("claudeai", ["read"]),
        ("*", ["read"]),
        ("READ ACTIONS", ["read"]),
        ("read,actions", ["read"]),
        ("openid profile draft", ["draft"]),
        ("", ["read"]),
        (None, ["read"]),
        ("read " * 800, ["read"]),
        ("read internal admin __all__", ["read"]),
    ],
)
def test_scope_is_reduced_to_what_exists_and_never_widened(
    ready: OAuthClient, world: World, scope: str | None, shown: list[str]
) -> None:
    page = ready.open_consent(scope=scope)
    assert [tier["name"] for tier in page.context["scopes"]] == shown
    ready.decide(page, world.acme)
    assert AuthorizationCode.objects.get().scope == " ".join(shown)


# --- broken text (B8) -------------------------------------------------------------------------

NAMES = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "prompt",
    "login_hint",
    "unknown",
]


@pytest.mark.case(88)
@pytest.mark.parametrize("raw", ["%00", "a%00b", "%ff", "%c0%af", "%ed%a0%80", "%01", "%7f"])
def test_text_that_is_none_is_a_page_in_every_parameter(ready: OAuthClient, raw: str) -> None:
    for name in NAMES:
        url = ready.authorization_url(**{name: None}) + f"&{name}={raw}"
        page_refusal_of(ready.browser.get(url), "bad_text")


def test_letters_that_are_not_percent_encoded_are_a_page(ready: OAuthClient, world: World) -> None:
    answer = ready.decide(ready.open_consent(state="é"), world.acme)
    assert read_redirect(answer)["state"] == "é"
    query = urlsplit(ready.authorization_url(state=None)).query
    # Bare UTF-8, as a server hands it to us: byte by byte as Latin-1.
    answer = ready.browser.get("/authorize", QUERY_STRING=f"{query}&state=\u00c3\u00a9")
    page_refusal_of(answer, "bad_text")


@pytest.mark.case(88)
@pytest.mark.parametrize("raw", ["%", "%zz", "%u0041", "%e2%80%ae", "\u00ff", "%F0%9F%99%82"])
def test_odd_text_is_never_a_fault_of_ours(ready: OAuthClient, raw: str) -> None:
    for name in NAMES:
        url = ready.authorization_url(**{name: None})
        query = f"{urlsplit(url).query}&{name}={raw}"
        answer = ready.browser.get("/authorize", QUERY_STRING=query)
        assert answer.status_code in (200, 303, 400), name
        if answer.status_code == 303:
            assert answer["Location"].startswith(f"{CALLBACK}?")


@pytest.mark.case(87)
def test_a_query_beyond_eight_kibibytes_is_a_page(ready: OAuthClient) -> None:
    short = ready.authorization_url()
    room = 8192 - len(urlsplit(short).query) - len("&a=&b=")
    fits = f"{short}&a={'x' * 4096}&b={'x' * (room - 4096)}"
    assert len(urlsplit(fits).query) == 8192
    assert ready.browser.get(fits).status_code == 200
    page_refusal_of(ready.browser.get(fits + "x"), "too_large")


@pytest.mark.case(87)
def test_more_than_a_hundred_parameters_are_a_page(ready: OAuthClient) -> None:
    many = "".join(f"&p{number}={quote('v')}" for number in range(100))
    page_refusal_of(ready.browser.get(ready.authorization_url() + many), "bad_text")
