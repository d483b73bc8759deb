"""The live server's world: rows that are really committed, each with a name of its own.

Nothing is flushed between tests, so the tests here don't ask for pytest-django's ``db``; they
run after those that do, and every one of them makes its own people and organizations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from django.db import connection as database
from django.db.backends.base.creation import TEST_DATABASE_PREFIX
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import Role, TokenBucket, User
from activity.origin import Origin
from activity.references import new_reference
from oauth_ext.personal_tokens import mint_personal_token
from tests.factories import PASSWORD, MembershipFactory, OrganizationFactory, UserFactory
from tests.live.person import NO_AUTHORITIES, Person
from tests.live.server import LiveServer, serve

# What is refused on purpose comes from one address here, much of it at once.
WIDE = {"HOSTED_ASSISTANT_NETWORKS": "127.0.0.0/8"}
WITH_TOOLS = {**WIDE, "DJANGO_SETTINGS_MODULE": "tests.live.tool_settings"}


@dataclass(frozen=True, slots=True)
class Resident:
    """A person at their browser, with the two organizations they belong to."""

    user: User
    browser: Person
    acme: str
    acme_id: UUID
    borealis: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A person without a browser: their personal access token."""

    user: User
    organization_id: UUID
    token: str


@pytest.fixture(scope="session")
def live_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """pytest-django makes it only if a test with its mark is part of the run."""
    is_made = str(database.settings_dict["NAME"]).startswith(TEST_DATABASE_PREFIX)
    with django_db_blocker.unblock():
        made = [] if is_made else setup_databases(0, False, aliases={database.alias})
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, 0)


@pytest.fixture(scope="package")
def committed(live_database: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test process may read and write the database that the server has, and commits."""
    with django_db_blocker.unblock():
        yield
        database.close()


@pytest.fixture(scope="package")
def server(committed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests of a directory; in the end its log must not show a fault."""
    log = tmp_path_factory.mktemp("live-server") / "gunicorn.log"
    with serve(str(database.settings_dict["NAME"]), log, **WIDE) as server:
        yield server
    assert "Traceback" not in server.read_log(), server.read_log()


@pytest.fixture(scope="package")
def tool_server(committed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with the tools of ``tests.live.tool_app``; none of them may end in a traceback."""
    log = tmp_path_factory.mktemp("tool-server") / "gunicorn.log"
    with serve(str(database.settings_dict["NAME"]), log, **WITH_TOOLS) as server:
        yield server
    assert "Traceback" not in server.read_log(), server.read_log()


@pytest.fixture
def caller(committed: None) -> Caller:
    """Somebody new, with a personal access token for everything."""
    return make_caller()


@pytest.fixture(autouse=True)
def _unused_limits(committed: None) -> None:
    """Each test starts with full buckets and an unused allowance of refusals: all of them come
    from one address and one person.
    """
    TokenBucket.objects.all().delete()
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM activity_noise")


@pytest.fixture
def resident(server: LiveServer) -> Iterator[Resident]:
    """Somebody new: owner of one organization, member of another; not signed in yet."""
    made = make_resident(server)
    with made.browser:
        yield made


@pytest.fixture(scope="package")
def settled(server: LiveServer) -> Iterator[Resident]:
    """One resident for many tests: signs in once, since sign-ins are limited."""
    made = make_resident(server)
    with made.browser:
        yield made


def make_resident(server: LiveServer) -> Resident:
    """Commit a person and two organizations, all with names that nobody else has."""
    unique = uuid4().hex[:8]
    user = UserFactory(email=f"alice-{unique}@acme.example", name="Alice Archer")
    acme = OrganizationFactory(name=f"Acme {unique}", slug=f"acme-{unique}")
    borealis = OrganizationFactory(name=f"Borealis {unique}", slug=f"borealis-{unique}")
    MembershipFactory(user=user, organization=acme, role=Role.OWNER)
    MembershipFactory(user=user, organization=borealis, role=Role.MEMBER)
    trust = server.certificate.trust() if server.certificate else NO_AUTHORITIES
    browser = Person(server.url, user.email, PASSWORD, trust)
    return Resident(user, browser, acme.name, acme.id, borealis.name)


def make_caller() -> Caller:
    """Commit a person with an organization of their own and a token that may do everything."""
    unique = uuid4().hex[:8]
    membership = MembershipFactory(
        user=UserFactory(email=f"caller-{unique}@acme.example"),
        organization=OrganizationFactory(name=f"Acme {unique}", slug=f"acme-{unique}"),
        role=Role.OWNER,
    )
    reference = new_reference()
    token = mint_personal_token(
        membership,
        label="Caller",
        scopes=("read", "draft", "actions"),
        days=30,
        nonce=reference,
        origin=Origin(reference),
    )
    return Caller(membership.user, membership.organization_id, token)
