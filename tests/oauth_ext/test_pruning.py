"""What is removed when its time is over, and its nearest neighbour that stays."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.limits import CONSENT_PAGE, REGISTRATION_SOURCE, take_token
from accounts.models import TokenBucket
from activity.origin import Origin
from oauth_ext import registration
from oauth_ext.models import AuthorizationCode, Client, Connection, RefreshToken, TokenFamily
from oauth_ext.pruning import prune
from tests.conftest import World
from tests.oauth_client import OAuthClient

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.case(38, 40)
@pytest.mark.parametrize(("age", "reaped"), [(DAY + MINUTE, 1), (DAY - MINUTE, 0)])
def test_a_client_that_was_never_allowed_anything_goes_after_a_day(
    oauth: OAuthClient, world: World, origin: Origin, log: Any, age: timedelta, reaped: int
) -> None:
    oauth.register()
    assert prune(timezone.now() + age, origin=origin).clients == reaped
    assert log().filter(event="oauth.client.reaped", client_id=oauth.client_id).count() == reaped
    assert Client.objects.filter(client_id=oauth.client_id).count() == 1 - reaped
    if reaped:
        # invalid_client is what makes a real client register again.
        assert oauth.refresh("mcp_rt_x").json()["error"] == "invalid_client"
        assert oauth.register().status_code == 201


@pytest.mark.case(40)
@pytest.mark.parametrize(("idle", "reaped"), [(90 * DAY + MINUTE, 1), (90 * DAY - MINUTE, 0)])
def test_a_client_goes_once_nobody_has_used_it_for_ninety_days(
    connect: Any, world: World, origin: Origin, idle: timedelta, reaped: int
) -> None:
    connected = connect(world.alice, world.acme)
    now = timezone.now()
    past = now - 200 * DAY
    Client.objects.update(created=past, updated=past)
    Connection.objects.update(created_at=past, last_used_at=now - idle)
    TokenFamily.objects.update(created_at=past, refreshed_at=now - idle)
    assert prune(now, origin=origin).clients == reaped
    assert Client.objects.filter(pk=connected.client.pk).count() == 1 - reaped


def test_a_refresh_alone_keeps_a_client(connect: Any, world: World, origin: Origin) -> None:
    connect(world.alice, world.acme)
    now = timezone.now()
    past = now - 200 * DAY
    Client.objects.update(created=past, updated=past)
    Connection.objects.update(created_at=past, last_used_at=past)
    TokenFamily.objects.update(created_at=past, refreshed_at=now - DAY)
    assert prune(now, origin=origin).clients == 0


@pytest.mark.case(38, 40)
@pytest.mark.parametrize(("registers_again", "reaped"), [(True, 0), (False, 1)])
@pytest.mark.parametrize("was_used", [True, False])
def test_a_client_that_registers_again_is_not_about_to_be_removed(
    oauth: OAuthClient,
    world: World,
    origin: Origin,
    was_used: bool,
    registers_again: bool,
    reaped: int,
) -> None:
    first = oauth.register().json()["client_id"]
    if was_used:
        oauth.exchange(oauth.obtain_code(world.alice, world.acme))
    past = timezone.now() - 91 * DAY
    Client.objects.update(created=past, updated=past)
    Connection.objects.update(created_at=past)
    TokenFamily.objects.update(created_at=past)
    if registers_again:
        assert oauth.register().json()["client_id"] == first
    assert prune(timezone.now(), origin=origin).clients == reaped
    assert prune(timezone.now() + DAY - MINUTE, origin=origin).clients == 0
    oauth.sign_in(world.alice)
    assert oauth.open_consent().status_code == (400 if reaped else 200)


@pytest.mark.case(38)
@pytest.mark.parametrize(("tokens", "reaped"), [(0, 1), (1, 0)])
def test_keeping_an_unused_client_costs_what_registering_one_does(
    oauth: OAuthClient, origin: Origin, tokens: int, reaped: int
) -> None:
    oauth.register()
    Client.objects.update(updated=timezone.now() - DAY - MINUTE)
    TokenBucket.objects.filter(policy=REGISTRATION_SOURCE.name).update(
        tokens=tokens, updated_at=timezone.now()
    )
    # Known clients are answered whatever the limits say.
    assert oauth.register().status_code == 201
    assert prune(timezone.now(), origin=origin).clients == reaped


def test_a_client_that_is_removed_while_it_registers_again_is_a_new_one(
    oauth: OAuthClient, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = oauth.register().json()["client_id"]
    Client.objects.update(updated=timezone.now() - 2 * DAY)
    allow = registration.allow_registration

    def remove_first(ip: str | None) -> bool:
        Client.objects.filter(client_id=first).delete()
        return allow(ip)

    monkeypatch.setattr(registration, "allow_registration", remove_first)
    second = oauth.register().json()["client_id"]
    assert second != first
    assert Client.objects.get().client_id == second


def test_what_an_operator_made_or_switched_off_stays(
    oauth: OAuthClient, world: World, origin: Origin
) -> None:
    oauth.register(client_name="Switched off")
    Client.objects.update(disabled_at=timezone.now())
    oauth.register(client_name="Made by hand")
    Client.objects.filter(name="Made by hand").update(registration_source="manual")
    assert prune(timezone.now() + 365 * DAY, origin=origin).clients == 0
    assert Client.objects.count() == 2


@pytest.mark.case(170)
def test_a_used_code_stays_as_a_tombstone_for_a_day(
    connect: Any, world: World, origin: Origin
) -> None:
    connect(world.alice, world.acme)
    now = timezone.now()
    assert prune(now + DAY, origin=origin).codes == 0
    assert prune(now + DAY + 2 * MINUTE, origin=origin).codes == 1
    assert not AuthorizationCode.objects.exists()
    assert TokenFamily.objects.count() == 1


def test_an_ended_family_goes_after_a_month_and_a_living_one_stays(
    connect: Any, world: World, origin: Origin
) -> None:
    ended, alive = connect(world.alice, world.acme), connect(world.ben, world.acme)
    TokenFamily.objects.filter(pk=ended.family.pk).update(revoked_at=timezone.now())
    assert prune(timezone.now() + 30 * DAY - MINUTE, origin=origin).families == 0
    assert prune(timezone.now() + 30 * DAY + MINUTE, origin=origin).families == 1
    assert list(TokenFamily.objects.values_list("pk", flat=True)) == [alive.family.pk]


def test_a_sealed_successor_is_erased_when_its_window_has_passed(
    oauth: OAuthClient, world: World, origin: Origin
) -> None:
    oauth.register()
    first = oauth.exchange(oauth.obtain_code(world.alice, world.acme)).json()
    second = oauth.refresh(first["refresh_token"]).json()
    now = timezone.now()
    assert prune(now, origin=origin).sealed_copies == 0
    assert prune(now + MINUTE, origin=origin).sealed_copies == 1
    assert not RefreshToken.objects.filter(sealed_successor__isnull=False).exists()
    assert oauth.refresh(second["refresh_token"]).status_code == 200


def test_the_command_says_what_went_and_runs_twice(
    oauth: OAuthClient, world: World, capsys: Any
) -> None:
    oauth.register()
    Client.objects.update(updated=timezone.now() - 2 * DAY)
    take_token(CONSENT_PAGE, "somebody")
    TokenBucket.objects.update(updated_at=timezone.now() - 2 * DAY)
    call_command("prune_oauth")
    assert "Removed 1 client, 0 codes, 0 families" in capsys.readouterr().out
    assert not TokenBucket.objects.exists()
    call_command("prune_oauth")
    assert "Removed 0 clients" in capsys.readouterr().out
