"""The world of the tests: the same few people in every one of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client as Browser

from accounts.models import Membership, Organization, Role, User
from activity.models import ActivityEvent, ActivityQuerySet
from activity.origin import Origin
from activity.references import new_reference
from oauth_ext import document_fetch
from oauth_ext.client_metadata import parse_client_metadata
from oauth_ext.codes import CodeRedemption, redeem_code
from oauth_ext.consents import Consent, grant_consent
from oauth_ext.models import Client, Connection, TokenFamily
from oauth_ext.personal_tokens import mint_personal_token
from oauth_ext.registration import register_client
from tests.factories import MembershipFactory, OrganizationFactory, UserFactory
from tests.figures import reported
from tests.oauth_client import CALLBACK, VERIFIER, OAuthClient, build_request

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class World:
    """Alice owns Acme and is a member of Borealis; Ben is a member of Acme; Cleo owns Borealis."""

    alice: User
    ben: User
    cleo: User
    acme: Organization
    borealis: Organization


@dataclass(frozen=True, slots=True)
class Connected:
    """A client that went the whole way."""

    client: Client
    connection: Connection
    family: TokenFamily
    access_token: str
    refresh_token: str


@pytest.fixture
def world(db: None) -> World:
    """Three people, two organizations."""
    alice = UserFactory(email="alice@acme.example", name="Alice Archer")
    ben = UserFactory(email="ben@acme.example", name="Ben Baker")
    cleo = UserFactory(email="cleo@borealis.example", name="Cleo Carter")
    acme = OrganizationFactory(name="Acme", slug="acme")
    borealis = OrganizationFactory(name="Borealis", slug="borealis")
    MembershipFactory(user=alice, organization=acme, role=Role.OWNER)
    MembershipFactory(user=alice, organization=borealis, role=Role.MEMBER)
    MembershipFactory(user=ben, organization=acme, role=Role.MEMBER)
    MembershipFactory(user=cleo, organization=borealis, role=Role.OWNER)
    return World(alice, ben, cleo, acme, borealis)


@pytest.fixture
def origin() -> Origin:
    """Where the tests' own steps come from."""
    return Origin(reference=new_reference(), ip="192.0.2.1", user_agent="tests")


@pytest.fixture
def client_row(db: None, origin: Origin) -> Client:
    """A registered public client."""
    metadata = parse_client_metadata({"client_name": "Test client", "redirect_uris": [CALLBACK]})
    return register_client(metadata, origin=origin)


@pytest.fixture
def connect(world: World, client_row: Client, origin: Origin) -> Callable[..., Connected]:
    """Connect a person's client to an organization, by consent and code."""

    def connect(
        user: User,
        organization: Organization,
        scopes: tuple[str, ...] = ("read",),
        *,
        client: Client | None = None,
    ) -> Connected:
        used = client or client_row
        membership = Membership.objects.select_related("organization").get(
            user=user, organization=organization
        )
        consent = Consent(build_request(used, scopes), membership, scopes, new_reference())
        code = grant_consent(consent, origin=origin)
        with transaction.atomic():
            issued = redeem_code(CodeRedemption(code, used, "", VERIFIER, ()), origin=origin)
        family = TokenFamily.objects.select_related("connection").get(id=issued.family_id)
        return Connected(used, family.connection, family, issued.access_token, issued.refresh_token)

    return connect


@pytest.fixture
def mint(world: World, origin: Origin) -> Callable[..., str]:
    """A personal access token of a person for an organization."""

    def mint(user: User, organization: Organization, *scopes: str) -> str:
        membership = Membership.objects.get(user=user, organization=organization)
        return mint_personal_token(
            membership,
            label="Script",
            scopes=scopes or ("read",),
            days=30,
            nonce=new_reference(),
            origin=origin,
        )

    return mint


@pytest.fixture
def oauth(world: World) -> OAuthClient:
    """A client and a browser that walk the way of a real one, over HTTP."""
    return OAuthClient()


@pytest.fixture
def sign_in() -> Callable[[User], Browser]:
    """A browser in which this person is signed in."""

    def sign_in(user: User) -> Browser:
        browser = Browser(raise_request_exception=False)
        browser.force_login(user)
        # What allauth keeps of a sign-in by password, for pages that want a recent one.
        session = browser.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
        return browser

    return sign_in


@pytest.fixture
def log(db: None) -> Callable[[], ActivityQuerySet]:
    """The rows written since the test began, newest first."""
    with database.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM activity_event")
        start: int = cursor.fetchone()[0]
    return lambda: ActivityEvent.objects.filter(id__gt=start)


@pytest.fixture(autouse=True)
def _no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test looks up a name outside; those that fetch bring an internet of their own."""
    nowhere = replace(document_fetch.network, resolve=lambda host, port: [])
    monkeypatch.setattr(document_fetch, "network", nowhere)


@pytest.fixture(autouse=True)
def _quiet_sources(request: pytest.FixtureRequest) -> None:
    """Each test starts with an unused allowance of refusals."""
    if "db" in request.fixturenames or "transactional_db" in request.fixturenames:
        request.getfixturevalue(
            "transactional_db" if "transactional_db" in request.fixturenames else "db"
        )
        with database.cursor() as cursor:
            cursor.execute("DELETE FROM activity_noise")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests have measured."""
    if lines := reported():
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
