"""POST /token before any grant: what a request must be (RFC 6749 §2.3, §3.2, §5)."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from oauth_ext.models import AuthorizationCode, Client, RefreshToken
from tests.conftest import Connected
from tests.oauth_client import CALLBACK, RESOURCE, VERIFIER, OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def fields(oauth: OAuthClient, obtain_code: Callable[..., str]) -> dict[str, str]:
    """A request that is answered with tokens unless a test changes one thing."""
    return {
        "grant_type": "authorization_code",
        "code": obtain_code(),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": oauth.client_id,
        "resource": RESOURCE,
    }


def send(oauth: OAuthClient, body: Any, content_type: str = FORM, **headers: str) -> Any:
    """POST /token with exactly this."""
    content = body if isinstance(body, str | bytes) else urlencode(body, doseq=True)
    return oauth.http.post("/token", content, content_type=content_type, headers=headers)


def test_the_neighbour_of_every_refusal_below_is_accepted(
    oauth: OAuthClient, fields: dict[str, str]
) -> None:
    assert send(oauth, fields).status_code == 200


@pytest.mark.case(155, 171)
@pytest.mark.parametrize(
    "name", ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "scope", "other"]
)
@pytest.mark.parametrize("same", [True, False])
def test_b13_no_parameter_may_come_twice(
    oauth: OAuthClient, fields: dict[str, str], name: str, same: bool
) -> None:
    first = fields.get(name, "x")
    body = urlencode(fields | {name: first}) + "&" + urlencode({name: first if same else "other"})
    assert refusal_of(send(oauth, body), "invalid_request").reason == "duplicate_param"
    assert AuthorizationCode.objects.get().consumed_at is None


@pytest.mark.case(171)
def test_b13_no_parameter_of_a_refresh_may_come_twice(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    good = {
        "grant_type": "refresh_token",
        "refresh_token": alice_acme.refresh_token,
        "client_id": oauth.client_id,
        "scope": "read",
    }
    for name, value in good.items():
        body = urlencode(good) + "&" + urlencode({name: value})
        assert refusal_of(send(oauth, body), "invalid_request").reason == "duplicate_param"
    assert RefreshToken.objects.get().superseded_at is None
    assert send(oauth, good).status_code == 200


@pytest.mark.case(172)
@pytest.mark.parametrize("query", ["code=x", "client_id=x", "a=b", "grant_type=refresh_token"])
def test_parameters_in_the_query_are_refused(
    oauth: OAuthClient, fields: dict[str, str], query: str
) -> None:
    answer = oauth.http.post(f"/token?{query}", urlencode(fields), FORM)
    assert refusal_of(answer, "invalid_request").reason == "params_in_query"
    everything = oauth.http.post(f"/token?{urlencode(fields)}", "x=y", FORM)
    refusal_of(everything, "invalid_request")
    assert AuthorizationCode.objects.get().consumed_at is None


@pytest.mark.case(173)
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencodedx",
        "text/plain; application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded, text/plain",
    ],
)
def test_only_forms_are_taken(
    oauth: OAuthClient, fields: dict[str, str], content_type: str
) -> None:
    row = refusal_of(send(oauth, fields, content_type), "invalid_request", 415)
    assert row.reason == "bad_content_type"
    assert AuthorizationCode.objects.get().consumed_at is None


def test_a_form_may_name_its_charset(oauth: OAuthClient, fields: dict[str, str]) -> None:
    assert send(oauth, fields, f"{FORM}; charset=UTF-8").status_code == 200


@pytest.mark.case(190)
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_compressed_body_is_not_unpacked(
    oauth: OAuthClient, fields: dict[str, str], encoding: str
) -> None:
    refusal_of(send(oauth, fields, **{"Content-Encoding": encoding}), "invalid_request", 415)


@pytest.mark.case(175)
def test_a_large_body_is_refused(oauth: OAuthClient, fields: dict[str, str]) -> None:
    padding = "".join(f"&p{number}={'x' * 4000}" for number in range(5))
    row = refusal_of(send(oauth, urlencode(fields) + padding), "invalid_request", 413)
    assert row.reason == "too_large"
    many = "".join(f"&p{number}=x" for number in range(100))
    refusal_of(send(oauth, urlencode(fields) + many), "invalid_request")
    assert AuthorizationCode.objects.get().consumed_at is None


@pytest.mark.case(164)
@pytest.mark.parametrize("raw", ["%00", "%ff", "%ed%a0%80", "%c0%af", "%07"])
@pytest.mark.parametrize("name", ["code", "client_id", "code_verifier", "grant_type", "x"])
def test_b8_text_that_is_none_is_a_400_in_every_parameter(
    oauth: OAuthClient, fields: dict[str, str], name: str, raw: str
) -> None:
    fields.pop(name, None)
    refusal_of(send(oauth, f"{urlencode(fields)}&{name}={raw}"), "invalid_request")
    refusal_of(send(oauth, f"{urlencode(fields)}&{raw}={name}"), "invalid_request")


@pytest.mark.parametrize("raw", [b"\x00", b"\xff", b"\xc3\xa9"])
def test_b8_bytes_that_are_no_form_are_a_400(
    oauth: OAuthClient, fields: dict[str, str], raw: bytes
) -> None:
    refusal_of(send(oauth, urlencode(fields).encode() + b"&x=" + raw), "invalid_request")


@pytest.mark.case(176)
@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        ("password", "unsupported_grant_type"),
        ("client_credentials", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:device_code", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:token-exchange", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type"),
        ("Authorization_Code", "unsupported_grant_type"),
        ("x", "unsupported_grant_type"),
        ("", "invalid_request"),
    ],
)
def test_two_grants_exist(
    oauth: OAuthClient, fields: dict[str, str], grant_type: str, error: str
) -> None:
    before = photograph()
    answer = send(
        oauth,
        fields | {"grant_type": grant_type, "username": "alice@acme.example", "password": "x"},
    )
    refusal_of(answer, error)
    assert photograph() == before


@pytest.mark.case(71, 177)
@pytest.mark.parametrize("client_id", ["", "dyn_unknown", "x" * 300, "https://unknown.example/x"])
def test_an_unknown_client_is_told_to_register(
    oauth: OAuthClient, fields: dict[str, str], client_id: str
) -> None:
    answer = send(oauth, fields | {"client_id": client_id})
    row = refusal_of(answer, "invalid_client", 401)
    assert row.reason == ("client_unknown" if client_id else "client_missing")
    # RFC 6749 §5.2: a challenge only for who used the header.
    assert "WWW-Authenticate" not in answer
    assert AuthorizationCode.objects.get().consumed_at is None


@pytest.mark.case(186)
def test_a_disabled_client_gets_nothing(oauth: OAuthClient, fields: dict[str, str]) -> None:
    Client.objects.update(disabled_at=timezone.now())
    assert refusal_of(send(oauth, fields), "invalid_client", 401).reason == "client_disabled"
    Client.objects.update(disabled_at=None)
    assert send(oauth, fields).status_code == 200


@pytest.mark.case(177)
@pytest.mark.parametrize("missing", ["code", "grant_type"])
def test_what_is_missing_is_named(oauth: OAuthClient, fields: dict[str, str], missing: str) -> None:
    answer = send(oauth, {name: value for name, value in fields.items() if name != missing})
    refusal_of(answer, "invalid_request")
    assert missing in answer.json()["error_description"]


def basic(text: str | bytes) -> dict[str, str]:
    """A Basic header with this user and password."""
    raw = text if isinstance(text, bytes) else text.encode()
    return {"Authorization": f"Basic {base64.b64encode(raw).decode()}"}


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
@pytest.mark.parametrize("in_body", [True, False])
def test_a_public_client_may_name_itself_in_a_basic_header(
    oauth: OAuthClient, fields: dict[str, str], scheme: str, in_body: bool
) -> None:
    header = basic(f"{oauth.client_id}:")
    header["Authorization"] = header["Authorization"].replace("Basic", scheme)
    if not in_body:
        del fields["client_id"]
    assert send(oauth, fields, **header).status_code == 200


def test_an_empty_client_secret_is_ignored(oauth: OAuthClient, fields: dict[str, str]) -> None:
    assert send(oauth, fields | {"client_secret": ""}).status_code == 200


@pytest.mark.case(178, 181)
@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic ZHluX3g"},
        {"Authorization": "Basic \u00ff\u00fe"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Digest x"},
        basic("no colon"),
        basic(":"),
        basic(":password"),
        basic(b"\xff\xfe:"),
        basic("a\x00b:"),
        basic("a%00b:"),
        basic("%ff%zz:"),
        basic("dyn_another:"),
    ],
)
def test_a_header_that_names_no_client_or_another_is_refused_in_its_own_scheme(
    oauth: OAuthClient, fields: dict[str, str], header: dict[str, str]
) -> None:
    answer = send(oauth, fields, **header)
    refusal_of(answer, "invalid_client", 401)
    assert answer["WWW-Authenticate"].startswith("Basic ")
    assert AuthorizationCode.objects.get().consumed_at is None


def test_a_session_cookie_changes_nothing(
    oauth: OAuthClient, fields: dict[str, str], world
) -> None:
    oauth.sign_in(world.cleo)
    oauth.http.cookies = oauth.browser.cookies
    answer = send(oauth, fields)
    assert answer.status_code == 200
    assert oauth.call(answer.json()["access_token"]).json()["result"]["structuredContent"][
        "email"
    ] == ("alice@acme.example")


@pytest.mark.case(162)
def test_a_flood_of_guesses_leaves_a_bounded_number_of_rows(
    oauth: OAuthClient, fields: dict[str, str], log
) -> None:
    # A client id is no secret, so whoever knows one is still a stranger.
    for _ in range(30):
        assert oauth.exchange("mcp_ac_" + "0" * 49).status_code in (400, 429)
    assert log().filter(event="oauth.token.refused").count() <= 20
    assert log().filter(event="http.noise.summarized").count() == 1
