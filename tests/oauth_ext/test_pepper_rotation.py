"""A new pepper: what was hashed under the former one works while that is kept, and no longer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from oauth_ext.machine_secrets import name_pepper
from oauth_ext.models import AuthorizationCode, PersonalAccessToken, RefreshToken, TokenFamily
from oauth_ext.peppers import find_former_pepper_use
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of, refused_at_mcp

pytestmark = [pytest.mark.django_db, pytest.mark.case(254)]

NEW = "a-new-pepper-of-more-than-thirty-two-characters"


@pytest.fixture
def rotate(settings: Any) -> Callable[[], None]:
    """Put a new pepper in front of the former one."""

    def rotate() -> None:
        settings.TOKEN_PEPPER_FALLBACKS = [settings.TOKEN_PEPPER]
        settings.TOKEN_PEPPER = NEW

    return rotate


@pytest.fixture
def retire(settings: Any) -> Callable[[], None]:
    """Forget the former pepper."""

    def retire() -> None:
        settings.TOKEN_PEPPER_FALLBACKS = []

    return retire


def test_a_personal_token_works_while_its_pepper_is_kept_and_no_longer(
    oauth: OAuthClient, mint: Any, world: World, rotate: Any, retire: Any
) -> None:
    former = mint(world.alice, world.acme)
    rotate()
    current = mint(world.alice, world.acme)
    assert oauth.call(former).status_code == oauth.call(current).status_code == 200
    retire()
    assert refused_at_mcp(oauth, former) == "personal_token_unknown"
    assert oauth.call(current).status_code == 200


def test_a_refresh_token_works_while_its_pepper_is_kept_and_its_successor_does_after(
    oauth: OAuthClient, alice_acme: Connected, rotate: Any, retire: Any
) -> None:
    rotate()
    answer = oauth.refresh(alice_acme.refresh_token)
    assert answer.status_code == 200
    current = RefreshToken.objects.get(superseded_at__isnull=True)
    assert current.pepper_id == name_pepper() == name_pepper(NEW)
    retire()
    before = photograph()
    refusal = refusal_of(oauth.refresh(alice_acme.refresh_token), "invalid_grant")
    assert refusal.reason == "refresh_unknown"
    assert photograph() == before
    assert oauth.refresh(answer.json()["refresh_token"]).status_code == 200


def test_a_repeated_refresh_gets_the_same_successor_across_a_rotation(
    oauth: OAuthClient, alice_acme: Connected, rotate: Any
) -> None:
    first = oauth.refresh(alice_acme.refresh_token).json()
    rotate()
    again = oauth.refresh(alice_acme.refresh_token).json()
    assert again["refresh_token"] == first["refresh_token"]
    # The token that was hashed before the rotation goes on.
    assert oauth.refresh(again["refresh_token"]).status_code == 200


def test_a_stolen_refresh_token_is_recognized_across_a_rotation(
    oauth: OAuthClient, alice_acme: Connected, rotate: Any
) -> None:
    second = oauth.refresh(alice_acme.refresh_token).json()
    oauth.refresh(second["refresh_token"])
    rotate()
    refusal = refusal_of(oauth.refresh(alice_acme.refresh_token), "invalid_grant")
    assert refusal.reason == "refresh_replayed"
    assert TokenFamily.objects.get().revoked_at is not None


def test_a_code_is_redeemed_across_a_rotation_and_its_replay_is_known(
    oauth: OAuthClient, obtain_code: Callable[..., str], rotate: Any
) -> None:
    code = obtain_code()
    rotate()
    assert oauth.exchange(code).status_code == 200
    AuthorizationCode.objects.update(consumed_at=timezone.now() - timedelta(seconds=11))
    assert refusal_of(oauth.exchange(code), "invalid_grant").reason == "code_replayed"


def test_a_code_whose_pepper_is_gone_is_unknown(
    oauth: OAuthClient, obtain_code: Callable[..., str], rotate: Any, retire: Any
) -> None:
    code = obtain_code()
    rotate()
    retire()
    assert refusal_of(oauth.exchange(code), "invalid_grant").reason == "code_unknown"
    assert not TokenFamily.objects.exists()


def test_a_client_revokes_a_refresh_token_of_a_former_pepper(
    oauth: OAuthClient, alice_acme: Connected, rotate: Any
) -> None:
    rotate()
    assert oauth.revoke(alice_acme.refresh_token).status_code == 200
    assert oauth.call(alice_acme.access_token).status_code == 401


def test_pruning_says_what_still_depends_on_a_former_pepper(
    oauth: OAuthClient,
    alice_acme: Connected,
    mint: Any,
    world: World,
    rotate: Any,
    retire: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mint(world.alice, world.acme)
    call_command("prune_oauth")
    assert "pepper" not in capsys.readouterr().out
    rotate()
    use = find_former_pepper_use(timezone.now())
    assert (use.refresh_tokens, use.personal_tokens, use.client_secrets) == (1, 1, 0)
    assert use.needed_until and use.needed_until >= PersonalAccessToken.objects.get().expires_at
    call_command("prune_oauth")
    assert f"keep it until {use.needed_until:%Y-%m-%d}" in capsys.readouterr().out
    oauth.refresh(alice_acme.refresh_token)
    PersonalAccessToken.objects.update(revoked_at=timezone.now())
    assert not find_former_pepper_use(timezone.now())
    call_command("prune_oauth")
    assert "TOKEN_PEPPER_FALLBACKS can go" in capsys.readouterr().out


@pytest.mark.case(197, 212)
def test_a_repeat_at_a_server_without_the_new_pepper_is_our_fault_and_no_theft(
    oauth: OAuthClient,
    alice_acme: Connected,
    settings: Any,
    rotate: Any,
    log: Any,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    former = settings.TOKEN_PEPPER
    rotate()
    first = oauth.refresh(alice_acme.refresh_token).json()
    # The load balancer sends the repeat to a server that was not restarted yet.
    settings.TOKEN_PEPPER, settings.TOKEN_PEPPER_FALLBACKS = former, []
    before = photograph()
    with django_capture_on_commit_callbacks(execute=True):
        answer = oauth.refresh(alice_acme.refresh_token)
    row = refusal_of(answer, "temporarily_unavailable", 503)
    assert (row.event, row.reason) == ("oauth.token.refused", "pepper_unknown")
    assert answer["Retry-After"] == "60"
    assert photograph() == before
    assert mail.outbox == []
    assert not log().filter(event="oauth.refresh_token.replayed").exists()
    rotate()
    again = oauth.refresh(alice_acme.refresh_token).json()
    assert again["refresh_token"] == first["refresh_token"]


@pytest.mark.case(194)
def test_after_the_window_a_server_without_the_new_pepper_still_knows_a_theft(
    oauth: OAuthClient, alice_acme: Connected, settings: Any, rotate: Any
) -> None:
    former = settings.TOKEN_PEPPER
    rotate()
    oauth.refresh(alice_acme.refresh_token)
    settings.TOKEN_PEPPER, settings.TOKEN_PEPPER_FALLBACKS = former, []
    RefreshToken.objects.filter(generation=0).update(
        superseded_at=timezone.now() - timedelta(seconds=61)
    )
    refusal = refusal_of(oauth.refresh(alice_acme.refresh_token), "invalid_grant")
    assert refusal.reason == "refresh_replayed"
    assert TokenFamily.objects.get().revoke_reason == "refresh_replayed"


def test_while_every_server_knows_both_peppers_any_of_them_answers_what_another_began(
    oauth: OAuthClient, alice_acme: Connected, settings: Any
) -> None:
    former, token = settings.TOKEN_PEPPER, alice_acme.refresh_token
    for current, other in ((NEW, former), (former, NEW)) * 3:
        settings.TOKEN_PEPPER, settings.TOKEN_PEPPER_FALLBACKS = current, [other]
        successor = oauth.refresh(token).json()["refresh_token"]
        settings.TOKEN_PEPPER, settings.TOKEN_PEPPER_FALLBACKS = other, [current]
        assert oauth.refresh(token).json()["refresh_token"] == successor
        token = successor
