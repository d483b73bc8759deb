"""GET /authorize: who is asking, where the answer may go, and in which order that is checked.

RFC 6749 §3.1.2.4 and §4.1.2.1: until the client and the redirect URI are certain, an error is a
page. The order is the security: no other error may come first and take the redirect with it.
"""

from typing import Any

import pytest

from oauth_ext.models import Client
from tests.conftest import World
from tests.oauth_client import CALLBACK, OAuthClient, build_challenge, read_redirect
from tests.oauth_ext.conftest import page_refusal_of, photograph, redirect_refusal_of

pytestmark = pytest.mark.django_db

OTHER_ERRORS: list[dict[str, Any]] = [
    {},
    {"response_type": None},
    {"response_type": "token"},
    {"response_mode": "fragment"},
    {"response_mode": "form_post"},
    {"prompt": "none"},
    {"code_challenge": None},
    {"code_challenge_method": "plain"},
    {"code_challenge_method": None},
    {"code_challenge": "short"},
    {"scope": ""},
    {"scope": "no such scope"},
    {"resource": "https://evil.example/"},
    {"request": "eyJhbGciOiJub25lIn0.e30."},
    {"request_uri": "https://evil.example/request"},
    {"state": None},
    {"state": "x" * 4096},
    {"state": ["a", "b"]},
    {"scope": ["read", "read"]},
    {"approval_prompt": "auto"},
]

FOREIGN_URIS = [
    "https://evil.example/",
    f"{CALLBACK}/",
    f"{CALLBACK}?",
    f"{CALLBACK}#",
    f"{CALLBACK}?x=1",
    "https://CLIENT.example/callback",
    "https://client.example:443/callback",
    "http://client.example/callback",
    "https://client.example@evil.example/callback",
    "https://client.example/callback/../evil",
    "https://client.example/%63allback",
    "https://client.example/callback\r\nSet-Cookie: a=b",
    "javascript:alert(1)//https://client.example/callback",
    "//client.example/callback",
    "http://localhost:1234/callback",
]


@pytest.fixture
def ready(oauth: OAuthClient, client_row: Client, world: World) -> OAuthClient:
    """A registered client, and Alice signed in."""
    oauth.client_id = client_row.client_id
    oauth.sign_in(world.alice)
    return oauth


def test_a_good_request_is_put_before_the_person(ready: OAuthClient, log) -> None:
    page = ready.open_consent()
    assert page.status_code == 200
    assert [row.event for row in log()] == ["oauth.consent.shown"]
    assert log().get().client_id == ready.client_id


@pytest.mark.case(74)
@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("error", OTHER_ERRORS)
def test_an_unregistered_redirect_uri_is_a_page_whatever_else_is_wrong(
    ready: OAuthClient, error: dict[str, Any], signed_in: bool, log
) -> None:
    if not signed_in:
        ready.browser.logout()
    before = photograph()
    answer = ready.open_consent(redirect_uri="https://evil.example/callback", **error)
    row = page_refusal_of(answer, "redirect_mismatch")
    assert row.event == "oauth.authorization.refused"
    assert "evil.example" not in answer.content.decode()
    assert log().exclude(event="accounts.sign_out.succeeded").count() == 1
    assert photograph() == before


@pytest.mark.case(74, 122, 123, 124, 126, 128, 131, 138)
@pytest.mark.parametrize("uri", FOREIGN_URIS)
def test_a_redirect_uri_that_only_looks_registered_is_a_page(ready: OAuthClient, uri: str) -> None:
    page_refusal_of(ready.open_consent(redirect_uri=uri), "redirect_mismatch")


@pytest.mark.case(72)
@pytest.mark.parametrize("error", OTHER_ERRORS)
def test_an_unknown_client_is_a_page_whatever_else_is_wrong(
    ready: OAuthClient, error: dict[str, Any]
) -> None:
    for client_id in ("dyn_unknown", "x" * 300, "é"):
        page = ready.open_consent(client_id=client_id, **error)
        page_refusal_of(page, "client_unknown")
        assert "client_id is missing" not in page.content.decode()
    for client_id in ("", None):
        page = ready.open_consent(client_id=client_id, **error)
        page_refusal_of(page, "client_missing")
        assert "client_id is missing." in page.content.decode()


@pytest.mark.case(72)
def test_a_client_id_is_compared_exactly(ready: OAuthClient) -> None:
    for wrong in (ready.client_id.upper(), f" {ready.client_id}", f"{ready.client_id}\n"):
        page_refusal_of(ready.open_consent(client_id=wrong), "client_unknown")
    Client.objects.update(client_id="x" * 255)
    assert ready.open_consent(client_id="x" * 255).status_code == 200
    page_refusal_of(ready.open_consent(client_id="x" * 256), "client_unknown")


@pytest.mark.case(72, 186)
@pytest.mark.parametrize("error", OTHER_ERRORS)
def test_a_disabled_client_is_a_page(ready: OAuthClient, error: dict[str, Any]) -> None:
    Client.objects.update(disabled_at="2026-01-01T00:00:00Z")
    page_refusal_of(ready.open_consent(**error), "client_disabled")


@pytest.mark.case(73)
def test_an_only_redirect_uri_may_be_left_out(ready: OAuthClient, world: World) -> None:
    answer = ready.decide(ready.open_consent(redirect_uri=None), world.acme)
    assert answer["Location"].startswith(f"{CALLBACK}?")


@pytest.mark.case(73)
def test_of_several_redirect_uris_none_is_guessed(ready: OAuthClient) -> None:
    Client.objects.update(redirect_uris=f"{CALLBACK} https://client.example/2")
    page_refusal_of(ready.open_consent(redirect_uri=None), "redirect_mismatch")
    assert ready.open_consent(redirect_uri="https://client.example/2").status_code == 200


@pytest.mark.case(75)
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_repeated_client_or_redirect_uri_is_a_page(ready: OAuthClient, name: str) -> None:
    good = {"client_id": ready.client_id, "redirect_uri": CALLBACK}[name]
    for values in ([good, good], [good, "https://evil.example/"], ["https://evil.example/", good]):
        page_refusal_of(ready.open_consent(**{name: values}), "duplicate_param")


@pytest.mark.case(75)
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("response_type", ["code", "code"]),
        ("response_type", ["code", "token"]),
        ("state", ["a-state", "b"]),
        ("scope", ["read", "actions"]),
        ("scope", ["read", ""]),
        ("code_challenge", [build_challenge(), build_challenge("other" * 10)]),
        ("code_challenge_method", ["S256", "plain"]),
        ("prompt", ["consent", "login"]),
        ("unknown", ["a", "b"]),
    ],
)
def test_any_other_repeated_parameter_goes_back_as_invalid_request(
    ready: OAuthClient, name: str, values: list[str]
) -> None:
    answer = ready.open_consent(**{name: values})
    redirect_refusal_of(answer, "invalid_request", "duplicate_param")


@pytest.mark.case(76, 77)
@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"response_type": None}, "invalid_request", "response_type"),
        ({"response_type": ""}, "invalid_request", "response_type"),
        ({"response_type": "token"}, "unsupported_response_type", "response_type"),
        ({"response_type": "code token"}, "unsupported_response_type", "response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type", "response_type"),
        ({"response_type": "none"}, "unsupported_response_type", "response_type"),
        ({"response_type": "codex"}, "unsupported_response_type", "response_type"),
        ({"response_type": "Code"}, "unsupported_response_type", "response_type"),
        ({"response_mode": "fragment"}, "invalid_request", "response_mode"),
        ({"response_mode": "form_post"}, "invalid_request", "response_mode"),
        ({"response_mode": "web_message"}, "invalid_request", "response_mode"),
        ({"prompt": "none"}, "interaction_required", "prompt_none"),
        ({"prompt": "none login"}, "interaction_required", "prompt_none"),
    ],
)
def test_other_errors_go_back_to_the_client(
    ready: OAuthClient, changes: dict[str, Any], error: str, reason: str, log
) -> None:
    before = photograph()
    answer = ready.open_consent(**changes)
    assert answer["Location"].startswith(f"{CALLBACK}?")
    assert "no-store" in answer["Cache-Control"]
    assert redirect_refusal_of(answer, error, reason)["state"] == "a-state"
    assert log().count() == 1
    assert photograph() == before


@pytest.mark.parametrize("response_mode", ["query", "", None])
def test_the_query_is_the_one_response_mode(ready: OAuthClient, response_mode: str | None) -> None:
    assert ready.open_consent(response_mode=response_mode).status_code == 200


@pytest.mark.case(78)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/request"}, "request_uri_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "request_uri_not_supported"),
    ],
)
def test_request_objects_are_not_supported(
    ready: OAuthClient, changes: dict[str, str], error: str
) -> None:
    redirect_refusal_of(ready.open_consent(**changes), error, "request_object")


@pytest.mark.case(80, 103)
@pytest.mark.parametrize(
    "changes",
    [
        {"approval_prompt": "auto"},
        {"approval_prompt": "force"},
        {"skip_authorization": "true"},
        {"prompt": "consent"},
        {"prompt": "login"},
        {"prompt": "select_account"},
        {"access_type": "offline"},
        {"nonce": "n"},
        {"allow": "Authorize"},
        {"decision": "allow"},
        {"login_hint": "alice@acme.example"},
    ],
)
def test_b12_no_parameter_skips_consent_not_even_for_a_connected_client(
    ready: OAuthClient, changes: dict[str, str], connect, world: World, log
) -> None:
    connect(world.alice, world.acme)
    before = photograph()
    assert ready.open_consent(**changes).status_code == 200
    assert photograph() == before
    assert log().first().event == "oauth.consent.shown"


@pytest.mark.case(114)
@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_get_and_post_are_served(ready: OAuthClient, method: str) -> None:
    browser = ready.browser
    browser.handler.enforce_csrf_checks = False
    before = photograph()
    answer = browser.generic(method, ready.authorization_url())
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, POST"
    assert photograph() == before


@pytest.mark.case(114)
def test_get_makes_nothing_but_its_row(ready: OAuthClient, log) -> None:
    before = photograph()
    for _ in range(3):
        ready.open_consent()
    assert photograph() == before
    assert {row.event for row in log()} == {"oauth.consent.shown"}


@pytest.mark.case(132, 133, 141)
def test_the_answer_goes_to_the_loopback_port_that_was_asked_for(
    ready: OAuthClient, world: World
) -> None:
    Client.objects.update(redirect_uris="http://localhost/callback?tenant=7")
    page = ready.open_consent(redirect_uri="http://localhost:49152/callback?tenant=7")
    answer = ready.decide(page, world.acme)
    assert answer["Location"].startswith("http://localhost:49152/callback?tenant=7&code=")
    assert read_redirect(answer)["tenant"] == "7"
    mixed = ready.open_consent(redirect_uri="http://127.0.0.1:49152/callback?tenant=7")
    page_refusal_of(mixed, "redirect_mismatch")


@pytest.mark.parametrize("changes", [{"client_id": "dyn_unknown"}, {"response_type": "token"}])
def test_refusals_that_cost_a_stranger_nothing_are_bounded(
    ready: OAuthClient, changes: dict[str, str], log
) -> None:
    ready.browser.logout()
    for _ in range(30):
        ready.open_consent(**changes)
    assert log().filter(event__startswith="oauth.").count() <= 20
    assert log().filter(event="http.noise.summarized").count() == 1
