"""RFC 6749 §4.1.3: a code is exchanged once, by the client that asked for it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from oauth_ext.models import AuthorizationCode, Client, Connection, RefreshToken, TokenFamily
from oauth_ext.tokens import parse_access_token
from tests.conftest import World
from tests.oauth_client import CALLBACK, VERIFIER, OAuthClient, build_challenge
from tests.oauth_ext.conftest import photograph, refusal_of

pytestmark = pytest.mark.django_db

GRANT = "invalid_grant"


@pytest.mark.case(184)
def test_answer_has_exactly_what_rfc_6749_says(
    oauth: OAuthClient, obtain_code: Callable[..., str], log
) -> None:
    code = obtain_code(scopes=("read", "draft"))
    answer = oauth.exchange(code)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/json")
    assert answer["Cache-Control"] == "no-store"
    assert answer["Pragma"] == "no-cache"
    assert not answer.cookies
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (body["token_type"], body["scope"]) == ("Bearer", "read draft")
    assert type(body["expires_in"]) is int and body["expires_in"] == 3600
    assert body["refresh_token"].startswith("mcp_rt_")
    row = log().first()
    assert (row.event, row.reference) == ("oauth.token.issued", answer["Reference-Id"])
    assert row.connection_id == Connection.objects.get().id
    assert oauth.call(body["access_token"]).status_code == 200


def test_used_code_stays_as_a_tombstone_that_points_to_its_family(
    oauth: OAuthClient, obtain_code: Callable[..., str]
) -> None:
    code = obtain_code()
    assert AuthorizationCode.objects.get().consumed_at is None
    claims = parse_access_token(oauth.exchange(code).json()["access_token"])
    row = AuthorizationCode.objects.get()
    assert row.consumed_at is not None
    assert row.family_id == claims.family_id == TokenFamily.objects.get().id


@pytest.mark.case(165)
def test_only_keyed_hashes_are_stored(oauth: OAuthClient, obtain_code: Callable[..., str]) -> None:
    code = obtain_code()
    tokens = oauth.exchange(code).json()
    stored = str(photograph())
    for secret in (code, tokens["refresh_token"], tokens["access_token"], VERIFIER):
        assert secret not in stored and secret[10:] not in stored
    assert len(AuthorizationCode.objects.get().code) == 64
    assert len(RefreshToken.objects.get().token_checksum) == 64


@pytest.mark.case(157)
@pytest.mark.parametrize("verifier", [None, "b" * 43])
def test_b2_a_replayed_code_ends_what_it_yielded(
    oauth: OAuthClient, obtain_code: Callable[..., str], verifier: str | None, log
) -> None:
    code = obtain_code()
    tokens = oauth.exchange(code).json()
    assert oauth.call(tokens["access_token"]).status_code == 200
    row = refusal_of(oauth.exchange(code, code_verifier=verifier), GRANT)
    assert oauth.call(tokens["access_token"]).status_code == 401
    assert oauth.refresh(tokens["refresh_token"]).json()["error"] == GRANT
    family = TokenFamily.objects.get()
    assert (family.revoke_reason, Connection.objects.get().state) == ("code_replayed", "active")
    assert log().filter(event="oauth.code.replayed").get().connection_id == family.connection_id
    assert row.reason == "code_replayed"


@pytest.mark.case(157)
def test_b2_a_replay_after_ten_seconds_is_no_retry_even_with_the_verifier(
    oauth: OAuthClient, obtain_code: Callable[..., str]
) -> None:
    code = obtain_code()
    tokens = oauth.exchange(code).json()
    with time_machine.travel(timezone.now() + timedelta(seconds=11), tick=False):
        assert refusal_of(oauth.exchange(code), GRANT).reason == "code_replayed"
        assert oauth.call(tokens["access_token"]).status_code == 401
        assert oauth.refresh(tokens["refresh_token"]).json()["error"] == GRANT


@pytest.mark.case(157)
def test_a_retry_within_ten_seconds_is_refused_and_harms_nobody(
    oauth: OAuthClient, obtain_code: Callable[..., str], log
) -> None:
    code = obtain_code()
    tokens = oauth.exchange(code).json()
    before = photograph()
    with time_machine.travel(timezone.now() + timedelta(seconds=9), tick=False):
        assert refusal_of(oauth.exchange(code), GRANT).reason == "code_repeated"
    assert photograph() == before
    assert oauth.call(tokens["access_token"]).status_code == 200
    assert not log().filter(event="oauth.code.replayed").exists()


@pytest.mark.case(160)
def test_a_stranger_can_neither_use_nor_burn_a_code(
    oauth: OAuthClient, obtain_code: Callable[..., str], other_client: Client
) -> None:
    code = obtain_code()
    before = photograph()
    for _ in range(7):
        stolen = oauth.exchange(code, client_id=other_client.client_id)
        assert refusal_of(stolen, GRANT).reason == "code_client"
    assert photograph() == before
    tokens = oauth.exchange(code).json()
    # Nor can they end its family by replaying it.
    refusal_of(oauth.exchange(code, client_id=other_client.client_id), GRANT)
    assert oauth.call(tokens["access_token"]).status_code == 200


@pytest.mark.case(140, 161)
@pytest.mark.parametrize(
    "redirect_uri", ["https://client.example/other", f"{CALLBACK}/", "https://evil.example/"]
)
def test_another_redirect_uri_is_refused_and_the_right_one_still_works(
    oauth: OAuthClient, obtain_code: Callable[..., str], redirect_uri: str
) -> None:
    code = obtain_code()
    before = photograph()
    row = refusal_of(oauth.exchange(code, redirect_uri=redirect_uri), GRANT)
    assert row.reason == "code_redirect"
    assert photograph() == before
    assert oauth.exchange(code).status_code == 200


@pytest.mark.case(140, 161)
def test_the_loopback_port_is_compared_at_the_exchange(oauth: OAuthClient, world: World) -> None:
    oauth.register(redirect_uris=["http://localhost/callback"])
    asked = "http://localhost:49152/callback"
    code = oauth.obtain_code(world.alice, world.acme, redirect_uri=asked)
    refusal_of(oauth.exchange(code, redirect_uri="http://localhost:49153/callback"), GRANT)
    refusal_of(oauth.exchange(code, redirect_uri="http://localhost/callback"), GRANT)
    assert oauth.exchange(code, redirect_uri=asked).status_code == 200


@pytest.mark.case(140)
def test_the_redirect_uri_may_be_left_out(
    oauth: OAuthClient, obtain_code: Callable[..., str]
) -> None:
    assert oauth.exchange(obtain_code(), redirect_uri=None).status_code == 200


@pytest.mark.case(148, 150)
@pytest.mark.parametrize(
    ("verifier", "reason"),
    [
        (None, "pkce_verifier_missing"),
        ("", "pkce_verifier_missing"),
        (VERIFIER[:-1], "pkce_mismatch"),
        (VERIFIER + "x", "pkce_mismatch"),
        (VERIFIER.upper(), "pkce_mismatch"),
        ("v" * 42, "pkce_mismatch"),
        ("v" * 43, "pkce_mismatch"),
        ("v" * 128, "pkce_mismatch"),
        ("v" * 129, "pkce_mismatch"),
        ("v" * 42 + "!", "pkce_mismatch"),
        ("v" * 42 + "é", "pkce_mismatch"),
        ("v" * 42 + "\n", "pkce_mismatch"),
        (f"{VERIFIER} ", "pkce_mismatch"),
    ],
)
def test_without_the_right_verifier_there_are_no_tokens(
    oauth: OAuthClient, obtain_code: Callable[..., str], verifier: str | None, reason: str
) -> None:
    code = obtain_code()
    answer = oauth.exchange(code, code_verifier=verifier)
    assert refusal_of(answer, GRANT).reason == reason
    # The code still works, so the client is told what was wrong and not to start again.
    told = "is missing." if reason == "pkce_verifier_missing" else "does not match code_challenge."
    assert answer.json()["error_description"] == f"code_verifier {told}"
    assert not TokenFamily.objects.exists()
    assert AuthorizationCode.objects.get().consumed_at is None
    assert oauth.exchange(code).status_code == 200


@pytest.mark.case(150)
@pytest.mark.parametrize(
    ("verifier", "status"),
    [
        ("v" * 43, 200),
        ("v" * 128, 200),
        ("v" * 42, 400),
        ("v" * 129, 400),
        ("v" * 42 + "!", 400),
        ("v" * 42 + " ", 400),
        ("v" * 43 + "\n", 400),
    ],
)
def test_a_verifier_of_wrong_form_proves_nothing_though_it_hashes_right(
    oauth: OAuthClient, obtain_code: Callable[..., str], verifier: str, status: int
) -> None:
    code = obtain_code()
    AuthorizationCode.objects.update(code_challenge=build_challenge(verifier))
    answer = oauth.exchange(code, code_verifier=verifier)
    assert answer.status_code == status
    if status == 400:
        assert refusal_of(answer, GRANT).reason == "pkce_mismatch"
        assert not TokenFamily.objects.exists()


@pytest.mark.case(152)
def test_the_verifier_of_another_code_does_not_fit(
    oauth: OAuthClient, obtain_code: Callable[..., str]
) -> None:
    mine, theirs = obtain_code(), obtain_code()
    AuthorizationCode.objects.order_by("pk").filter(
        pk=AuthorizationCode.objects.latest("pk").pk
    ).update(code_challenge="c" * 43)
    assert oauth.exchange(mine).status_code == 200
    assert refusal_of(oauth.exchange(theirs), GRANT).reason == "pkce_mismatch"
    assert TokenFamily.objects.count() == 1


@pytest.mark.case(151)
@pytest.mark.parametrize(
    "damage",
    [{"code_challenge": ""}, {"code_challenge_method": ""}, {"code_challenge_method": "plain"}],
)
def test_a_damaged_row_proves_nothing(
    oauth: OAuthClient, obtain_code: Callable[..., str], damage: dict[str, str]
) -> None:
    code = obtain_code()
    AuthorizationCode.objects.update(**damage)
    assert refusal_of(oauth.exchange(code), GRANT).reason == "pkce_mismatch"
    AuthorizationCode.objects.update(code_challenge=VERIFIER, code_challenge_method="plain")
    assert refusal_of(oauth.exchange(code), GRANT).reason == "pkce_mismatch"
    unproven = refusal_of(oauth.exchange(code, code_verifier=None), GRANT)
    assert unproven.reason == "pkce_verifier_missing"
    assert not TokenFamily.objects.exists()


@pytest.mark.parametrize(("failures", "accepted"), [(4, True), (5, False)])
def test_five_wrong_verifiers_burn_the_code(
    oauth: OAuthClient, obtain_code: Callable[..., str], failures: int, accepted: bool
) -> None:
    code = obtain_code()
    ended = "The code or refresh token is no longer valid. Authorize again."
    for attempt in range(1, failures + 1):
        wrong = oauth.exchange(code, code_verifier="v" * 43)
        refusal_of(wrong, GRANT)
        assert (wrong.json()["error_description"] == ended) is (attempt == 5)
    answer = oauth.exchange(code)
    if accepted:
        assert answer.status_code == 200
    else:
        assert refusal_of(answer, GRANT).reason == "code_burnt"
        assert answer.json()["error_description"] == ended
        assert not TokenFamily.objects.exists()
