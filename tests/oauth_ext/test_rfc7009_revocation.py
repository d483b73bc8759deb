"""RFC 7009: a client gives up a token, and with it everything of the same sign-in."""

from collections.abc import Callable
from typing import Any

import pytest

from oauth_ext.models import Client, Connection, TokenFamily
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"


def check_dead(oauth: OAuthClient, *tokens: dict[str, str]) -> None:
    """None of these sign-ins works any more."""
    for issued in tokens:
        assert oauth.call(issued["access_token"]).status_code == 401
        assert oauth.refresh(issued["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.case(258, 260)
@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
@pytest.mark.parametrize(
    "hint", [None, "refresh_token", "access_token", "nonsense", "authorization_code"]
)
def test_revoking_either_token_ends_the_family_whatever_the_hint(
    oauth: OAuthClient, alice_acme: Connected, which: str, hint: str | None, log
) -> None:
    tokens = oauth.refresh(alice_acme.refresh_token).json()
    answer = oauth.revoke(tokens[which], **({"token_type_hint": hint} if hint else {}))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Cache-Control"] == "no-store"
    row = log().first()
    assert (row.event, row.reference) == ("oauth.token.revoked", answer["Reference-Id"])
    assert row.connection_id == alice_acme.connection.id
    check_dead(oauth, tokens, {"access_token": alice_acme.access_token} | tokens)
    assert TokenFamily.objects.get().revoke_reason == "revoked_by_client"
    assert Connection.objects.get().state == "active"


@pytest.mark.case(200, 260)
@pytest.mark.parametrize("generation", [0, 1, 2])
def test_b7_a_token_of_any_generation_ends_the_family(
    oauth: OAuthClient, alice_acme: Connected, generation: int
) -> None:
    tokens = [alice_acme.refresh_token]
    newest: dict[str, Any] = {}
    for _ in range(2):
        newest = oauth.refresh(tokens[-1]).json()
        tokens.append(newest["refresh_token"])
    assert oauth.revoke(tokens[generation]).status_code == 200
    check_dead(oauth, newest)


def test_another_device_keeps_its_sign_in(
    oauth: OAuthClient, alice_acme: Connected, connect: Callable[..., Connected], world: World
) -> None:
    other = connect(world.alice, world.acme)
    oauth.revoke(alice_acme.refresh_token)
    assert oauth.call(other.access_token).status_code == 200
    assert oauth.refresh(other.refresh_token).status_code == 200


@pytest.mark.case(255)
def test_an_unknown_or_dead_token_is_a_200_that_changes_nothing(
    oauth: OAuthClient, alice_acme: Connected, log
) -> None:
    before = photograph()
    for token in (
        "x",
        "mcp_rt_" + "0" * 49,
        alice_acme.refresh_token[:-1],
        alice_acme.access_token[:-10],
        "é" * 10,
        "x" * 4096,
        "a.b.c",
    ):
        answer = oauth.revoke(token)
        assert (answer.status_code, answer.content) == (200, b"")
    assert photograph() == before
    assert not log().filter(event="oauth.token.revoked").exists()
    oauth.revoke(alice_acme.refresh_token)
    ended = photograph()
    assert oauth.revoke(alice_acme.refresh_token).status_code == 200
    assert photograph() == ended
    assert log().filter(event="oauth.token.revoked").count() == 1


@pytest.mark.case(256)
@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_another_client_cannot_revoke(
    oauth: OAuthClient, alice_acme: Connected, other_client: Client, which: str
) -> None:
    token = getattr(alice_acme, which)
    before = photograph()
    answer = oauth.revoke(token, client_id=other_client.client_id)
    assert refusal_of(answer, "invalid_grant").reason == "revoke_foreign"
    assert photograph() == before
    assert oauth.call(alice_acme.access_token).status_code == 200
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200


@pytest.mark.case(71, 257)
@pytest.mark.parametrize("client_id", ["", "dyn_unknown"])
def test_an_unknown_client_cannot_revoke(
    oauth: OAuthClient, alice_acme: Connected, client_id: str
) -> None:
    before = photograph()
    answer = oauth.revoke(alice_acme.refresh_token, client_id=client_id)
    row = refusal_of(answer, "invalid_client", 401)
    assert row.reason == ("client_unknown" if client_id else "client_missing")
    assert photograph() == before


@pytest.mark.case(186)
def test_a_disabled_client_cannot_revoke(oauth: OAuthClient, alice_acme: Connected) -> None:
    Client.objects.update(disabled_at="2026-01-01T00:00:00Z")
    refusal_of(oauth.revoke(alice_acme.refresh_token), "invalid_client", 401)


@pytest.mark.case(257, 261)
@pytest.mark.parametrize(
    ("body", "content_type", "error", "status"),
    [
        ("client_id={id}", FORM, "invalid_request", 400),
        ("client_id={id}&token=", FORM, "invalid_request", 400),
        ("client_id={id}&token={token}&token={token}", FORM, "invalid_request", 400),
        ("client_id={id}&client_id={id}&token={token}", FORM, "invalid_request", 400),
        ("token={token}", FORM, "invalid_client", 401),
        ("client_id={id}&token=%00", FORM, "invalid_request", 400),
        ("client_id={id}&token=%ff", FORM, "invalid_request", 400),
        ("client_id={id}&token={token}", "text/plain", "invalid_request", 415),
        ('{{"client_id":"{id}","token":"{token}"}}', "application/json", "invalid_request", 415),
        ("client_id={id}&token={token}&x=" + "x" * 17_000, FORM, "invalid_request", 413),
    ],
)
def test_a_malformed_revocation_changes_nothing(
    oauth: OAuthClient,
    alice_acme: Connected,
    body: str,
    content_type: str,
    error: str,
    status: int,
) -> None:
    before = photograph()
    text = body.format(id=oauth.client_id, token=alice_acme.refresh_token)
    answer = oauth.http.post("/revoke", text, content_type)
    assert refusal_of(answer, error, status).event == "oauth.revocation.refused"
    assert photograph() == before


def test_parameters_in_the_query_are_refused(oauth: OAuthClient, alice_acme: Connected) -> None:
    query = f"client_id={oauth.client_id}&token={alice_acme.refresh_token}"
    refusal_of(oauth.http.post(f"/revoke?{query}", "x=y", FORM), "invalid_request")
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200


def test_a_personal_token_is_not_revoked_here(
    oauth: OAuthClient, alice_acme: Connected, mint: Callable[..., str], world: World
) -> None:
    secret = mint(world.alice, world.acme)
    assert oauth.revoke(secret).status_code == 200
    assert oauth.call(secret).status_code == 200


def test_what_a_public_client_cannot_do_is_not_offered(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    for path in ("/introspect", "/device_authorization", "/userinfo", "/o/token", "/end_session"):
        assert oauth.http.get(path).status_code == 404
