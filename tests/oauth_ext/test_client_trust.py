"""The consent page says who vouches for a client, and no more than that."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from oauth_ext.client_trust import find_link_host
from oauth_ext.models import Client, Connection
from tests.conftest import World
from tests.oauth_client import OAuthClient, read_redirect

pytestmark = pytest.mark.django_db

DOCUMENT = "https://vendor.example/client.json"
AT_HOME = "https://vendor.example/callback"
AT_HOME_TOO = "https://vendor.example:443/callback"
# The same machine perhaps, but not the same owner for certain.
NEXT_DOOR = "https://vendor.example:8443/callback"
ELSEWHERE = "https://answers.example/callback"
LOOPBACK = "http://localhost/callback"
CURSOR = "cursor://anysphere.cursor-mcp/oauth/callback"
Source = Client.RegistrationSource


def text_of(page: Any) -> str:
    """What is read on the page, without markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.content.decode()).split())


@pytest.fixture
def show(oauth: OAuthClient, world: World) -> Callable[..., Any]:
    """The consent page of a client from this source with this redirect URI, shown to Alice."""

    def show(
        source: str,
        redirect_uri: str,
        name: str = "Report writer",
        *,
        client_id: str = "",
        **more: Any,
    ) -> Any:
        client = Client.objects.create(
            client_id=client_id or (DOCUMENT if source == Source.CIMD else f"c{name}{source}"),
            client_type=Client.CLIENT_PUBLIC,
            authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
            registration_source=source,
            name=name,
            redirect_uris=" ".join(more.pop("redirect_uris", [redirect_uri])),
            metadata=more,
            # A fresh copy of its document, so that nothing is fetched.
            cimd_expires_at=timezone.now() + timedelta(hours=1),
        )
        oauth.client_id = client.client_id
        oauth.sign_in(world.alice)
        page = oauth.open_consent(redirect_uri=redirect_uri)
        assert page.status_code == 200, page.content
        return page

    return show


@pytest.mark.case(107)
@pytest.mark.parametrize(
    ("source", "redirect_uri", "trust", "said", "not_said"),
    [
        (Source.CIMD, AT_HOME, "verified", "Verified vendor.example confirms", "Not verified"),
        (Source.CIMD, AT_HOME_TOO, "verified", "Verified vendor.example confirms", "Not verified"),
        (Source.CIMD, NEXT_DOOR, "described", "described at vendor.example", "Verified"),
        (Source.CIMD, ELSEWHERE, "described", "described at vendor.example", "Verified"),
        (Source.CIMD, LOOPBACK, "described", "Any program on this computer", "Verified"),
        (Source.CIMD, CURSOR, "described", "Any program on this device", "Verified"),
        (Source.DCR, AT_HOME, "unverified", "Anybody can choose this name", "Verified"),
        (Source.DCR, LOOPBACK, "unverified", "Anybody can choose this name", "Verified"),
        (Source.MANUAL, AT_HOME, "registered", "operator of DocJacket", "any program"),
        (Source.MANUAL, LOOPBACK, "registered", "But any program on this computer", "Verified"),
    ],
)
def test_the_page_says_who_vouches_for_the_client(
    show: Callable[..., Any],
    source: str,
    redirect_uri: str,
    trust: str,
    said: str,
    not_said: str,
) -> None:
    page = show(source, redirect_uri)
    assert page.context["trust"] == trust
    text = text_of(page)
    assert said in text and not_said not in text


@pytest.mark.case(108)
def test_a_document_on_localhost_vouches_for_nothing_on_localhost(
    show: Callable[..., Any], settings: Any
) -> None:
    settings.CIMD_ALLOW_LOOPBACK = True
    page = show(Source.CIMD, LOOPBACK, client_id="https://localhost/client.json")
    assert page.context["trust"] == "described"


@pytest.mark.case(107)
def test_a_client_of_two_addresses_shows_both(show: Callable[..., Any]) -> None:
    text = text_of(show(Source.CIMD, ELSEWHERE))
    assert "Two addresses" in text and "vendor.example" in text and "answers.example" in text
    assert "Do you know this address?" in text


@pytest.mark.case(107)
def test_another_port_is_another_address(show: Callable[..., Any]) -> None:
    text = text_of(show(Source.CIMD, NEXT_DOOR))
    assert "Two addresses" in text and "vendor.example:8443" in text
    assert "Do you know this address?" in text


@pytest.mark.case(108)
@pytest.mark.parametrize("source", [Source.CIMD, Source.DCR, Source.MANUAL])
@pytest.mark.parametrize("redirect_uri", [LOOPBACK, "http://127.0.0.1:1/cb", "http://[::1]:2/cb"])
def test_a_program_on_this_computer_never_looks_like_a_verified_application(
    show: Callable[..., Any], source: str, redirect_uri: str
) -> None:
    client_id = "https://claude.ai/oauth/client.json" if source == Source.CIMD else ""
    page = show(source, redirect_uri, "Claude", client_id=client_id)
    source_code = page.content.decode()
    assert "A program on this computer will get access." in source_code
    assert "tag-good" not in source_code and "confirms" not in source_code


@pytest.mark.case(107, 108)
def test_a_mixed_set_is_judged_by_the_redirect_in_use(
    show: Callable[..., Any], oauth: OAuthClient
) -> None:
    uris = [LOOPBACK, "https://evil.example/callback"]
    page = show(Source.DCR, LOOPBACK, "Claude", redirect_uris=uris)
    assert page.context["look_alike"] == ""
    page = oauth.open_consent(redirect_uri=uris[1])
    assert page.context["look_alike"] == "Claude"


@pytest.mark.case(42, 107)
@pytest.mark.parametrize(
    ("source", "client_id", "redirect_uri", "name", "imitated"),
    [
        (Source.DCR, "", ELSEWHERE, "CIaude", "Claude"),
        (Source.DCR, "", ELSEWHERE, "DocJacket Support", "DocJacket"),
        (Source.DCR, "", CURSOR, "Claude", "Claude"),
        (Source.CIMD, DOCUMENT, AT_HOME, "Claude", "Claude"),
        (Source.CIMD, DOCUMENT, LOOPBACK, "Claude", "Claude"),
        (Source.CIMD, "https://claude.ai/c.json", ELSEWHERE, "Claude", "Claude"),
        (Source.CIMD, "https://claude.ai/c.json", "https://claude.ai/cb", "Claude", ""),
        (Source.CIMD, "https://claude.ai/c.json", LOOPBACK, "Claude", ""),
        (Source.DCR, "", "https://claude.ai/cb", "Claude", ""),
        (Source.DCR, "", CURSOR, "Cursor", ""),
        (Source.DCR, "", ELSEWHERE, "Report writer", ""),
        (Source.MANUAL, "", ELSEWHERE, "Claude", ""),
    ],
)
def test_a_look_alike_is_met_with_a_strong_warning(
    show: Callable[..., Any],
    source: str,
    client_id: str,
    redirect_uri: str,
    name: str,
    imitated: str,
) -> None:
    page = show(source, redirect_uri, name, client_id=client_id)
    assert page.context["look_alike"] == imitated
    text = text_of(page)
    assert ("This may be an imitation." in text) is bool(imitated)
    assert ("Allow all the same" in text) is bool(imitated)
    if imitated:
        assert f"The name reads like {imitated}" in text
        assert "tag-good" not in page.content.decode()


@pytest.mark.case(107)
def test_a_look_alike_can_still_be_allowed_and_stays_marked(
    show: Callable[..., Any], oauth: OAuthClient, world: World
) -> None:
    page = show(Source.DCR, ELSEWHERE, "Claude")
    assert "code" in read_redirect(oauth.decide(page, world.acme))
    listed = text_of(oauth.browser.get("/settings/ai-access"))
    assert "Name not verified · answers.example" in listed
    assert "Name reads like Claude" in listed
    Client.objects.update(name="Report writer")
    assert "reads like" not in text_of(oauth.browser.get("/settings/ai-access"))


@pytest.mark.parametrize(
    ("source", "uris", "said"),
    [
        (Source.CIMD, [AT_HOME], "Verified · vendor.example"),
        (Source.CIMD, [AT_HOME, LOOPBACK], "Described at vendor.example · vendor.example"),
        (Source.MANUAL, [AT_HOME], "Added by the operator · vendor.example"),
    ],
)
def test_the_settings_page_says_the_same(
    show: Callable[..., Any],
    oauth: OAuthClient,
    world: World,
    source: str,
    uris: list[str],
    said: str,
) -> None:
    oauth.decide(show(source, AT_HOME, redirect_uris=uris), world.acme)
    assert Connection.objects.count() == 1
    assert said in text_of(oauth.browser.get("/settings/ai-access"))


# --- links ------------------------------------------------------------------------------------


@pytest.mark.case(110)
def test_links_are_shown_with_their_host_and_lead_nowhere_else(show: Callable[..., Any]) -> None:
    page = show(
        Source.DCR,
        AT_HOME,
        client_uri="https://vendor.example/about?a=1&b=2",
        policy_uri="https://claude.ai/privacy",
        tos_uri="javascript:alert(1)//https://vendor.example",
        logo_uri="https://tracker.example/logo.png",
    )
    source = page.content.decode()
    (link,) = re.findall(r'<a href="https:[^>]*>[^<]*</a>', source)
    assert link == (
        '<a href="https://vendor.example/about?a=1&amp;b=2" target="_blank" '
        'rel="noopener noreferrer nofollow">vendor.example</a>'
    )
    # Neither somebody else's address nor a picture lends this client its looks.
    assert "claude.ai" not in source and "tracker.example" not in source
    assert "javascript:" not in source


@pytest.mark.case(110)
def test_links_of_a_client_that_an_operator_made_may_lead_anywhere(
    show: Callable[..., Any],
) -> None:
    page = show(Source.MANUAL, AT_HOME, client_uri="https://www.vendor-group.example/")
    assert "www.vendor-group.example" in text_of(page)


@pytest.mark.case(110, 111)
@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://vendor.example/a", "vendor.example"),
        ("https://VENDOR.example:8443/a", "vendor.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://bücher.example/", ""),
        ("http://vendor.example/", ""),
        ("HTTPS://vendor.example/", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//vendor.example/", ""),
        ("https://vendor.example@evil.example/", ""),
        ("https://evil.example\\@vendor.example/", ""),
        ("https://[::1", ""),
        ("https://vendor.example/ x", ""),
        ("https:///x", ""),
        ("", ""),
    ],
)
def test_only_plain_https_links_have_a_host(url: str, host: str) -> None:
    assert find_link_host(url) == host
