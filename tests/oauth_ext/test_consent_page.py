"""What the consent page says: truthfully, and without letting a client speak for us."""

import re
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Role
from activity.origin import Origin
from oauth_ext.models import Client, Connection
from tests.conftest import World
from tests.factories import MembershipFactory, OrganizationFactory
from tests.oauth_client import OAuthClient, find_way_back, read_redirect
from tests.oauth_ext.confidential import make_confidential

pytestmark = pytest.mark.django_db

CURSOR = "cursor://anysphere.cursor-mcp/oauth/callback"


@pytest.fixture
def show(oauth: OAuthClient, world: World) -> Any:
    """Register a client and show its consent page to Alice."""

    def show(redirect_uri: str = "https://client.example/callback", **metadata: Any) -> Any:
        assert oauth.register(redirect_uris=[redirect_uri], **metadata).status_code == 201
        oauth.sign_in(world.alice)
        return oauth.open_consent(redirect_uri=redirect_uri, scope="read draft actions")

    return show


def text_of(page: Any) -> str:
    """What is read on the page, without markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.content.decode()).split())


@pytest.mark.parametrize("has_secret", [True, False])
def test_only_a_client_of_the_operator_s_without_a_secret_can_be_any_program(
    oauth: OAuthClient, world: World, origin: Origin, has_secret: bool
) -> None:
    client, _ = make_confidential(origin)
    kind = Client.CLIENT_CONFIDENTIAL if has_secret else Client.CLIENT_PUBLIC
    uri = "http://127.0.0.1/callback"
    Client.objects.update(redirect_uris=uri, client_type=kind)
    oauth.client_id = client.client_id
    oauth.sign_in(world.alice)
    text = text_of(oauth.open_consent(redirect_uri=uri))
    assert "Added by the operator" in text
    assert ("can say that it is this application" in text) is not has_secret


@pytest.mark.case(107, 115, 120)
def test_page_names_client_host_person_organizations_and_tiers(show: Any) -> None:
    page = show(client_name="Report writer")
    text = text_of(page)
    for part in (
        "“ Report writer ”",
        "Not verified",
        "client.example",
        "https://client.example/callback",
        "alice@acme.example",
        "Acme",
        "Borealis",
        "Read",
        "Draft",
        "Actions",
        "http://127.0.0.1:8000/mcp",
        "Cancel",
        "Allow",
        page["Reference-Id"],
    ):
        assert part in text
    assert "A program on this computer" not in text


@pytest.mark.case(42, 107)
def test_a_famous_name_is_still_only_a_claim(show: Any) -> None:
    for name in ("Claude", "DocJacket", "ChatGPT"):
        text = text_of(show(client_name=name))
        assert "Not verified" in text and "client.example" in text
        assert "confirms that this application" not in text


@pytest.mark.case(105)
@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ user.password }}{% debug %}",
        "</bdi></h1><h1>DocJacket",
        "&lt;b&gt;",
    ],
)
def test_a_name_is_inert_text(show: Any, name: str) -> None:
    page = show(client_name=name)
    source = page.content.decode()
    assert name not in source or "<" not in name
    assert "<script" not in source and "<img src=x" not in source
    assert "argon2" not in source
    assert page.context["client_name"] == name


@pytest.mark.case(106)
def test_a_long_name_is_cut_and_isolated(show: Any) -> None:
    source = show(client_name="n" * 120).content.decode()
    assert "n" * 61 not in source
    assert re.search(r"<bdi[^>]*>n{50,60}", source)


@pytest.mark.case(108)
@pytest.mark.parametrize(
    ("redirect_uri", "host"),
    [
        ("http://localhost:3118/callback", "localhost"),
        ("http://127.0.0.1:33418/", "127.0.0.1"),
        ("http://[::1]:8080/cb", "::1"),
    ],
)
def test_a_loopback_client_is_announced_as_a_program_on_this_computer(
    show: Any, redirect_uri: str, host: str
) -> None:
    page = show(redirect_uri, client_name="Claude Code")
    assert page.context["redirect_host"] == host
    assert "A program on this computer will get access." in text_of(page)


def test_a_private_use_redirect_is_announced_and_answered(
    show: Any, oauth: OAuthClient, world: World
) -> None:
    page = show(CURSOR, client_name="Cursor")
    assert "A program on this device will get access:" in text_of(page)
    assert "cursor:" in text_of(page)
    answer = oauth.decide(page, world.acme)
    assert find_way_back(answer).startswith(f"{CURSOR}?code=")
    tokens = oauth.exchange(read_redirect(answer)["code"], redirect_uri=CURSOR)
    assert tokens.status_code == 200


@pytest.mark.case(111)
def test_an_international_host_is_shown_as_it_is_resolved(show: Any) -> None:
    assert "xn--bcher-kva.example" in text_of(show("https://xn--bcher-kva.example/cb"))


def test_with_several_organizations_none_is_preselected(show: Any) -> None:
    page = show()
    assert [entry["selected"] for entry in page.context["organizations"]] == [False, False]


def test_with_one_organization_it_is_the_one(oauth: OAuthClient, world: World) -> None:
    oauth.register()
    oauth.sign_in(world.ben)
    (entry,) = oauth.open_consent().context["organizations"]
    assert (entry["name"], entry["selected"]) == ("Acme", True)


@pytest.mark.case(100)
def test_suspended_and_foreign_organizations_are_not_offered(
    show: Any, world: World, oauth: OAuthClient
) -> None:
    suspended = OrganizationFactory(name="Suspended", is_active=False)
    MembershipFactory(user=world.alice, organization=suspended, role=Role.OWNER)
    OrganizationFactory(name="Foreign")
    text = text_of(show())
    assert "Suspended" not in text and "Foreign" not in text


@pytest.mark.case(120)
def test_the_tier_with_effects_is_not_ticked_for_a_new_client(
    show: Any, oauth: OAuthClient, world: World
) -> None:
    page = show()
    assert [(tier["name"], tier["checked"]) for tier in page.context["scopes"]] == [
        ("read", True),
        ("draft", True),
        ("actions", False),
    ]
    oauth.decide(page, world.acme, scopes=("read",))
    again = oauth.open_consent(scope="read actions")
    assert [tier["checked"] for tier in again.context["scopes"]] == [True, False]
    oauth.decide(again, world.acme, scopes=("read", "actions"))
    # What was ticked before is ticked again; the connected organization is chosen already.
    third = oauth.open_consent(scope="read actions")
    assert [tier["checked"] for tier in third.context["scopes"]] == [True, True]
    chosen = {
        row["name"]: (row["selected"], row["allowed"]) for row in third.context["organizations"]
    }
    assert chosen == {"Acme": (True, ["Read", "Actions"]), "Borealis": (False, [])}


@pytest.mark.case(110)
def test_no_picture_of_a_client_is_loaded(show: Any) -> None:
    source = show(logo_uri="https://tracker.example/logo.png").content.decode()
    assert "tracker.example" not in source
    assert Client.objects.get().metadata["logo_uri"] == "https://tracker.example/logo.png"


@pytest.mark.case(106)
def test_a_name_cannot_reorder_or_flood_the_page(show: Any) -> None:
    page = show(client_name="Nice\u202e\u2066\u200b\u2069 n" + "\u0301" * 200 + "ame")
    assert page.context["client_name"] == "Nice \u0144\u0301\u0301\u0301ame"
    assert '<bdi class="claim">' in page.content.decode()


@pytest.mark.case(120)
def test_what_was_asked_for_and_does_not_exist_is_named_and_not_given(
    oauth: OAuthClient, world: World
) -> None:
    oauth.register()
    oauth.sign_in(world.ben)
    asked = "read openid <b>x</b> " + "y" * 200 + " d e f openid"
    page = oauth.open_consent(scope=asked)
    text = text_of(page)
    assert "It also asked for things that do not exist here" in text
    for part in ("openid", "&lt;b&gt;x&lt;/b&gt;", "y" * 30, "and 1 more"):
        assert part in text
    assert "y" * 41 not in page.content.decode().partition("They are not granted")[2]
    answer = read_redirect(oauth.decide(page, world.acme))
    assert oauth.exchange(answer["code"]).json()["scope"] == "read"
    assert "do not exist here" not in text_of(oauth.open_consent(scope="read"))


@pytest.mark.case(262)
def test_allowing_a_paused_application_again_does_not_resume_it_and_the_page_says_so(
    oauth: OAuthClient, world: World
) -> None:
    def connect() -> Any:
        return oauth.exchange(oauth.obtain_code(world.alice, world.acme)).json()["access_token"]

    oauth.register()
    before = connect()
    assert "is paused in" not in text_of(oauth.open_consent())
    Connection.objects.update(paused_at=timezone.now())
    page = text_of(oauth.open_consent())
    assert "It is paused in Acme . Allowing it again does not resume it" in page
    for token in (before, connect()):
        assert oauth.call(token).status_code == 403
    assert Connection.objects.get().paused_at is not None
    # Somebody else's pause is none of theirs.
    oauth.sign_in(world.ben)
    assert "is paused in" not in text_of(oauth.open_consent())
