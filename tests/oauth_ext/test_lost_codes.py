"""Codes whose answer was lost, that were guessed at, or that come again much later."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from activity.models import ActivityEvent
from activity.origin import Origin
from oauth_ext.machine_secrets import CHECKSUM_LENGTH, SecretKind, compute_checksum, mint_secret
from oauth_ext.models import AuthorizationCode, Connection, RefreshToken, TokenFamily
from oauth_ext.pruning import prune
from tests.conftest import World
from tests.oauth_client import OAuthClient, build_challenge
from tests.oauth_ext.conftest import photograph, refusal_of

pytestmark = pytest.mark.django_db

GRANT = "invalid_grant"


def guess_near(secret: str) -> str:
    """A well-formed secret that begins like this one."""
    body = secret[: -CHECKSUM_LENGTH - 1]
    body += "0" if secret[-CHECKSUM_LENGTH - 1] != "0" else "1"
    return body + compute_checksum(body)


@pytest.mark.case(166)
def test_a_server_that_dies_after_the_commit_leaves_one_unused_family_and_no_token(
    oauth: OAuthClient,
    obtain_code: Callable[..., str],
    sign_in: Callable[..., Browser],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = obtain_code()

    def die(*arguments: Any) -> Any:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr("oauth_ext.views.token.answer_json", die)
        assert oauth.exchange(code).status_code == 500
    assert AuthorizationCode.objects.get().consumed_at is not None
    assert refusal_of(oauth.exchange(code), GRANT).reason == "code_repeated"
    lost = TokenFamily.objects.get()
    assert (lost.refreshed_at, lost.connection.last_used_at) == (None, None)
    assert "not used" in sign_in(world.alice).get("/settings/ai-access").content.decode()
    # Its token was never sent and can be read nowhere; by itself it ends when it stays unused.
    assert not re.search(r"mcp_rt_[0-9A-Za-z]{49}", str(photograph()))
    assert RefreshToken.objects.get().expires_at <= timezone.now() + timedelta(days=30)
    # Connecting once more is all that the person has to do.
    assert oauth.exchange(obtain_code()).status_code == 200
    assert TokenFamily.objects.count() == 2
    assert Connection.objects.count() == 1


@pytest.mark.case(162, 167)
@pytest.mark.parametrize("used", [True, False])
def test_a_guess_that_begins_like_a_code_has_no_effect_on_it(
    oauth: OAuthClient, obtain_code: Callable[..., str], used: bool, log: Any
) -> None:
    code = obtain_code()
    tokens = oauth.exchange(code).json() if used else {}
    before = photograph()
    answers = [
        oauth.exchange(guess)
        for guess in (guess_near(code), mint_secret(SecretKind.AUTHORIZATION_CODE), "x")
    ]
    for answer in answers:
        assert refusal_of(answer, GRANT).reason == "code_unknown"
    assert len({answer.json()["error_description"] for answer in answers}) == 1
    assert photograph() == before
    assert not log().filter(event="oauth.code.replayed").exists()
    if used:
        assert oauth.call(tokens["access_token"]).status_code == 200
        assert oauth.refresh(tokens["refresh_token"]).status_code == 200
    else:
        assert oauth.exchange(code).status_code == 200


@pytest.mark.case(157, 170)
def test_a_replay_is_noticed_until_the_clean_up_forgets_the_code_and_harmless_after(
    oauth: OAuthClient, obtain_code: Callable[..., str], origin: Origin
) -> None:
    first, second = obtain_code(), obtain_code()
    tokens = [oauth.exchange(code).json() for code in (first, second)]
    rows = set(ActivityEvent.objects.values_list("id", flat=True))
    now = timezone.now()
    with time_machine.travel(now + timedelta(hours=23), tick=False):
        prune(timezone.now(), origin=origin)
        assert refusal_of(oauth.exchange(first), GRANT).reason == "code_replayed"
        assert refusal_of(oauth.refresh(tokens[0]["refresh_token"]), GRANT).reason == (
            "token_revoked"
        )
    with time_machine.travel(now + timedelta(hours=25), tick=False):
        assert prune(timezone.now(), origin=origin).codes == 2
        assert refusal_of(oauth.exchange(second), GRANT).reason == "code_unknown"
        assert oauth.refresh(tokens[1]["refresh_token"]).status_code == 200
    assert rows <= set(ActivityEvent.objects.values_list("id", flat=True))


@pytest.mark.case(152)
def test_a_code_that_was_slipped_into_another_sign_in_fails_there(
    oauth: OAuthClient, world: World
) -> None:
    oauth.register()
    victims = oauth.obtain_code(world.alice, world.acme)
    mine = "the-verifier-of-the-attackers-own-sign-in-at-this-client"
    attackers = oauth.obtain_code(world.cleo, world.borealis, code_challenge=build_challenge(mine))
    # The same client redeems the victim's code in the attacker's session, with its verifier.
    answer = oauth.exchange(victims, code_verifier=mine)
    assert refusal_of(answer, GRANT).reason == "pkce_mismatch"
    assert not TokenFamily.objects.exists()
    assert oauth.exchange(attackers, code_verifier=mine).status_code == 200
    assert oauth.exchange(victims).status_code == 200


@pytest.mark.case(156)
def test_a_challenge_may_be_used_for_several_requests(
    oauth: OAuthClient, obtain_code: Callable[..., str]
) -> None:
    codes = [obtain_code(), obtain_code()]
    assert [oauth.exchange(code).status_code for code in codes] == [200, 200]
