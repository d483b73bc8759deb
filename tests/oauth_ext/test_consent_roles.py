"""What a role does not allow cannot be granted, and what ends on the way is refused from there."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Membership, Organization, Role, User
from oauth_ext.consents import Consent, grant_consent
from oauth_ext.errors import UnredirectableError
from oauth_ext.models import AuthorizationCode, Client, Connection, TokenFamily
from tests.conftest import World
from tests.factories import MembershipFactory
from tests.oauth_client import OAuthClient, build_request, read_redirect
from tests.oauth_ext.conftest import page_refusal_of, photograph, refusal_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(oauth: OAuthClient, client_row: Client, world: World) -> OAuthClient:
    """A registered client, and Ben signed in, who only looks."""
    oauth.client_id = client_row.client_id
    Membership.objects.filter(user=world.ben).update(role=Role.VIEWER)
    oauth.sign_in(world.ben)
    return oauth


def test_what_the_role_does_not_allow_is_not_offered(ready: OAuthClient) -> None:
    page = ready.open_consent(scope="read draft actions")
    assert [tier["name"] for tier in page.context["scopes"]] == ["read"]
    text = page.content.decode()
    assert "It also asked for draft and actions, which your role does not allow." in text
    assert 'value="draft"' not in text and 'value="actions"' not in text


def test_what_the_role_does_not_allow_is_not_granted_whatever_is_posted(
    ready: OAuthClient, world: World
) -> None:
    page = ready.open_consent(scope="read draft actions")
    answer = ready.decide(page, world.acme, scopes=("read", "draft", "actions"))
    assert Connection.objects.get().scope == "read"
    tokens = ready.exchange(read_redirect(answer)["code"]).json()
    assert tokens["scope"] == "read"
    assert ready.refresh(tokens["refresh_token"]).json()["scope"] == "read"


def test_a_member_grants_what_a_viewer_cannot(ready: OAuthClient, world: World) -> None:
    Membership.objects.filter(user=world.ben).update(role=Role.MEMBER)
    page = ready.open_consent(scope="read draft actions")
    assert [tier["name"] for tier in page.context["scopes"]] == ["read", "draft", "actions"]
    ready.decide(page, world.acme)
    assert Connection.objects.get().scope == "read draft actions"


def test_each_organization_is_held_to_its_own_role(ready: OAuthClient, world: World) -> None:
    MembershipFactory(user=world.ben, organization=world.borealis, role=Role.MEMBER)
    page = ready.open_consent(scope="read draft")
    assert [tier["name"] for tier in page.context["scopes"]] == ["read", "draft"]
    assert "Your role here does not allow draft" in page.content.decode()
    withheld = {each["name"]: each["withheld"] for each in page.context["organizations"]}
    assert withheld == {"Acme": ["Draft"], "Borealis": []}
    ready.decide(page, world.acme)
    ready.decide(ready.open_consent(scope="read draft"), world.borealis)
    granted = dict(Connection.objects.values_list("organization__name", "scope"))
    assert granted == {"Acme": "read", "Borealis": "read draft"}


def test_a_role_that_allows_nothing_of_it_gets_a_page_and_a_way_back(
    ready: OAuthClient, world: World, log: Any
) -> None:
    before = photograph()
    page = ready.open_consent(scope="draft actions")
    assert page.status_code == 403
    assert "Your role does not allow this" in page.content.decode()
    assert "error=access_denied" in page.context["return_url"]
    row = log().with_reference(page["Reference-Id"]).get()
    assert (row.event, row.outcome, row.reason) == ("oauth.consent.denied", "refused", "role_scope")
    assert photograph() == before


def test_an_organization_where_the_role_allows_nothing_cannot_be_chosen(
    ready: OAuthClient, world: World
) -> None:
    MembershipFactory(user=world.ben, organization=world.borealis, role=Role.MEMBER)
    page = ready.open_consent(scope="draft")
    possible = {each["name"]: each["is_possible"] for each in page.context["organizations"]}
    assert possible == {"Acme": False, "Borealis": True}
    before = photograph()
    page_refusal_of(ready.decide(page, world.acme), "role_scope")
    assert photograph() == before
    ready.decide(page, world.borealis)
    assert Connection.objects.get().scope == "draft"


def test_consent_granted_anywhere_in_the_code_is_held_to_the_role(
    ready: OAuthClient, world: World, client_row: Client, origin: Any
) -> None:
    stale = Membership.objects.get(user=world.ben)
    stale.role = Role.OWNER
    scopes = ("read", "actions")
    consent = Consent(build_request(client_row, scopes), stale, scopes, "a-nonce")
    grant_consent(consent, origin=origin)
    assert Connection.objects.get().scope == "read"


# --- what ends on the way (101) ---------------------------------------------------------------


def leave(user: User) -> None:
    Membership.objects.filter(user=user).delete()


def suspend(user: User) -> None:
    Organization.objects.filter(memberships__user=user).update(is_active=False)


def switch_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def lower_role(user: User) -> None:
    Membership.objects.filter(user=user).update(role=Role.VIEWER)


@pytest.mark.case(101)
@pytest.mark.parametrize("end", [leave, suspend, switch_off])
def test_what_ends_between_the_check_and_the_grant_grants_nothing(
    ready: OAuthClient, world: World, client_row: Client, origin: Any, end: Callable[[User], None]
) -> None:
    stale = Membership.objects.get(user=world.ben)
    end(world.ben)
    before = photograph()
    consent = Consent(build_request(client_row, ("read",)), stale, ("read",), "a-nonce")
    with pytest.raises(UnredirectableError) as refused:
        grant_consent(consent, origin=origin)
    assert refused.value.reason == "tenancy"
    assert photograph() == before


ENDINGS = [leave, suspend, switch_off, lower_role]
STEPS = ["screen", "submit", "exchange", "first use"]
CASES = [
    pytest.param(step, end, id=f"{end.__name__} before {step}") for step in STEPS for end in ENDINGS
]


@pytest.mark.case(101)
@pytest.mark.parametrize(("before_step", "end"), CASES)
def test_whatever_ends_on_the_way_is_refused_at_the_next_step(
    ready: OAuthClient, world: World, before_step: str, end: Callable[[User], None]
) -> None:
    Membership.objects.filter(user=world.ben).update(role=Role.MEMBER)

    def end_before(step: str) -> None:
        if step == before_step:
            end(world.ben)

    end_before("screen")
    page = ready.open_consent(scope="draft actions")
    if before_step == "screen":
        # Somebody switched off is not signed in any more.
        assert page.status_code == (302 if end is switch_off else 403)
        assert not Connection.objects.exists()
        return
    end_before("submit")
    answer = ready.decide(page, world.acme)
    if before_step == "submit":
        if end is switch_off:
            assert answer["Location"].startswith("/accounts/login?")
        else:
            page_refusal_of(answer, "role_scope" if end is lower_role else "tenancy")
        assert not AuthorizationCode.objects.exists() and not Connection.objects.exists()
        return
    end_before("exchange")
    exchanged = ready.exchange(read_redirect(answer)["code"])
    if before_step == "exchange":
        refusal_of(exchanged, "invalid_scope" if end is lower_role else "invalid_grant")
        assert not TokenFamily.objects.exists()
        return
    end_before("first use")
    used = ready.call(exchanged.json()["access_token"])
    assert used.status_code == (403 if end is lower_role else 401)


@pytest.mark.case(101)
def test_a_role_lowered_before_the_exchange_narrows_the_token(
    ready: OAuthClient, world: World
) -> None:
    Membership.objects.filter(user=world.ben).update(role=Role.MEMBER)
    page = ready.open_consent(scope="read draft actions")
    code = read_redirect(ready.decide(page, world.acme))["code"]
    lower_role(world.ben)
    tokens = ready.exchange(code).json()
    assert tokens["scope"] == "read"
    # What was allowed is the family's for good; what it is worth, the role says at each use.
    assert TokenFamily.objects.get().scope == "read draft actions"
    Membership.objects.filter(user=world.ben).update(role=Role.MEMBER)
    refreshed = ready.refresh(tokens["refresh_token"]).json()
    assert refreshed["scope"] == "read draft actions"
