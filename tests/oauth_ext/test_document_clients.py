"""Clients known by their document, from the link to the refresh; and what is never fetched."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.http import HttpResponse
from django.utils import timezone

from accounts.limits import DOCUMENT_HOST, DOCUMENT_URL, DOCUMENT_USER_AND_HOST, take_token
from accounts.models import TokenBucket
from activity.origin import Origin
from oauth_ext import document_connection, document_fetch, document_slots
from oauth_ext.document_connection import Network
from oauth_ext.metadata import build_authorization_server_metadata
from oauth_ext.models import Client
from oauth_ext.pruning import prune
from tests.buckets import leave_tokens
from tests.conftest import World
from tests.document_host import (
    HOST,
    URL,
    DocumentHost,
    Internet,
    answer,
    build_document,
    serve_documents,
)
from tests.factories import UserFactory
from tests.oauth_client import OAuthClient, read_redirect
from tests.oauth_ext.conftest import page_refusal_of, photograph, refusal_of, row_behind

HOUR = timedelta(hours=1)
CLAUDE_CODE = {
    "client_name": "Claude Code",
    "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
    "token_endpoint_auth_method": "none",
}
VS_CODE = {
    "client_name": "Visual Studio Code",
    "client_uri": "https://code.visualstudio.com",
    "grant_types": [
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    ],
    "redirect_uris": [
        "http://127.0.0.1/",
        "http://127.0.0.1:33418/",
        "http://localhost/",
        "https://vscode.dev/redirect",
    ],
    "application_type": "native",
}
CHATGPT = {
    "client_name": "ChatGPT",
    "redirect_uris": ["https://chatgpt.com/connector/oauth/abc123"],
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
    "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
}


@pytest.fixture
def known(oauth: OAuthClient, world: World, internet: Internet) -> Client:
    """The test document's client, fetched a moment ago; Alice is signed in."""
    oauth.client_id = URL
    oauth.sign_in(world.alice)
    assert oauth.open_consent().status_code == 200
    return Client.objects.get(client_id=URL)


def expire(ago: timedelta) -> None:
    """The copies' time was over so long ago, and nothing of the limits is used."""
    Client.objects.update(cimd_expires_at=timezone.now() - ago)
    TokenBucket.objects.all().delete()


@pytest.mark.parametrize(
    ("shape", "url", "redirect_uri"),
    [
        (CLAUDE_CODE, "https://claude.ai/oauth/claude-code-client-metadata",
         "http://localhost:53682/callback"),
        (VS_CODE, "https://vscode.dev/oauth/client-metadata.json", "http://127.0.0.1:50123/"),
        (CHATGPT, "https://chatgpt.com/oauth/abc123/client.json", CHATGPT["redirect_uris"][0]),
    ],
    ids=["Claude Code", "VS Code", "ChatGPT"],
)  # fmt: skip
def test_a_real_client_goes_the_whole_way(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    document_host: DocumentHost,
    log: Any,
    shape: dict[str, Any],
    url: str,
    redirect_uri: str,
) -> None:
    host = url.split("/")[2]
    document_host.context = document_host.authority.build_server_context(host)
    document_host.behaviour = answer(build_document(url, **shape))
    oauth.client_id = url

    first = oauth.open_consent(redirect_uri=redirect_uri)
    assert first["Location"].startswith("/accounts/login")
    assert internet.lookups == []

    oauth.sign_in(world.alice)
    page = oauth.open_consent(redirect_uri=redirect_uri)
    assert page.status_code == 200
    assert str(shape["client_name"]) in page.content.decode()
    answered = read_redirect(oauth.decide(page, world.acme))
    tokens = oauth.exchange(answered["code"], redirect_uri=redirect_uri).json()
    assert oauth.call(tokens["access_token"]).json()["result"]["isError"] is False
    assert oauth.refresh(tokens["refresh_token"]).status_code == 200
    assert internet.lookups == [(host, 443)]
    registered = log().get(event="oauth.client.registered", client_id=url)
    assert registered.details["source"] == "document"


@pytest.mark.case(61)
def test_a_redirect_uri_must_be_in_the_document(oauth: OAuthClient, known: Client) -> None:
    page = oauth.open_consent(redirect_uri="https://client.example/callback2")
    assert page_refusal_of(page, "redirect_mismatch").client_id == URL


@pytest.mark.case(70)
def test_nothing_is_fetched_for_somebody_who_is_not_signed_in(
    oauth: OAuthClient, world: World, internet: Internet, document_host: DocumentHost
) -> None:
    response = oauth.open_consent(client_id=URL)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login?next=")
    assert (internet.lookups, document_host.connections) == ([], 0)
    assert not Client.objects.exists()
    # After the sign-in the same address is opened again, and then it is fetched.
    oauth.sign_in(world.alice)
    assert oauth.open_consent(client_id=URL).status_code == 200
    assert document_host.connections == 1


def test_a_stranger_is_shown_the_way_to_sign_in_only_if_the_copy_is_outdated(
    oauth: OAuthClient, known: Client, document_host: DocumentHost
) -> None:
    stranger = OAuthClient(client_id=URL)
    refused = stranger.open_consent(redirect_uri="https://client.example/other")
    page_refusal_of(refused, "redirect_mismatch")
    expire(HOUR)
    outdated = stranger.open_consent(redirect_uri="https://client.example/other")
    assert outdated["Location"].startswith("/accounts/login")
    assert document_host.connections == 1


@pytest.mark.case(43, 44, 45)
@pytest.mark.parametrize(
    ("client_id", "reason"),
    [
        ("http://app.client.example/c", "cimd_url"),
        ("https://app.client.example", "cimd_url"),
        ("https://app.client.example/../c", "cimd_url"),
        ("https://user@app.client.example/c", "cimd_url"),
        ("https://app.client.example/" + "c" * 255, "cimd_url"),
        ("https://app.client.example/" + "c" * 4000, "cimd_url"),
        ("https://2130706433/c", "cimd_ip_literal"),
        ("https://[::1]/c", "cimd_ip_literal"),
    ],
)
@pytest.mark.parametrize("signed_in", [False, True])
def test_a_bad_url_is_refused_before_anything_is_looked_up(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    client_id: str,
    reason: str,
    signed_in: bool,
) -> None:
    if signed_in:
        oauth.sign_in(world.alice)
    before = photograph()
    page_refusal_of(oauth.open_consent(client_id=client_id), reason)
    assert internet.lookups == []
    assert photograph() == before


@pytest.mark.case(68)
@pytest.mark.parametrize("host", ["mcp.docjacket.example", "alias.docjacket.example"])
def test_this_server_does_not_fetch_from_itself(
    oauth: OAuthClient, world: World, internet: Internet, settings: Any, host: str
) -> None:
    settings.PUBLIC_URL = "https://mcp.docjacket.example"
    settings.ALLOWED_HOSTS = ["testserver", "mcp.docjacket.example", ".docjacket.example"]
    oauth.sign_in(world.alice)
    page_refusal_of(oauth.open_consent(client_id=f"https://{host}/c"), "cimd_self")
    assert internet.lookups == []


@pytest.mark.parametrize(
    ("allowed", "denied", "reason"),
    [
        ([], [], ""),
        ([".client.example"], [], ""),
        (["client.example"], [], "cimd_host"),
        ([], [HOST], "cimd_host"),
        ([], [".example"], "cimd_host"),
        ([HOST], [".client.example"], "cimd_host"),
    ],
)
def test_an_operator_can_choose_the_hosts(
    oauth: OAuthClient,
    known: Client,
    settings: Any,
    allowed: list[str],
    denied: list[str],
    reason: str,
) -> None:
    settings.CIMD_ALLOWED_HOSTS, settings.CIMD_DENIED_HOSTS = allowed, denied
    page = oauth.open_consent()
    if reason:
        page_refusal_of(page, reason)
    else:
        assert page.status_code == 200


@pytest.mark.case(66)
@pytest.mark.parametrize("source", ["manual", "dcr"])
def test_a_stored_client_wins_over_what_its_url_says(
    oauth: OAuthClient, world: World, internet: Internet, source: str
) -> None:
    Client.objects.create(
        client_id=URL,
        name="Stored by an operator",
        redirect_uris="https://client.example/callback",
        client_type="public",
        authorization_grant_type="authorization-code",
        registration_source=source,
    )
    oauth.sign_in(world.alice)
    before = photograph()
    page = oauth.open_consent(client_id=URL)
    assert "Stored by an operator" in page.content.decode()
    assert photograph() == before
    assert internet.lookups == []


@pytest.mark.case(66)
def test_a_client_that_was_switched_off_stays_off(
    oauth: OAuthClient, known: Client, document_host: DocumentHost
) -> None:
    Client.objects.update(disabled_at=timezone.now())
    expire(48 * HOUR)
    before = photograph()
    page_refusal_of(oauth.open_consent(), "client_disabled")
    assert photograph() == before
    assert document_host.connections == 1


@pytest.mark.case(71)
def test_the_other_endpoints_never_fetch(
    oauth: OAuthClient, world: World, internet: Internet
) -> None:
    oauth.client_id = URL
    row = refusal_of(oauth.refresh("mcp_rt_x"), "invalid_client", 401)
    assert row.reason == "client_unknown"
    assert refusal_of(oauth.exchange("x"), "invalid_client", 401).reason == "client_unknown"
    assert refusal_of(oauth.revoke("mcp_rt_x"), "invalid_client", 401).reason == "client_unknown"
    assert oauth.register(client_id=URL, client_uri=URL, logo_uri=URL).status_code == 201
    assert internet.lookups == []


def test_a_copy_is_used_until_its_time_is_over(
    oauth: OAuthClient, known: Client, document_host: DocumentHost
) -> None:
    assert oauth.open_consent().status_code == 200
    assert document_host.connections == 1
    assert known.cimd_expires_at is not None
    assert timezone.now() < known.cimd_expires_at <= timezone.now() + HOUR
    expire(timedelta(seconds=1))
    document_host.behaviour = answer(build_document(), "Cache-Control: max-age=7200")
    assert oauth.open_consent().status_code == 200
    assert document_host.connections == 2
    known.refresh_from_db()
    assert known.cimd_expires_at is not None
    assert known.cimd_expires_at > timezone.now() + timedelta(minutes=119)


def test_a_fetch_that_succeeded_does_not_make_the_next_one_wait(
    oauth: OAuthClient, known: Client, document_host: DocumentHost
) -> None:
    Client.objects.update(cimd_expires_at=timezone.now())
    assert oauth.open_consent().status_code == 200
    assert document_host.connections == 2


@pytest.mark.case(63)
@pytest.mark.parametrize(
    ("ago", "shown"), [(23 * HOUR, True), (24 * HOUR + timedelta(minutes=1), False)]
)
def test_the_last_good_copy_serves_for_a_day_when_the_document_is_gone(
    oauth: OAuthClient,
    known: Client,
    document_host: DocumentHost,
    log: Any,
    ago: timedelta,
    shown: bool,
) -> None:
    document_host.behaviour = answer(b"gone", status="404 Not Found")
    expire(ago)
    before = photograph()
    page = oauth.open_consent()
    assert photograph() == before
    if shown:
        assert page.status_code == 200
        row = log().get(event="oauth.client.unread")
        assert (row.outcome, row.reason, row.client_id) == ("refused", "cimd_status", URL)
    else:
        row = page_refusal_of(page, "cimd_stale")
        assert (row.client_id, row.details["cause"]) == (URL, "cimd_status")


@pytest.mark.case(63)
def test_nobody_is_disconnected_by_an_outage(
    oauth: OAuthClient, world: World, known: Client, document_host: DocumentHost
) -> None:
    code = oauth.obtain_code(world.alice, world.acme)
    document_host.behaviour = answer(b"", status="500 Down")
    expire(timedelta(days=365))
    tokens = oauth.exchange(code).json()
    assert oauth.refresh(tokens["refresh_token"]).status_code == 200
    assert document_host.connections == 1


def test_an_error_is_not_kept_and_the_next_try_succeeds(
    oauth: OAuthClient, world: World, internet: Internet, document_host: DocumentHost
) -> None:
    oauth.sign_in(world.alice)
    document_host.behaviour = answer(build_document(client_id="https://other.example/c"))
    rejected = oauth.open_consent(client_id=URL)
    page_refusal_of(rejected, "cimd_mismatch")
    reference = rejected["Reference-Id"]
    assert "Your activity log says what is wrong with it." in rejected.content.decode()
    assert f'href="/settings/activity?q={reference}"' in rejected.content.decode()
    told = oauth.browser.get("/settings/activity", {"q": reference}).content.decode()
    assert "Its description speaks for another address." in told
    document_host.behaviour = answer(build_document())
    held_back = oauth.open_consent(client_id=URL)
    page_refusal_of(held_back, "cimd_backoff", 429)
    assert held_back["Retry-After"] == "60"
    TokenBucket.objects.all().update(updated_at=timezone.now() - timedelta(seconds=61))
    assert oauth.open_consent(client_id=URL).status_code == 200
    assert document_host.connections == 2


@pytest.mark.case(65)
def test_a_host_is_asked_six_times_a_minute_at_most(
    world: World, internet: Internet, document_host: DocumentHost
) -> None:
    people = [OAuthClient() for _ in range(4)]
    for person, user in zip(people, (world.alice, world.ben, world.cleo, None), strict=True):
        person.sign_in(user or UserFactory(email="dora@acme.example"))
    document_host.behaviour = answer(b"", status="404 Not Found")
    for number in range(6):
        page = people[number // 2].open_consent(client_id=f"https://{HOST}/{number}")
        page_refusal_of(page, "cimd_status")
    last = people[3]
    limited = last.open_consent(client_id=f"https://{HOST}/7")
    page_refusal_of(limited, "cimd_host_limit", 429)
    assert limited["Retry-After"] == "10"
    assert "Its address was asked too often in the last minute." in limited.content.decode()
    assert document_host.connections == len(internet.lookups) == 6
    # Another host is not affected, nor does the refusal count against the URL.
    page_refusal_of(last.open_consent(client_id="https://b.example/c"), "cimd_tls")
    page_refusal_of(last.open_consent(client_id=f"https://{HOST}/7"), "cimd_host_limit", 429)


@pytest.mark.case(65)
def test_one_person_does_not_use_up_a_host_s_share(
    oauth: OAuthClient, world: World, internet: Internet, document_host: DocumentHost
) -> None:
    loud = OAuthClient()
    loud.sign_in(world.ben)
    document_host.behaviour = answer(b"", status="404 Not Found")
    for number in range(2):
        page_refusal_of(loud.open_consent(client_id=f"https://{HOST}/{number}"), "cimd_status")
    for number in range(2, 6):
        limited = loud.open_consent(client_id=f"https://{HOST}/{number}")
        page_refusal_of(limited, "cimd_user_limit", 429)
        assert limited["Retry-After"] == "30"
    assert document_host.connections == 2
    document_host.behaviour = answer(build_document())
    oauth.sign_in(world.alice)
    assert oauth.open_consent(client_id=URL).status_code == 200


@pytest.mark.case(65)
def test_a_fetch_that_succeeded_counts_against_neither_host_nor_person(
    oauth: OAuthClient, known: Client, document_host: DocumentHost
) -> None:
    for policy in (DOCUMENT_HOST, DOCUMENT_URL, DOCUMENT_USER_AND_HOST):
        leave_tokens(policy, 1)
    for _ in range(8):
        Client.objects.update(cimd_expires_at=timezone.now())
        assert oauth.open_consent().status_code == 200
    assert document_host.connections == 9


def test_a_fetch_that_never_began_does_not_count(
    oauth: OAuthClient, world: World, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    oauth.sign_in(world.alice)
    with monkeypatch.context() as patch:
        patch.setattr(document_connection, "RESOLVERS", threading.BoundedSemaphore(1))
        assert document_connection.RESOLVERS.acquire()
        busy = oauth.open_consent(client_id=URL)
        page_refusal_of(busy, "cimd_capacity", 503)
        assert busy["Retry-After"] == "5"
    assert oauth.open_consent(client_id=URL).status_code == 200


@pytest.mark.case(65)
def test_a_person_causes_twenty_fetches_a_minute_at_most(
    oauth: OAuthClient, world: World, internet: Internet
) -> None:
    internet.answers = [["10.0.0.1"]]
    oauth.sign_in(world.alice)
    for number in range(20):
        page = oauth.open_consent(client_id=f"https://h{number}.example/c")
        page_refusal_of(page, "cimd_unreachable")
    limited = oauth.open_consent(client_id="https://h21.example/c")
    page_refusal_of(limited, "cimd_user_limit", 429)
    assert limited["Retry-After"] == "3"
    assert len(internet.lookups) == 20


def test_a_limit_does_not_stand_in_the_way_of_a_good_copy(
    oauth: OAuthClient, known: Client, document_host: DocumentHost, log: Any
) -> None:
    expire(HOUR)
    while take_token(DOCUMENT_HOST, HOST):
        pass
    assert oauth.open_consent().status_code == 200
    assert document_host.connections == 1
    assert not log().filter(event="oauth.client.unread").exists()


def test_a_repeated_client_id_is_not_fetched(
    oauth: OAuthClient, world: World, internet: Internet
) -> None:
    oauth.sign_in(world.alice)
    page_refusal_of(oauth.open_consent(client_id=[URL, URL]), "duplicate_param")
    assert internet.lookups == []


@pytest.mark.parametrize("enabled", [True, False])
def test_the_metadata_says_what_is_so(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    settings: Any,
    enabled: bool,
) -> None:
    settings.CIMD_ENABLED = enabled
    document = build_authorization_server_metadata()
    assert document["client_id_metadata_document_supported"] is enabled
    oauth.sign_in(world.alice)
    page = oauth.open_consent(client_id=URL)
    if enabled:
        assert page.status_code == 200
    else:
        page_refusal_of(page, "client_unknown")
        assert internet.lookups == []


def test_switched_off_it_leaves_what_is_connected(
    oauth: OAuthClient, world: World, known: Client, settings: Any
) -> None:
    tokens = oauth.exchange(oauth.obtain_code(world.alice, world.acme)).json()
    settings.CIMD_ENABLED = False
    page_refusal_of(oauth.open_consent(), "client_unknown")
    assert oauth.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("case", ["allowed", "not in the quick start", "not switched on", "itself"])
def test_a_document_on_this_machine_is_for_development_only(
    oauth: OAuthClient,
    world: World,
    document_host: DocumentHost,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    settings.CIMD_ALLOW_LOOPBACK = case != "not switched on"
    settings.QUICK_START = case != "not in the quick start"
    oauth.sign_in(world.alice)
    with serve_documents(document_host.authority, secure=False) as plain:
        url = f"http://127.0.0.1:{plain.port}/client.json"
        monkeypatch.setattr(document_fetch, "network", Network())
        plain.behaviour = answer(build_document(url))
        if case == "itself":
            settings.PUBLIC_URL = f"http://127.0.0.1:{plain.port}"
        page = oauth.open_consent(client_id=url)
        if case == "allowed":
            assert page.status_code == 200
            return
        page_refusal_of(page, "cimd_self" if case == "itself" else "cimd_ip_literal")
        assert plain.connections == 0


def test_the_deployment_check_refuses_documents_on_this_machine(settings: Any) -> None:
    def found() -> list[str | None]:
        return [message.id for message in run_checks(include_deployment_checks=True)]

    assert "oauth_ext.E012" not in found()
    settings.CIMD_ALLOW_LOOPBACK = True
    assert "oauth_ext.E012" in found()


def test_an_idle_client_is_reaped_and_comes_back_by_itself(
    oauth: OAuthClient, known: Client, origin: Origin, document_host: DocumentHost, log: Any
) -> None:
    assert prune(timezone.now() + timedelta(hours=25), origin=origin).clients == 1
    assert log().filter(event="oauth.client.reaped", client_id=URL).count() == 1
    assert not Client.objects.exists()
    assert oauth.open_consent().status_code == 200
    assert document_host.connections == 2


def test_the_page_of_an_operator_shows_when_it_was_fetched(
    sign_in: Callable[..., Any], world: World, known: Client
) -> None:
    world.cleo.is_staff = world.cleo.is_superuser = True
    world.cleo.save()
    page: HttpResponse = sign_in(world.cleo).get(f"/admin/oauth_ext/client/{known.pk}/change/")
    content = page.content.decode()
    assert page.status_code == 200
    for label in ("Document fetched at", "Copy good until", "Revision", "Changed at"):
        assert label in content


@pytest.mark.parametrize(("name", "matches"), [("Claude", "Claude"), ("Test assistant", None)])
def test_the_row_of_a_new_client_tells_operators_whom_its_name_imitates(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    document_host: DocumentHost,
    log: Any,
    name: str,
    matches: str | None,
) -> None:
    document_host.behaviour = answer(build_document(client_name=name))
    oauth.sign_in(world.alice)
    assert oauth.open_consent(client_id=URL).status_code == 200
    row = log().get(event="oauth.client.registered")
    assert (row.client_id, row.details["source"]) == (URL, "document")
    assert row.details.get("name_matches_verified") == matches


@pytest.mark.case(46)
@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/json"])
def test_nobody_learns_which_names_our_network_knows(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    accept: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    oauth.sign_in(world.alice)
    seen = []
    for cause, answers in (("cimd_private_ip", ["10.0.0.1"]), ("cimd_dns", [])):
        internet.answers = [answers]
        url = oauth.authorization_url(client_id=f"https://{cause.replace('_', '-')}.example/c")
        page = oauth.browser.get(url, headers={"Accept": accept})
        assert page.status_code == 400
        row = row_behind(page)
        assert (row.reason, row.details["cause"]) == ("cimd_unreachable", "cimd_unreachable")
        assert any(f"refused: {cause} at" in message for message in caplog.messages)
        own_log = oauth.browser.get("/settings/activity", {"q": page["Reference-Id"]})
        assert "cimd_unreachable" in own_log.content.decode()
        for text in (page.content.decode(), own_log.content.decode()):
            assert cause not in text
        if accept != "text/html":
            assert page.json()["error"] == "invalid_request"
        text = page.content.decode().replace(page["Reference-Id"], "")
        seen.append(text.replace(cause.replace("_", "-"), ""))
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "dyn_unknown"}, 400, "invalid_request"),
        ({"client_id": "https://10.0.0.1/c"}, 400, "invalid_request"),
        ({"client_id": "https://nobody.example/c"}, 503, "temporarily_unavailable"),
    ],
)
def test_a_program_is_told_no_more_than_the_status(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    status: int,
    error: str,
) -> None:
    monkeypatch.setattr(document_slots, "HERE", threading.BoundedSemaphore(1))
    assert document_slots.HERE.acquire()
    oauth.sign_in(world.alice)
    answered = oauth.browser.get(oauth.authorization_url(**changes), headers={"Accept": "*/*"})
    assert (answered.status_code, answered.json()["error"]) == (status, error)
    assert row_behind(answered).reason not in answered.content.decode()
