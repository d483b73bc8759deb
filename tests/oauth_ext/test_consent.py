"""POST /authorize: a decision counts once, for what was shown, to whom it was shown."""

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.db import connection as database
from django.utils import timezone

from accounts.limits import CONSENT_DECISION, CONSENT_PAGE
from accounts.models import Membership, Organization
from activity.models import ActivityEvent
from oauth_ext.consents import SALT
from oauth_ext.models import AuthorizationCode, Client, Connection
from tests.buckets import leave_tokens
from tests.conftest import World
from tests.oauth_client import CALLBACK, OAuthClient, find_input, read_redirect
from tests.oauth_ext.conftest import page_refusal_of, photograph, row_behind

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(oauth: OAuthClient, client_row: Client, world: World) -> OAuthClient:
    """A registered client, and Alice signed in."""
    oauth.client_id = client_row.client_id
    oauth.sign_in(world.alice)
    return oauth


def test_allow_makes_one_connection_and_one_code(ready: OAuthClient, world: World, log) -> None:
    answer = ready.decide(ready.open_consent(scope="read draft"), world.acme)
    assert answer.status_code == 303
    assert "no-store" in answer["Cache-Control"]
    assert set(read_redirect(answer)) == {"code", "state", "iss"}
    connection = Connection.objects.get()
    assert (connection.user_id, connection.organization_id) == (world.alice.id, world.acme.id)
    assert connection.membership.user_id == world.alice.id
    assert connection.scope == "read draft"
    code = AuthorizationCode.objects.get()
    assert (code.connection_id, code.redirect_uri) == (connection.id, CALLBACK)
    rows = list(log())
    assert [row.event for row in rows] == [
        "oauth.code.issued",
        "oauth.consent.granted",
        "oauth.consent.shown",
    ]
    for row in rows[:2]:
        assert row.reference == answer["Reference-Id"]
        assert (row.user_id, row.organization_id) == (world.alice.id, world.acme.id)
        assert row.connection_id == connection.id


@pytest.mark.case(112)
def test_cancel_goes_back_and_leaves_nothing(ready: OAuthClient, world: World, log) -> None:
    page = ready.open_consent()
    before = photograph()
    answer = ready.decide(page, world.acme, decision="deny")
    back = read_redirect(answer)
    assert (back["error"], back["state"]) == ("access_denied", "a-state")
    assert back["iss"] == "http://127.0.0.1:8000"
    assert "code" not in back
    assert photograph() == before
    row = log().with_reference(answer["Reference-Id"]).get()
    assert (row.event, row.outcome, row.reason) == ("oauth.consent.denied", "refused", "cancelled")
    assert row.user_id == world.alice.id


def test_cancel_needs_no_organization(ready: OAuthClient) -> None:
    answer = ready.decide(ready.open_consent(), None, decision="deny")
    assert read_redirect(answer)["error"] == "access_denied"


@pytest.mark.case(97)
def test_a_form_that_is_sent_twice_gets_the_same_code_twice(
    ready: OAuthClient, world: World, log
) -> None:
    page = ready.open_consent(scope="read draft")
    first = ready.decide(page, world.acme)
    before = photograph()
    again = ready.decide(page, world.acme)
    # A browser that sent it twice shows the second answer only.
    assert again["Location"] == first["Location"]
    assert photograph() == before
    rows = log()
    assert rows.filter(event="oauth.consent.granted").count() == 1
    row = rows.get(event="oauth.code.repeated")
    assert (row.reference, row.user_id) == (again["Reference-Id"], world.alice.id)
    tokens = ready.exchange(read_redirect(again)["code"])
    assert tokens.status_code == 200
    assert ready.call(tokens.json()["access_token"]).status_code == 200


@pytest.mark.case(97)
@pytest.mark.parametrize(
    "after", ["another organization", "other scopes", "redeemed", "expired", "disconnected", "key"]
)
def test_a_form_that_is_sent_again_gets_no_second_answer(
    ready: OAuthClient, world: World, after: str, settings: Any
) -> None:
    page = ready.open_consent(scope="read draft")
    code = read_redirect(ready.decide(page, world.acme))["code"]
    organization, scopes, later = world.acme, ("read", "draft"), timedelta()
    if after == "another organization":
        organization = world.borealis
    elif after == "other scopes":
        scopes = ("read",)
    elif after == "redeemed":
        assert ready.exchange(code).status_code == 200
    elif after == "expired":
        later = timedelta(seconds=61)
    elif after == "disconnected":
        Connection.objects.update(revoked_at=timezone.now())
    else:
        settings.TOKEN_PEPPER_FALLBACKS = [settings.TOKEN_PEPPER]
        settings.TOKEN_PEPPER = "another-pepper-another-pepper-another"
    before = photograph()
    with time_machine.travel(timezone.now() + later, tick=False):
        answer = ready.decide(page, organization, scopes=scopes)
    page_refusal_of(answer, "consent_reused")
    assert photograph() == before
    assert ready.decide(ready.open_consent(), world.acme).status_code == 303


@pytest.mark.case(97)
def test_cancel_after_allow_does_not_pretend_to_take_it_back(
    ready: OAuthClient, world: World
) -> None:
    page = ready.open_consent()
    ready.decide(page, world.acme)
    before = photograph()
    answer = ready.decide(page, world.acme, decision="deny")
    page_refusal_of(answer, "consent_reused")
    assert "You allowed this already" in answer.content.decode()
    assert photograph() == before


@pytest.mark.case(97)
def test_nothing_that_is_stored_gives_a_code_away(ready: OAuthClient, world: World) -> None:
    page = ready.open_consent()
    nonce = signing.loads(find_input(page, "digest"), salt=SALT)[0]
    code = read_redirect(ready.decide(page, world.acme))["code"]
    with database.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM oauth_ext_authorizationcode c")
        stored = cursor.fetchone()[0]
        cursor.execute("SELECT coalesce(string_agg(e::text, ''), '') FROM activity_event e")
        stored += cursor.fetchone()[0]
    assert len(nonce) == 64
    assert code not in stored and nonce not in stored and nonce[:32] not in stored


@pytest.mark.case(98)
def test_a_page_counts_for_ten_minutes(ready: OAuthClient, world: World) -> None:
    for age, accepted in ((timedelta(minutes=9, seconds=50), True), (timedelta(minutes=11), False)):
        page = ready.open_consent()
        before = photograph()
        with time_machine.travel(timezone.now() + age, tick=False):
            answer = ready.decide(page, world.acme)
        if accepted:
            assert "code" in read_redirect(answer)
        else:
            page_refusal_of(answer, "consent_digest")
            assert photograph() == before


@pytest.mark.case(102)
def test_a_page_counts_in_its_own_browser_only(ready: OAuthClient, world: World) -> None:
    page = ready.open_consent()
    before = photograph()
    other = OAuthClient(client_id=ready.client_id)
    other.sign_in(world.alice)
    token = find_input(other.open_consent(), "csrfmiddlewaretoken")
    answer = other.decide(page, world.acme, csrfmiddlewaretoken=token)
    page_refusal_of(answer, "consent_changed")
    assert photograph() == before


@pytest.mark.case(92)
def test_a_page_counts_for_its_own_person_only(ready: OAuthClient, world: World) -> None:
    page = ready.open_consent()
    before = photograph()
    ready.sign_in(world.ben)
    token = find_input(ready.open_consent(), "csrfmiddlewaretoken")
    answer = ready.decide(page, world.acme, csrfmiddlewaretoken=token)
    page_refusal_of(answer, "consent_changed")
    assert photograph() == before


@pytest.mark.case(97, 141)
@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "read draft actions"},
        {"state": "another"},
        {"state": None},
        {"code_challenge": "b" * 43},
        {"redirect_uri": "https://client.example/2"},
    ],
)
def test_a_page_counts_for_the_request_it_showed_only(
    ready: OAuthClient, world: World, changes: dict[str, Any]
) -> None:
    Client.objects.update(redirect_uris=f"{CALLBACK} https://client.example/2")
    page = ready.open_consent()
    fields = {
        "digest": find_input(page, "digest"),
        "csrfmiddlewaretoken": find_input(page, "csrfmiddlewaretoken"),
        "organization": str(world.acme.id),
        "decision": "allow",
    }
    before = photograph()
    for decision in ("allow", "deny"):
        answer = ready.browser.post(
            ready.authorization_url(**changes), fields | {"decision": decision}
        )
        page_refusal_of(answer, "consent_changed")
    assert photograph() == before
    assert ready.browser.post(ready.authorization_url(), fields).status_code == 303


def test_a_page_counts_for_the_client_it_showed_only(
    ready: OAuthClient, world: World, other_client: Client
) -> None:
    page = ready.open_consent()
    fields = {
        "digest": find_input(page, "digest"),
        "csrfmiddlewaretoken": find_input(page, "csrfmiddlewaretoken"),
        "organization": str(world.acme.id),
        "decision": "allow",
    }
    url = ready.authorization_url(client_id=other_client.client_id)
    page_refusal_of(ready.browser.post(url, fields), "consent_changed")
    assert not Connection.objects.exists()


def test_a_client_renamed_meanwhile_is_shown_again(ready: OAuthClient, world: World) -> None:
    page = ready.open_consent()
    Client.objects.update(name="Claude")
    page_refusal_of(ready.decide(page, world.acme), "consent_changed")


@pytest.mark.case(74)
def test_the_posted_query_is_checked_like_the_first(ready: OAuthClient, world: World) -> None:
    page = ready.open_consent()
    Client.objects.update(redirect_uris="https://client.example/moved")
    page_refusal_of(ready.decide(page, world.acme), "redirect_mismatch")
    Client.objects.update(redirect_uris=CALLBACK, disabled_at=timezone.now())
    page_refusal_of(ready.decide(page, world.acme), "client_disabled")
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": ""},
        {"digest": "x"},
        {"digest": "x" * 2000},
        {"digest": "WyJhIiwiYiJd:1:x"},
        {"digest": "é\u0000"},
        {"decision": ""},
        {"decision": "maybe"},
        {"scopes": ["everything"]},
    ],
)
def test_a_forged_form_changes_nothing(
    ready: OAuthClient, world: World, changes: dict[str, Any]
) -> None:
    page = ready.open_consent()
    before = photograph()
    answer = ready.decide(page, world.acme, **changes)
    assert answer.status_code == 400
    assert "Location" not in answer
    assert photograph() == before


@pytest.mark.case(100)
@pytest.mark.parametrize("organization_id", ["not-a-uuid", "1", "\x00"])
def test_allowing_needs_an_organization(ready: OAuthClient, organization_id: str) -> None:
    page = ready.open_consent()
    before = photograph()
    answer = ready.decide(page, SimpleNamespace(id=organization_id))
    page_refusal_of(answer, "consent_form")
    assert photograph() == before


@pytest.mark.case(100)
def test_allowing_without_an_organization_asks_again_on_a_page_that_works(
    ready: OAuthClient, world: World
) -> None:
    page = ready.open_consent(scope="read draft actions")
    before = photograph()
    again = ready.decide(page, None, scopes=("actions",))
    assert (again.status_code, "Location" in again) == (422, False)
    assert photograph() == before
    row = row_behind(again)
    assert ("consent_form", "refused") in set(
        ActivityEvent.objects.with_reference(row.reference).values_list("reason", "outcome")
    )
    text = again.content.decode()
    assert "Choose an organization, then press Allow." in text
    assert find_input(again, "digest") != find_input(page, "digest")
    # What the person unticked stays so.
    assert re.search(r'value="draft">', text) and re.search(r'value="actions" checked>', text)
    answer = ready.decide(again, world.acme, scopes=("actions",))
    assert "code" in read_redirect(answer)


@pytest.mark.case(100, 101)
def test_only_an_own_and_active_organization_can_be_chosen(
    ready: OAuthClient, world: World
) -> None:
    ready.sign_in(world.ben)
    page = ready.open_consent()
    before = photograph()
    page_refusal_of(ready.decide(page, world.borealis), "tenancy")
    nowhere = Organization(name="Nowhere")
    page_refusal_of(ready.decide(page, nowhere), "tenancy")
    Organization.objects.filter(id=world.acme.id).update(is_active=False)
    page_refusal_of(ready.decide(page, world.acme), "tenancy")
    Organization.objects.filter(id=world.acme.id).update(is_active=True)
    Membership.objects.filter(user=world.ben).delete()
    page_refusal_of(ready.decide(page, world.acme), "tenancy")
    assert photograph() == before


@pytest.mark.case(97)
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_page_is_not_sent_again_without_end(
    ready: OAuthClient, world: World, log: Any, decision: str
) -> None:
    page = ready.open_consent()
    assert ready.decide(page, world.acme, decision=decision).status_code == 303
    leave_tokens(CONSENT_DECISION, 1)
    assert ready.decide(page, world.acme, decision=decision).status_code == 303
    before, rows = photograph(), log().filter(event__startswith="oauth.").count()
    for _ in range(3):
        limited = ready.decide(page, world.acme, decision=decision)
        row = page_refusal_of(limited, "too_many_attempts", 429)
        assert row.details["policy"] == "consent_decision.user"
        assert limited["Retry-After"] == "1"
    assert photograph() == before
    assert log().filter(event__startswith="oauth.").count() == rows


def test_the_last_page_that_was_shown_can_still_be_decided(
    ready: OAuthClient, world: World
) -> None:
    pages = [ready.open_consent() for _ in range(CONSENT_PAGE.capacity)]
    leave_tokens(CONSENT_PAGE, 0)
    page_refusal_of(ready.open_consent(), "too_many_attempts", 429)
    for page in pages:
        for _ in range(2):
            answer = ready.decide(page, world.acme, decision="deny")
            assert read_redirect(answer)["error"] == "access_denied"
