"""Where a token may come from and what is answered without a good one (RFC 6750, RFC 9728 §5.1)."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization
from activity.models import ActivityEvent
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import rows_of

pytestmark = pytest.mark.django_db

METADATA = "/.well-known/oauth-protected-resource/mcp"


def refusal_of(answer: Any) -> ActivityEvent:
    """The row of a 401, after the checks that every 401 must pass."""
    assert answer.status_code == 401, answer.content
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert METADATA in answer.headers["WWW-Authenticate"]
    assert 'scope="read draft actions"' in answer.headers["WWW-Authenticate"]
    assert answer.headers["Cache-Control"] == "no-store"
    error = answer.json()["error"]
    reference = error["data"]["reference"]
    assert answer.headers["Reference-Id"] == reference and reference in error["message"]
    (row,) = rows_of(reference)
    assert (row.event, row.outcome, row.http_status) == ("mcp.token.refused", "refused", 401)
    return row


@pytest.mark.case(275)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PUT"])
def test_without_a_credential_any_method_gets_a_challenge_without_an_error(method: str) -> None:
    answer = McpClient(None).send(b"", method=method)
    assert refusal_of(answer).reason == "missing_bearer_token"
    assert "error" not in answer.headers["WWW-Authenticate"]
    assert answer.json()["error"]["data"]["error_description"] == "Missing bearer token"


@pytest.mark.case(275)
@pytest.mark.parametrize("method", ["server/discover", "initialize", "tools/list", "nonsense"])
def test_probes_without_a_credential_are_401_whatever_they_ask(method: str) -> None:
    refusal_of(McpClient(None).modern(method))
    refusal_of(McpClient(None).legacy(method))
    refusal_of(McpClient(None).send(b"not json", content_type="text/plain"))


@pytest.mark.parametrize("header", ["Basic dTpw", "Bearer", "Token x", "", "BearerX y"])
def test_other_schemes_are_no_credential(header: str) -> None:
    answer = McpClient(None).send(b"{}", headers={"Authorization": header})
    row = refusal_of(answer)
    assert row.reason in ("missing_bearer_token", "malformed_credentials")
    assert row.user_id is None


@pytest.mark.case(236)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_is_case_insensitive(alice_acme: Any, scheme: str) -> None:
    header = {"Authorization": f"{scheme} {alice_acme.access_token}"}
    assert McpClient(None).legacy("ping", headers=header).status_code == 200


@pytest.mark.case(236)
def test_two_credentials_are_refused_even_if_both_are_good(alice_acme: Any) -> None:
    token = alice_acme.access_token
    doubled = {"Authorization": f"Bearer {token},Bearer {token}"}
    answer = McpClient(None).legacy("ping", headers=doubled)
    assert refusal_of(answer).reason == "multiple_credentials"
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    both = McpClient(token, path=f"/mcp?access_token={token}").legacy("ping")
    assert refusal_of(both).reason == "multiple_credentials"


@pytest.mark.case(236, 305)
def test_a_token_in_the_query_the_form_or_a_cookie_is_not_used(alice_acme: Any) -> None:
    token = alice_acme.access_token
    in_query = McpClient(None, path=f"/mcp?access_token={token}").legacy("ping")
    assert refusal_of(in_query).reason == "token_in_query"
    in_form = McpClient(None).send(
        f"access_token={token}".encode(), content_type="application/x-www-form-urlencoded"
    )
    assert refusal_of(in_form).reason == "missing_bearer_token"
    with_cookie = McpClient(None)
    with_cookie.http.cookies["access_token"] = token
    assert refusal_of(with_cookie.legacy("ping")).reason == "missing_bearer_token"
    assert McpClient(token, path="/mcp?page=1").legacy("ping").status_code == 200


@pytest.mark.case(307)
def test_a_signed_in_browser_is_nobody_here(world: Any) -> None:
    browser = McpClient(None)
    browser.http.force_login(world.alice, backend="django.contrib.auth.backends.ModelBackend")
    refusal_of(browser.legacy("ping"))


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "mcp_at_nonsense", "mcp_rt_nonsense", "a b", "ü", "x" * 9000, "a\tb"]
)
def test_tokens_that_are_not_ours_are_refused_and_name_nobody(token: str) -> None:
    answer = McpClient(None).legacy("ping", headers={"Authorization": f"Bearer {token}"})
    row = refusal_of(answer)
    assert row.user_id is None
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert answer.json()["error"]["data"]["error"] == "invalid_token"
    assert token not in answer.content.decode() or len(token) < 4


def test_one_changed_character_of_a_good_token_is_refused(alice_acme: Any) -> None:
    token = alice_acme.access_token
    assert McpClient(token).legacy("ping").status_code == 200
    head, payload, signature = token.split(".")
    flipped = "A" if signature[4] != "A" else "B"
    forged = f"{head}.{payload}.{signature[:4]}{flipped}{signature[5:]}"
    refusal_of(McpClient(forged).legacy("ping"))


@pytest.mark.case(237, 262)
def test_a_revoked_connection_is_refused_on_the_next_request_and_the_row_names_it(
    world: Any, alice_acme: Any
) -> None:
    mcp = McpClient(alice_acme.access_token)
    assert mcp.legacy("ping").status_code == 200
    connection = alice_acme.connection
    type(connection).objects.filter(id=connection.id).update(revoked_at="2026-01-01T00:00:00Z")
    answer = mcp.legacy("ping")
    row = refusal_of(answer)
    assert (row.user_id, row.organization_id) == (world.alice.id, world.acme.id)
    assert row.connection_id == connection.id
    assert row.client_id == alice_acme.client.client_id
    error = answer.json()["error"]
    assert error["data"]["error_description"] == "Application has been disconnected"
    assert error["message"].startswith("Application has been disconnected.")
    # The reason is for the log; the wire has only the catalogued text.
    assert row.reason == "connection_revoked"
    assert b"connection_revoked" not in answer.content


@pytest.mark.case(237)
def test_an_inactive_user_is_refused_and_an_active_one_is_not(world: Any, alice_acme: Any) -> None:
    mcp = McpClient(alice_acme.access_token)
    assert mcp.legacy("ping").status_code == 200
    world.alice.is_active = False
    world.alice.save()
    assert refusal_of(mcp.legacy("ping")).user_id == world.alice.id


def test_a_served_request_shows_when_the_connection_was_last_used(alice_acme: Any) -> None:
    connection = alice_acme.connection
    type(connection).objects.filter(id=connection.id).update(last_used_at=None)
    mcp = McpClient(alice_acme.access_token)
    assert mcp.send(b"not json").status_code == 400
    connection.refresh_from_db()
    assert connection.last_used_at is None
    assert mcp.legacy("ping").status_code == 200
    connection.refresh_from_db()
    assert connection.last_used_at is not None


def test_a_personal_token_calls_in_its_own_name_until_it_is_revoked(world: Any, mint: Any) -> None:
    mcp = McpClient(mint(world.ben, world.acme, "read"))
    answer = mcp.call("whoami")
    told = answer.json()["result"]["structuredContent"]
    assert (told["email"], told["organization"]) == (world.ben.email, "Acme")
    assert (told["connection_id"], told["client_id"], told["scopes"]) == (None, "", ["read"])
    token = world.ben.personal_tokens.get()
    (row,) = (row for row in rows_of(answer.headers["Reference-Id"]) if row.tool)
    assert row.details["personal_access_id"] == str(token.id)
    # No consent page can widen it, so it is told in words and not by a challenge.
    assert "personal access token" in mcp.fail("disconnect_application")
    world.ben.personal_tokens.update(revoked_at="2026-01-01T00:00:00Z")
    refused = refusal_of(mcp.call("whoami"))
    assert refused.user_id == world.ben.id
    assert mcp.token
    assert mcp.token not in repr([row.details, refused.details])


def test_a_flood_of_strangers_ends_in_one_summary_whose_reference_leads_somewhere() -> None:
    stranger = McpClient(None)
    answers = [stranger.send(b"{}") for _ in range(25)]
    references = {answer.json()["error"]["data"]["reference"] for answer in answers}
    assert len(references) <= 22
    for answer in answers:
        reference = answer.json()["error"]["data"]["reference"]
        assert answer.headers["Reference-Id"] == reference
        assert rows_of(reference)


@pytest.mark.case(276)
def test_origin_is_checked_before_the_token_and_allowed_ones_pass(
    alice_acme: Any, settings: Any
) -> None:
    mcp = McpClient(alice_acme.access_token)
    allowed = settings.MCP_ALLOWED_ORIGINS[0]
    for origin in (allowed, settings.PUBLIC_URL):
        assert mcp.legacy("ping", headers={"Origin": origin}).status_code == 200
    for origin in (f"{allowed}.evil.example", f"{allowed}:444", allowed.upper(), f"{allowed}/"):
        assert mcp.legacy("ping", headers={"Origin": origin}).status_code == 403
        assert McpClient(None).send(b"", headers={"Origin": origin}).status_code == 403


@pytest.mark.case(278)
def test_the_challenge_never_follows_the_host_that_was_sent(settings: Any) -> None:
    answer = Client().post(
        "/mcp", b"", content_type="application/json", headers={"X-Forwarded-Host": "evil.example"}
    )
    assert settings.PUBLIC_URL in answer.headers["WWW-Authenticate"]
    assert "evil" not in answer.headers["WWW-Authenticate"]


def test_an_organization_without_a_name_is_one_all_the_same(world: Any, alice_acme: Any) -> None:
    Organization.objects.filter(id=world.acme.id).update(name="")
    assert McpClient(alice_acme.access_token).use("whoami")["organization"] == ""
