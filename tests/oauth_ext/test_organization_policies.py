"""An organization's own times: shorter ones count for what exists, longer ones change nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import Organization, User
from oauth_ext.models import (
    OrganizationPolicy,
    PersonalAccessToken,
    RefreshToken,
    TokenFamily,
)
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of, refused_at_mcp
from tests.oauth_ext.test_personal_tokens import fill_in

pytestmark = [pytest.mark.django_db, pytest.mark.case(205, 237)]

DAY = timedelta(days=1)
ENDED = "Token is revoked or expired"


def set_policy(organization: Organization, **days: int | None) -> None:
    """As an operator would."""
    OrganizationPolicy.objects.update_or_create(organization=organization, defaults=days)


def age(days: int, *, refreshed: int | None = None) -> None:
    """Make every family a little more than so many days old, and refreshed so long ago."""
    # The database's time is that of the test's transaction, which began a moment ago.
    now = timezone.now() - timedelta(minutes=1)
    TokenFamily.objects.update(
        created_at=now - days * DAY,
        refreshed_at=None if refreshed is None else now - refreshed * DAY,
    )


@pytest.mark.parametrize(("days", "is_open"), [(11, True), (10, False), (None, True)])
def test_a_sign_in_that_is_older_than_the_organization_allows_has_ended(
    oauth: OAuthClient, alice_acme: Connected, world: World, days: int | None, is_open: bool
) -> None:
    age(10, refreshed=0)
    set_policy(world.acme, max_sign_in_days=days)
    if is_open:
        assert oauth.call(alice_acme.access_token).status_code == 200
        assert oauth.refresh(alice_acme.refresh_token).status_code == 200
        return
    assert refused_at_mcp(oauth, alice_acme.access_token, ENDED) == "policy_expired"
    before = photograph()
    refusal = refusal_of(oauth.refresh(alice_acme.refresh_token), "invalid_grant")
    assert refusal.reason == "policy_expired"
    assert photograph() == before


@pytest.mark.parametrize(("refreshed", "is_open"), [(2, True), (3, False), (None, False)])
def test_a_sign_in_that_lay_unused_for_longer_than_the_organization_allows_has_ended(
    oauth: OAuthClient, alice_acme: Connected, world: World, refreshed: int | None, is_open: bool
) -> None:
    age(20, refreshed=refreshed)
    set_policy(world.acme, max_idle_days=3)
    assert oauth.call(alice_acme.access_token).status_code == (200 if is_open else 401)
    answer = oauth.refresh(alice_acme.refresh_token)
    if is_open:
        assert answer.status_code == 200
    else:
        assert refusal_of(answer, "invalid_grant").reason == "policy_expired"


def test_another_organization_s_policy_is_nobody_else_s(
    oauth: OAuthClient, alice_acme: Connected, world: World
) -> None:
    age(10)
    set_policy(world.borealis, max_sign_in_days=1, max_idle_days=1)
    assert oauth.call(alice_acme.access_token).status_code == 200


def test_new_families_end_when_the_organization_says(
    connect: Callable[..., Connected], oauth: OAuthClient, world: World
) -> None:
    set_policy(world.acme, max_sign_in_days=20, max_idle_days=5)
    connected = connect(world.alice, world.acme)
    oauth.client_id = connected.client.client_id
    family = TokenFamily.objects.get()
    assert family.expires_at - family.created_at == 20 * DAY
    first = RefreshToken.objects.get()
    assert abs(first.expires_at - timezone.now() - 5 * DAY) < timedelta(minutes=1)
    assert oauth.refresh(connected.refresh_token).status_code == 200
    second = RefreshToken.objects.get(superseded_at__isnull=True)
    assert abs(second.expires_at - timezone.now() - 5 * DAY) < timedelta(minutes=1)


def test_an_organization_cannot_make_times_longer_than_the_deployment_s(
    connect: Callable[..., Connected], mint: Any, world: World
) -> None:
    set_policy(world.acme, max_sign_in_days=3000, max_idle_days=3000, max_personal_token_days=3000)
    connect(world.alice, world.acme)
    family, token = TokenFamily.objects.get(), RefreshToken.objects.get()
    lived = timedelta(seconds=settings.TOKEN_FAMILY_TTL)
    assert family.expires_at - family.created_at == lived
    assert token.expires_at - family.created_at == timedelta(seconds=settings.REFRESH_TOKEN_TTL)
    mint(world.alice, world.acme)
    personal = PersonalAccessToken.objects.get()
    assert personal.expires_at - personal.created_at == 30 * DAY


def test_a_personal_token_is_made_for_no_longer_than_the_organization_allows(
    mint: Any, world: World
) -> None:
    set_policy(world.acme, max_personal_token_days=7)
    mint(world.alice, world.acme)
    token = PersonalAccessToken.objects.get()
    assert token.expires_at - token.created_at == 7 * DAY


@pytest.mark.parametrize(
    ("days", "chosen", "is_cut"), [(10, 30, True), (10, 7, False), (None, 30, False)]
)
def test_whoever_makes_a_token_that_the_organization_cuts_is_told_its_end(
    sign_in: Callable[[User], Browser], world: World, days: int | None, chosen: int, is_cut: bool
) -> None:
    set_policy(world.acme, max_personal_token_days=days)
    alice = sign_in(world.alice)
    said = "Acme allows at most 10 days."
    assert (said in alice.get("/settings/ai-access").content.decode()) is (days == 10)
    fields = fill_in(world, expires_in_days=str(chosen))
    page = alice.post("/settings/ai-access/tokens", fields).content.decode()
    end = PersonalAccessToken.objects.get().expires_at
    told = f"<bdi>Acme</bdi> allows at most 10 days; this token ends on {end:%-d %b %Y}."
    assert (told in page) is is_cut
    assert ("this token ends on" in page) is is_cut


@pytest.mark.parametrize(("days", "is_open"), [(9, True), (8, False)])
def test_a_personal_token_older_than_the_organization_allows_is_refused(
    oauth: OAuthClient, mint: Any, world: World, days: int, is_open: bool
) -> None:
    secret = mint(world.alice, world.acme)
    PersonalAccessToken.objects.update(created_at=timezone.now() - 8 * DAY)
    assert oauth.call(secret).status_code == 200
    set_policy(world.acme, max_personal_token_days=days)
    if is_open:
        told = oauth.call(secret).json()["result"]["structuredContent"]["token_expires_at"]
        ends = PersonalAccessToken.objects.get().created_at + 9 * DAY
        assert told.startswith(ends.strftime("%Y-%m-%dT%H:%M"))
    else:
        assert refused_at_mcp(oauth, secret, ENDED) == "personal_token_expired"


def test_an_operator_sets_a_policy_with_a_row_and_never_to_no_time_at_all(
    sign_in: Callable[[User], Any], world: World, log: Any
) -> None:
    User.objects.filter(pk=world.cleo.pk).update(is_staff=True, is_superuser=True)
    browser = sign_in(User.objects.get(pk=world.cleo.pk))
    url = "/admin/oauth_ext/organizationpolicy/add/"
    assert browser.get(url).status_code == 200
    fields = {
        "organization": str(world.acme.pk),
        "max_idle_days": "0",
        "allowed_scopes": ["read", "draft", "actions"],
    }
    assert browser.post(url, fields).status_code == 200
    assert not OrganizationPolicy.objects.exists()
    assert browser.post(url, fields | {"max_idle_days": "5"}).status_code == 302
    policy = OrganizationPolicy.objects.get()
    assert (policy.organization_id, policy.max_idle_days) == (world.acme.pk, 5)
    row = log().get(event="admin.object.added")
    assert row.user_id == world.cleo.pk
    assert row.details["model"] == "oauth_ext.OrganizationPolicy"
    changed = f"/admin/oauth_ext/organizationpolicy/{world.acme.pk}/change/"
    moved = fields | {"max_idle_days": "6", "organization": str(world.borealis.pk)}
    assert browser.post(changed, moved).status_code == 302
    assert OrganizationPolicy.objects.get().organization_id == world.acme.pk
    assert browser.get("/admin/oauth_ext/organizationpolicy/").status_code == 200
