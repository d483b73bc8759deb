"""How the answer reaches the client: by redirect, or by a page where browsers drop redirects."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from oauth_ext.models import Client, Connection
from tests.conftest import World
from tests.oauth_client import CALLBACK, OAuthClient, find_way_back, read_redirect
from tests.oauth_ext.conftest import offered_refusal_of, photograph, redirect_refusal_of

pytestmark = pytest.mark.django_db

CURSOR = "cursor://anysphere.cursor-mcp/oauth/callback"
LOOPBACK = "http://localhost:3118/callback"
STATE = "a&b=c#d\"e<f>%26'g+h i"


@pytest.fixture
def answers(oauth: OAuthClient, client_row: Client, world: World) -> Any:
    """Every kind of answer that goes to a redirect URI: allowed, cancelled, refused."""
    oauth.client_id = client_row.client_id
    oauth.sign_in(world.alice)

    def answers(redirect_uri: str) -> dict[str, HttpResponse]:
        Client.objects.update(redirect_uris=redirect_uri)
        asked = {"redirect_uri": redirect_uri, "state": STATE}
        return {
            "allowed": oauth.decide(oauth.open_consent(**asked), world.acme),
            "cancelled": oauth.decide(oauth.open_consent(**asked), world.acme, decision="deny"),
            "refused": oauth.open_consent(**asked, response_type="token"),
        }

    return answers


def check_headers(answer: HttpResponse) -> None:
    """Never kept, never framed, never named to another site, never held back by form-action."""
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "form-action" not in policy and "script" not in policy
    assert "<script" not in answer.content.decode()


@pytest.mark.case(81, 90, 112, 117)
@pytest.mark.parametrize("redirect_uri", [CALLBACK, LOOPBACK])
def test_web_and_loopback_are_answered_by_redirect_with_a_link_for_those_who_stay(
    answers: Any, redirect_uri: str
) -> None:
    for kind, answer in answers(redirect_uri).items():
        assert answer.status_code == 303
        assert answer["Location"].startswith(f"{redirect_uri}?")
        source = answer.content.decode()
        assert (
            unescape(re.findall(r'<a class="button[^>]*href="([^"]*)"', source)[0])
            == (answer["Location"])
        )
        assert ("You allowed it." in source) is (kind == "allowed")
        assert ("Nothing was allowed." in source) is (kind != "allowed")
        assert "refresh" not in source
        check_headers(answer)
        assert read_redirect(answer)["state"] == STATE


@pytest.mark.case(81, 90, 112, 117)
def test_a_program_is_opened_by_a_page(answers: Any, oauth: OAuthClient) -> None:
    by_kind = answers(CURSOR)
    for kind, answer in by_kind.items():
        assert answer.status_code == 200
        assert "Location" not in answer
        source = answer.content.decode()
        location = find_way_back(answer)
        assert location.startswith(f"{CURSOR}?")
        (refresh,) = re.findall(r'<meta http-equiv="refresh" content="([^"]*)">', source)
        assert unescape(refresh) == f"0;url={location}"
        assert 'rel="noreferrer"' in source
        assert ("You allowed it." in source) is (kind == "allowed")
        check_headers(answer)
        assert read_redirect(answer)["state"] == STATE
    assert read_redirect(by_kind["cancelled"])["error"] == "access_denied"
    assert read_redirect(by_kind["refused"])["error"] == "unsupported_response_type"
    code = read_redirect(by_kind["allowed"])["code"]
    assert oauth.exchange(code, redirect_uri=CURSOR).status_code == 200


@pytest.mark.case(103)
@pytest.mark.parametrize("redirect_uri", [CALLBACK, LOOPBACK, CURSOR])
@pytest.mark.parametrize("source", ["dcr", "cimd", "manual"])
def test_consent_is_shown_again_to_somebody_who_allowed_it_before(
    answers: Any, oauth: OAuthClient, redirect_uri: str, source: str
) -> None:
    assert "code" in read_redirect(answers(redirect_uri)["allowed"])
    assert Connection.objects.count() == 1
    Client.objects.update(registration_source=source)
    again = oauth.open_consent(redirect_uri=redirect_uri, prompt="consent")
    assert again.status_code == 200 and b'name="decision"' in again.content


ERRORS: list[tuple[dict[str, Any], str, str]] = [
    ({"response_type": "token"}, "unsupported_response_type", "response_type"),
    ({"response_type": None, "code_challenge": None}, "invalid_request", "response_type"),
    ({"scope": ["read", "draft"]}, "invalid_request", "duplicate_param"),
    ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported", "request_object"),
    ({"prompt": "none"}, "interaction_required", "prompt_none"),
    ({"code_challenge": None}, "invalid_request", "pkce_missing"),
    ({"code_challenge_method": "plain"}, "invalid_request", "pkce_method"),
    ({"code_challenge": "short"}, "invalid_request", "pkce_format"),
    ({"resource": "https://evil.example/"}, "invalid_target", "resource"),
]


@pytest.mark.case(75, 78, 143, 144, 145, 147)
@pytest.mark.parametrize(("changes", "error", "reason"), ERRORS)
@pytest.mark.parametrize("signed_in", [False, True])
def test_nobody_unknown_is_sent_to_an_address_that_anybody_registered(
    oauth: OAuthClient,
    client_row: Client,
    world: World,
    changes: dict[str, Any],
    error: str,
    reason: str,
    signed_in: bool,
) -> None:
    oauth.client_id = client_row.client_id
    if signed_in:
        oauth.sign_in(world.alice)
    before = photograph()
    answer = oauth.open_consent(**{"state": STATE} | changes)
    if signed_in:
        assert answer["Location"].startswith(f"{CALLBACK}?")
        told = redirect_refusal_of(answer, error, reason)
    else:
        told = offered_refusal_of(answer, error, reason)
        assert "Go to client.example" in answer.content.decode()
    # Whichever way it goes, the client is told the same.
    assert told["state"] == STATE
    assert photograph() == before


@pytest.mark.parametrize(
    ("source", "client_id", "redirect_uri", "status"),
    [
        ("dcr", "dyn_x", "https://client.example/callback", 400),
        ("dcr", "dyn_x", LOOPBACK, 303),
        ("dcr", "dyn_x", "http://127.0.0.1:1/callback", 303),
        ("dcr", "dyn_x", CURSOR, 200),
        ("manual", "ours", "https://client.example/callback", 303),
        ("cimd", "https://client.example/c.json", "https://client.example/callback", 400),
        ("cimd", "https://client.example/c.json", LOOPBACK, 303),
    ],
)
def test_a_stranger_is_sent_where_an_operator_vouches_or_nothing_leaves_the_device(
    oauth: OAuthClient,
    client_row: Client,
    source: str,
    client_id: str,
    redirect_uri: str,
    status: int,
) -> None:
    Client.objects.update(
        registration_source=source,
        client_id=client_id,
        redirect_uris=redirect_uri,
        cimd_expires_at=timezone.now() + timedelta(hours=1),
    )
    oauth.client_id = client_id
    asked = {"redirect_uri": redirect_uri, "response_type": "token"}
    answer = oauth.open_consent(**asked)
    assert answer.status_code == status
    if status == 400:
        offered_refusal_of(answer, "unsupported_response_type", "response_type")
    else:
        redirect_refusal_of(answer, "unsupported_response_type", "response_type")


def test_the_page_that_offers_the_way_back_may_not_be_framed_or_kept(
    oauth: OAuthClient, client_row: Client
) -> None:
    oauth.client_id = client_row.client_id
    check_headers(oauth.open_consent(response_type="token"))
