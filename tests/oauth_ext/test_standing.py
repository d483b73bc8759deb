"""Every way in, under every flag: accepted before, refused at the very next request after.

The ways are all places where tokens are issued or accepted; the flags are all things that a token
stands on. A new way or a new flag belongs into one of the two tables.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import Membership, Organization, User
from oauth_ext.models import Client, Connection, PersonalAccessToken, RefreshToken, TokenFamily
from tests.conftest import Connected, World
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import photograph

pytestmark = pytest.mark.django_db

FLAGS: dict[str, Callable[[World], Any]] = {
    "user inactive": lambda world: User.objects.filter(id=world.alice.id).update(is_active=False),
    "user deleted": lambda world: world.alice.delete(),
    "membership deleted": lambda world: Membership.objects.filter(
        user=world.alice, organization=world.acme
    ).delete(),
    "membership deleted and made again": lambda world: (
        Membership.objects.filter(user=world.alice, organization=world.acme).delete(),
        Membership.objects.create(user=world.alice, organization=world.acme, role="owner"),
    ),
    "organization suspended": lambda world: Organization.objects.filter(id=world.acme.id).update(
        is_active=False
    ),
    "organization deleted": lambda world: Organization.objects.filter(id=world.acme.id).delete(),
    "client disabled": lambda world: Client.objects.update(disabled_at=timezone.now()),
    "client deleted": lambda world: Client.objects.all().delete(),
    "connection revoked": lambda world: Connection.objects.update(revoked_at=timezone.now()),
}
# A personal access token has neither a client nor a connection.
PERSONAL_FLAGS = [name for name in FLAGS if not name.startswith(("client", "connection"))]


def pause() -> None:
    """The connection rests; only the resource is shut by that."""
    Connection.objects.update(paused_at=timezone.now())


@dataclass
class Holder:
    """Somebody with one of everything, all for Alice in Acme."""

    oauth: OAuthClient
    connected: Connected
    codes: Iterator[str]
    personal_token: str
    refresh_token: str

    def call(self) -> HttpResponse:
        """An access token at the resource."""
        return self.oauth.call(self.connected.access_token)

    def refresh(self) -> HttpResponse:
        """The current refresh token at the token endpoint."""
        answer = self.oauth.refresh(self.refresh_token)
        if answer.status_code == 200:
            self.refresh_token = answer.json()["refresh_token"]
        return answer

    def repeat(self) -> HttpResponse:
        """A refresh token that was just rotated, inside its window."""
        if RefreshToken.objects.filter(generation=1).exists():
            return self.oauth.refresh(self.connected.refresh_token)
        self.oauth.refresh(self.connected.refresh_token)
        return self.oauth.refresh(self.connected.refresh_token)

    def exchange(self) -> HttpResponse:
        """A fresh code at the token endpoint."""
        return self.oauth.exchange(next(self.codes))

    def call_personally(self) -> HttpResponse:
        """A personal access token at the resource."""
        return self.oauth.call(self.personal_token)


WAYS = ("call", "refresh", "repeat", "exchange")


@pytest.fixture
def holder(
    oauth: OAuthClient,
    alice_acme: Connected,
    obtain_code: Callable[..., str],
    mint: Callable[..., str],
    world: World,
) -> Holder:
    """Alice's holder of everything."""
    codes = iter([obtain_code(), obtain_code()])
    personal = mint(world.alice, world.acme)
    return Holder(oauth, alice_acme, codes, personal, alice_acme.refresh_token)


@pytest.mark.case(163, 206, 237, 263, 264, 265, 266, 267, 320)
@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_open_before_and_shut_at_the_very_next_request(
    holder: Holder, world: World, way: str, flag: str
) -> None:
    assert getattr(holder, way)().status_code == 200
    FLAGS[flag](world)
    families = set(TokenFamily.objects.values_list("id", flat=True))
    tokens = set(RefreshToken.objects.values_list("id", flat=True))
    refused = getattr(holder, way)()
    assert refused.status_code in ((401,) if way == "call" else (400, 401)), refused.content
    if way != "call":
        assert refused.json()["error"] in ("invalid_grant", "invalid_client")
        assert (refused.status_code == 401) == (refused.json()["error"] == "invalid_client")
    assert "access_token" not in refused.content.decode()
    assert set(TokenFamily.objects.values_list("id", flat=True)) == families
    assert set(RefreshToken.objects.values_list("id", flat=True)) == tokens


@pytest.mark.case(246, 263, 264, 265, 266)
@pytest.mark.parametrize("flag", PERSONAL_FLAGS)
def test_a_personal_token_is_open_before_and_shut_at_the_very_next_request(
    holder: Holder, world: World, flag: str
) -> None:
    assert holder.call_personally().status_code == 200
    FLAGS[flag](world)
    assert holder.call_personally().status_code == 401


@pytest.mark.case(265)
@pytest.mark.parametrize(
    ("flag", "undo"),
    [
        ("user inactive", lambda: User.objects.update(is_active=True)),
        ("organization suspended", lambda: Organization.objects.update(is_active=True)),
        ("client disabled", lambda: Client.objects.update(disabled_at=None)),
    ],
)
def test_what_was_only_suspended_works_again_when_it_is_resumed(
    holder: Holder, world: World, flag: str, undo: Callable[[], Any]
) -> None:
    FLAGS[flag](world)
    assert holder.call().status_code == 401
    assert holder.refresh().status_code in (400, 401)
    undo()
    for way in ("call", "refresh", "exchange"):
        assert getattr(holder, way)().status_code == 200


@pytest.mark.case(265)
def test_resuming_an_organization_does_not_revive_what_was_revoked(
    holder: Holder, world: World
) -> None:
    Connection.objects.update(revoked_at=timezone.now())
    PersonalAccessToken.objects.update(revoked_at=timezone.now())
    FLAGS["organization suspended"](world)
    Organization.objects.update(is_active=True)
    assert holder.call().status_code == 401
    assert holder.refresh().status_code == 400
    assert holder.call_personally().status_code == 401


@pytest.mark.case(265)
def test_other_people_organizations_and_clients_are_not_affected(
    oauth: OAuthClient, connect: Callable[..., Connected], world: World, other_client: Client
) -> None:
    hit = connect(world.alice, world.acme)
    others = [
        connect(world.alice, world.borealis),
        connect(world.ben, world.acme),
        connect(world.cleo, world.borealis, client=other_client),
    ]
    Membership.objects.filter(user=world.alice, organization=world.acme).delete()
    assert oauth.call(hit.access_token).status_code == 401
    assert [oauth.call(other.access_token).status_code for other in others] == [200] * 3
    Organization.objects.filter(id=world.acme.id).update(is_active=False)
    statuses = [oauth.call(other.access_token).status_code for other in others]
    assert statuses == [200, 401, 200]
    Client.objects.filter(pk=other_client.pk).update(disabled_at=timezone.now())
    statuses = [oauth.call(other.access_token).status_code for other in others]
    assert statuses == [200, 401, 401]


@pytest.mark.case(274)
def test_a_role_that_changed_counts_at_the_next_call(
    oauth: OAuthClient, alice_acme: Connected, world: World
) -> None:
    def role() -> str:
        return oauth.call(alice_acme.access_token).json()["result"]["structuredContent"]["role"]

    assert role() == "owner"
    Membership.objects.filter(user=world.alice, organization=world.acme).update(role="member")
    assert role() == "member"


@pytest.mark.case(62)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_that_issues_is_shut_until_a_changed_client_is_allowed_again(
    holder: Holder, way: str
) -> None:
    Client.objects.update(revision=1)
    refused = getattr(holder, way)()
    if way == "call":
        assert refused.status_code == 200
        return
    assert refused.json()["error"] == "invalid_grant"
    Connection.objects.update(client_revision=1)
    assert getattr(holder, way)().status_code == 200


@pytest.mark.case(262)
def test_a_paused_connection_is_refused_at_the_next_call_and_goes_on_with_the_same_token(
    holder: Holder, world: World, log: Any
) -> None:
    assert holder.call().status_code == 200
    pause()
    before = photograph()
    refused = holder.call()
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/json")
    # A challenge would make clients throw the token away and ask the person again.
    assert "WWW-Authenticate" not in refused
    error = refused.json()["error"]
    assert (error["code"], error["data"]["error"]) == (-32013, "paused")
    assert error["data"]["reference"] == refused["Reference-Id"]
    assert "http://127.0.0.1:8000/settings/ai-access" in error["message"]
    row = log().get(reference=refused["Reference-Id"])
    assert (row.event, row.reason, row.http_status) == (
        "mcp.token.refused",
        "connection_paused",
        403,
    )
    assert row.connection_id == holder.connected.connection.id
    assert photograph() == before
    Connection.objects.update(paused_at=None)
    assert holder.call().status_code == 200


@pytest.mark.case(262)
@pytest.mark.parametrize("way", ["refresh", "repeat", "exchange"])
def test_a_pause_costs_no_client_its_tokens_and_opens_none_of_the_new_ones(
    holder: Holder, way: str
) -> None:
    pause()
    issued = getattr(holder, way)()
    assert issued.status_code == 200
    refused = holder.oauth.call(issued.json()["access_token"])
    assert (refused.status_code, refused.json()["error"]["data"]["error"]) == (403, "paused")
    Connection.objects.update(paused_at=None)
    assert holder.oauth.call(issued.json()["access_token"]).status_code == 200


@pytest.mark.parametrize("flag", FLAGS)
def test_what_has_ended_is_not_called_paused(holder: Holder, world: World, flag: str) -> None:
    pause()
    FLAGS[flag](world)
    assert holder.call().status_code == 401
    for way in ("refresh", "repeat", "exchange"):
        assert getattr(holder, way)().status_code in (400, 401)


@pytest.mark.case(62)
def test_a_paused_client_that_changed_is_issued_nothing(holder: Holder) -> None:
    pause()
    Client.objects.update(revision=1)
    for way in ("refresh", "repeat", "exchange"):
        assert getattr(holder, way)().json()["error"] == "invalid_grant"
