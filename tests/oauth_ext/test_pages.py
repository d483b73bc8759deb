"""The settings pages: what a person sees of their own, and nothing of anybody else's."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from accounts.models import Membership, User
from activity.events import Event, Outcome
from activity.models import ActivityEvent
from activity.origin import Origin
from activity.recorder import record_event
from activity.references import new_reference
from oauth_ext.models import Client, Connection
from tests.conftest import Connected, World
from tests.oauth_client import CALLBACK, OAuthClient
from tests.oauth_ext.conftest import page_refusal_of, photograph

pytestmark = pytest.mark.django_db

PAGE = "/settings/ai-access"
LOG = "/settings/activity"


@pytest.fixture
def browse(sign_in: Callable[[User], Browser]) -> Callable[[User], Browser]:
    """A browser of this person that asks for pages."""

    def browse(user: User) -> Browser:
        browser = sign_in(user)
        browser.defaults["HTTP_ACCEPT"] = "text/html"
        return browser

    return browse


def disconnect_url(connected: Connected) -> str:
    """Where this connection is cut."""
    return f"{PAGE}/connections/{connected.connection.id}/disconnect"


def test_everybody_sees_their_own_connections(
    browse: Any, connect: Callable[..., Connected], world: World
) -> None:
    connect(world.alice, world.acme, ("read", "draft"))
    connect(world.alice, world.borealis)
    connect(world.ben, world.acme)
    page = browse(world.alice).get(PAGE)
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    source = page.content.decode()
    assert source.count("/disconnect") == 2
    for part in ("Test client", "client.example", "Acme", "Borealis", "Read, draft", "not used"):
        assert part in source
    assert browse(world.ben).get(PAGE).content.decode().count("/disconnect") == 1
    assert "Nothing is connected yet" in browse(world.cleo).get(PAGE).content.decode()


def test_the_address_to_paste_and_the_guides_are_the_real_ones(browse: Any, world: World) -> None:
    source = browse(world.cleo).get(PAGE).content.decode()
    assert "http://127.0.0.1:8000/mcp" in source
    assert "claude mcp add --transport http docjacket http://127.0.0.1:8000/mcp" in source


@pytest.mark.case(262)
def test_disconnecting_asks_then_cuts_and_says_so(
    browse: Any, oauth: OAuthClient, alice_acme: Connected, world: World, log
) -> None:
    browser = browse(world.alice)
    url = disconnect_url(alice_acme)
    before = photograph()
    asked = browser.get(url)
    assert "Disconnect “<bdi>Test client</bdi>” from" in asked.content.decode()
    assert photograph() == before
    assert oauth.call(alice_acme.access_token).status_code == 200
    done = browser.post(url)
    assert done["Location"] == PAGE
    refused = oauth.call(alice_acme.access_token)
    assert refused.status_code == 401
    assert "Application has been disconnected" in refused["WWW-Authenticate"]
    assert oauth.refresh(alice_acme.refresh_token).json()["error"] == "invalid_grant"
    shown = browser.get(PAGE).content.decode()
    assert "Test client is disconnected from Acme" in shown
    assert url not in shown
    row = log().get(event="oauth.connection.revoked")
    assert (row.reason, row.reference) == ("disconnected_by_user", done["Reference-Id"])
    assert row.details == {"by_user": str(world.alice.id)}
    for method in (browser.get, browser.post):
        page_refusal_of(method(url), "not_found", 404)


@pytest.mark.case(312)
def test_somebody_elses_connection_is_as_good_as_none(
    browse: Any, oauth: OAuthClient, connect: Callable[..., Connected], world: World
) -> None:
    bens = connect(world.ben, world.acme)
    oauth.client_id = bens.client.client_id
    before = photograph()
    for person in (world.alice, world.cleo):
        for method in (browse(person).get, browse(person).post):
            foreign = method(disconnect_url(bens))
            absent = method(f"{PAGE}/connections/00000000-0000-0000-0000-000000000000/disconnect")
            page_refusal_of(foreign, "not_found", 404)
            bodies = [p.content.decode().replace(p["Reference-Id"], "") for p in (foreign, absent)]
            assert bodies[0] == bodies[1]
    assert photograph() == before
    assert oauth.call(bens.access_token).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        PAGE,
        LOG,
        f"{PAGE}/connections/00000000-0000-0000-0000-000000000000/disconnect",
        f"{PAGE}/connections/00000000-0000-0000-0000-000000000000/pause",
        f"{PAGE}/connections/00000000-0000-0000-0000-000000000000/label",
        f"{PAGE}/tokens/00000000-0000-0000-0000-000000000000/revoke",
        "/accounts/password/change",
    ],
)
def test_pages_of_a_person_need_a_sign_in(db: None, path: str) -> None:
    answer = Browser(headers={"Accept": "text/html"}).get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"/accounts/login?next={path}")


def test_disconnecting_needs_its_csrf_token(alice_acme: Connected, world: World) -> None:
    browser = Browser(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    browser.force_login(world.alice)
    before = photograph()
    page_refusal_of(browser.post(disconnect_url(alice_acme)), "csrf", 403)
    assert photograph() == before


# --- pausing, resuming, labelling ---------------------------------------------------------------


def control_url(connected: Connected, what: str) -> str:
    """Where this connection is paused, resumed or labelled."""
    return f"{PAGE}/connections/{connected.connection.id}/{what}"


@pytest.mark.case(262)
def test_pausing_and_resuming_on_the_page_count_at_the_next_call_and_say_so(
    browse: Any, oauth: OAuthClient, alice_acme: Connected, world: World, log: Any
) -> None:
    browser = browse(world.alice)
    assert oauth.call(alice_acme.access_token).status_code == 200
    page = browser.get(PAGE).content.decode()
    assert control_url(alice_acme, "pause") in page
    assert control_url(alice_acme, "resume") not in page
    done = browser.post(control_url(alice_acme, "pause"), follow=True)
    page = done.content.decode()
    assert "Test client is paused in Acme" in page
    assert control_url(alice_acme, "resume") in page
    assert control_url(alice_acme, "pause") not in page
    assert oauth.call(alice_acme.access_token).status_code == 403
    row = log().get(event="oauth.connection.paused")
    assert row.connection_id == alice_acme.connection.id
    assert row.details == {"by_user": str(world.alice.id)}
    done = browser.post(control_url(alice_acme, "resume"), follow=True)
    assert "may act for you in Acme again" in done.content.decode()
    assert oauth.call(alice_acme.access_token).status_code == 200
    assert log().get(event="oauth.connection.resumed").details == {"by_user": str(world.alice.id)}


def test_a_label_is_given_shown_and_taken_away(
    browse: Any, alice_acme: Connected, world: World, log: Any
) -> None:
    browser, url = browse(world.alice), control_url(alice_acme, "label")
    page = browser.post(url, {"label": "  <b>Laptop</b> "}, follow=True).content.decode()
    assert "The label was changed." in page
    assert "&lt;b&gt;Laptop&lt;/b&gt;" in page and "<b>Laptop" not in page
    assert "Calls itself" in page
    row = log().get(event="oauth.connection.renamed")
    assert row.details["label"] == "<b>Laptop</b>"
    browser.post(url, {"label": "<b>Laptop</b>"})
    assert log().filter(event="oauth.connection.renamed").count() == 1
    for wrong, problem in (("x" * 101, "at most 100 characters"), ("a\nb", "one line")):
        answer = browser.post(url, {"label": wrong})
        assert answer.status_code == 422
        assert problem in answer.content.decode()
    alice_acme.connection.refresh_from_db()
    assert alice_acme.connection.label == "<b>Laptop</b>"
    browser.post(url)
    alice_acme.connection.refresh_from_db()
    assert alice_acme.connection.label == ""


@pytest.mark.case(312)
@pytest.mark.parametrize("what", ["pause", "resume", "label"])
def test_what_is_somebody_elses_is_neither_paused_nor_resumed_nor_labelled(
    browse: Any, connect: Callable[..., Connected], world: World, what: str
) -> None:
    bens, own = connect(world.ben, world.acme), connect(world.alice, world.acme)
    Connection.objects.update(paused_at="2026-01-01T00:00:00Z" if what == "resume" else None)
    before = photograph()
    for person in (world.alice, world.cleo):
        browser = browse(person)
        foreign = browser.post(control_url(bens, what), {"label": "mine"})
        absent = browser.post(f"{PAGE}/connections/{world.acme.id}/{what}", {"label": "mine"})
        page_refusal_of(foreign, "not_found", 404)
        bodies = [p.content.decode().replace(p["Reference-Id"], "") for p in (foreign, absent)]
        assert bodies[0] == bodies[1]
    assert photograph() == before
    alice = browse(world.alice)
    assert alice.get(control_url(own, what))["Location"] == PAGE
    assert photograph() == before
    assert alice.post(control_url(own, what), {"label": "mine"})["Location"] == PAGE
    assert photograph() != before


@pytest.mark.parametrize("what", ["pause", "resume", "label"])
def test_pausing_needs_its_csrf_token(alice_acme: Connected, world: World, what: str) -> None:
    browser = Browser(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    browser.force_login(world.alice)
    before = photograph()
    page_refusal_of(browser.post(control_url(alice_acme, what), {"label": "x"}), "csrf", 403)
    assert photograph() == before


# --- the activity page ------------------------------------------------------------------------


@pytest.mark.case(315)
def test_the_log_shows_own_rows_and_the_organizations_to_its_administrators_only(
    browse: Any, connect: Callable[..., Connected], world: World
) -> None:
    connect(world.alice, world.acme)
    connect(world.ben, world.acme)
    connect(world.cleo, world.borealis)

    def people_in(person: User, log: str) -> set[str]:
        page = browse(person).get(LOG, {"log": log})
        assert page.status_code == 200
        return {entry.user_email for entry in page.context["events"]}

    acme, borealis = str(world.acme.id), str(world.borealis.id)
    assert people_in(world.alice, "me") == {"alice@acme.example"}
    assert people_in(world.alice, acme) == {"alice@acme.example", "ben@acme.example"}
    # Neither a member nor a stranger sees more than their own.
    assert people_in(world.alice, borealis) == {"alice@acme.example"}
    assert people_in(world.ben, acme) == {"ben@acme.example"}
    assert people_in(world.cleo, acme) == {"cleo@borealis.example"}
    assert people_in(world.cleo, borealis) == {"cleo@borealis.example"}
    for forged in ("", "all", "' OR 1=1", acme.upper(), acme.replace("-", "")):
        assert people_in(world.ben, forged) == {"ben@acme.example"}
    offered = browse(world.alice).get(LOG).context["organizations"]
    assert [organization.name for organization in offered] == ["Acme"]
    assert browse(world.ben).get(LOG).context["organizations"] == []


@pytest.mark.parametrize(("role", "sees"), [("owner", True), ("admin", True), ("member", False)])
def test_the_role_of_this_moment_decides(
    browse: Any, connect: Callable[..., Connected], world: World, role: str, sees: bool
) -> None:
    connect(world.alice, world.acme)
    Membership.objects.filter(user=world.ben).update(role=role)
    page = browse(world.ben).get(LOG, {"log": str(world.acme.id)})
    assert ("alice@acme.example" in {e.user_email for e in page.context["events"]}) is sees


def test_a_reference_is_found_however_it_is_typed(
    browse: Any, oauth: OAuthClient, alice_acme: Connected, world: World
) -> None:
    Connection.objects.update(paused_at="2026-01-01T00:00:00Z")
    reference = oauth.call(alice_acme.access_token)["Reference-Id"]
    typed = [reference, reference.lower(), f" {reference[:5]}-{reference[5:]} "]
    typed += [reference.replace("0", "O").replace("1", "l")]
    for text in typed:
        (entry,) = browse(world.alice).get(LOG, {"q": text}).context["events"]
        assert (entry.reference, entry.reason) == (reference, "connection_paused")
    for text in ("nonsense", "U" * 13, "0" * 13, "\x00", "%", reference[:-1]):
        assert browse(world.alice).get(LOG, {"q": text}).context["events"] == []
    # Nobody finds another person's by its reference.
    assert browse(world.cleo).get(LOG, {"q": reference}).context["events"] == []


def test_the_outcome_filters(
    browse: Any, oauth: OAuthClient, alice_acme: Connected, world: World
) -> None:
    oauth.call(alice_acme.access_token)
    Connection.objects.update(paused_at="2026-01-01T00:00:00Z")
    oauth.call(alice_acme.access_token)
    browser = browse(world.alice)

    def outcomes(outcome: str) -> set[str]:
        return {e.outcome for e in browser.get(LOG, {"outcome": outcome}).context["events"]}

    assert outcomes("refused") == {"refused"}
    assert outcomes("succeeded") == {"succeeded"}
    assert outcomes("failed") == set()
    assert outcomes("") == outcomes("nonsense") == {"refused", "succeeded"}


def test_fifty_rows_a_page_and_every_row_on_one_page(browse: Any, world: World) -> None:
    for number in range(120):
        record_event(
            Event.SIGNED_IN, origin=Origin(new_reference()), user_id=world.ben.id, tool=str(number)
        )
    browser = browse(world.ben)
    url, seen, sizes = "", [], []
    while url is not None:
        page = browser.get(LOG + url)
        sizes.append(len(page.context["events"]))
        seen += [entry.id for entry in page.context["events"]]
        url = page.context["older_url"]
    expected = ActivityEvent.objects.of_user(world.ben.id).values_list("id", flat=True)
    assert seen == list(expected)
    assert sizes[:2] == [50, 50] and len(sizes) == 3


@pytest.mark.parametrize("before", ["", "x", "-1", "0", "9" * 18, "9" * 19, "1e3", "٣"])
def test_a_page_number_that_is_none_is_as_if_left_out(
    browse: Any, alice_acme: Connected, world: World, before: str
) -> None:
    assert browse(world.alice).get(LOG, {"before": before}).status_code == 200


def test_filters_survive_turning_the_page(browse: Any, world: World) -> None:
    for _ in range(60):
        record_event(
            Event.SIGNED_IN,
            origin=Origin(new_reference()),
            outcome=Outcome.REFUSED,
            user_id=world.alice.id,
            organization_id=world.acme.id,
        )
    page = browse(world.alice).get(LOG, {"log": str(world.acme.id), "outcome": "refused"})
    older = browse(world.alice).get(LOG + page.context["older_url"])
    assert (older.context["selected"], older.context["outcome"]) == (str(world.acme.id), "refused")
    assert len(older.context["events"]) == 10


def test_markup_in_the_log_is_text(browse: Any, world: World) -> None:
    record_event(
        Event.TOOL_CALLED,
        origin=Origin(new_reference(), user_agent="<script>alert(1)</script>"),
        user_id=world.alice.id,
        client_id="<script>alert(2)</script>",
        tool="<script>alert(3)</script>",
        reason="<script>alert(4)</script>",
        details={"<script>": "<script>alert(5)</script>"},
    )
    assert "<script" not in browse(world.alice).get(LOG).content.decode().lower()


# --- error pages ------------------------------------------------------------------------------


@pytest.mark.parametrize("signed_in", [True, False])
def test_every_error_page_carries_a_reference_that_leads_to_its_row(
    browse: Any, world: World, signed_in: bool
) -> None:
    browser = browse(world.alice) if signed_in else Browser(headers={"Accept": "text/html"})
    strict = Browser(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    if signed_in:
        strict.force_login(world.alice)
    rows = [
        page_refusal_of(browser.get("/no/such/page"), "not_found", 404),
        page_refusal_of(strict.post("/settings/ai-access/tokens"), "csrf", 403),
    ]
    for row in rows:
        assert row.user_id == (world.alice.id if signed_in else None)
        assert row.details["path"]


def test_a_request_that_cannot_be_read_is_a_page_with_a_reference(db: None) -> None:
    browser = Browser(headers={"Accept": "text/html"}, raise_request_exception=False)
    many = "&".join(f"a{number}=1" for number in range(2000))
    answer = browser.post("/accounts/login", many, content_type="application/x-www-form-urlencoded")
    page_refusal_of(answer, "bad_request")


@pytest.mark.case(373)
def test_programs_get_the_same_as_json(oauth: OAuthClient) -> None:
    answer = oauth.http.get("/no/such/page")
    assert answer.status_code == 404
    assert answer.json()["reference"] == answer["Reference-Id"]


def test_every_host_that_may_get_the_answer_is_on_the_card(
    browse: Any, alice_acme: Connected, world: World
) -> None:
    uris = f"{CALLBACK} https://other.example/one https://other.example/two"
    Client.objects.update(redirect_uris=uris)
    source = browse(world.alice).get(PAGE).content.decode()
    assert "<bdi>client.example</bdi>, <bdi>other.example</bdi></span>" in source


def test_words_of_sign_in_and_of_a_lost_page(browse: Any, db: None) -> None:
    stranger = Browser(headers={"Accept": "text/html"})
    page = stranger.post("/accounts/login", {"login": "x@acme.example", "password": "wrong"})
    assert "E-mail address or password is wrong." in page.content.decode()
    for path in ("/accounts/login", "/accounts/password/reset"):
        assert ">E-mail address</label>" in stranger.get(path).content.decode()
    lost = stranger.get("/nothing/here").content.decode()
    assert "from the start page" in lost and "Go to the start page" in lost


def test_the_settings_page_points_to_its_own_tokens(browse: Any, world: World) -> None:
    assert "personal access token below" in browse(world.alice).get(PAGE).content.decode()
    assert "personal access token under AI access" in browse(world.alice).get("/").content.decode()
