"""A client that changed is allowed again: what the answer covers, and what it ends."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction
from django.http import HttpResponse

from accounts.models import Membership
from activity.origin import Origin
from oauth_ext import codes, consents
from oauth_ext.codes import CodeRedemption, redeem_code
from oauth_ext.consents import Consent, grant_consent
from oauth_ext.models import Client, Connection, TokenFamily
from oauth_ext.operator_clients import edit_client
from oauth_ext.standing import find_connection_standing
from tests.conftest import World
from tests.document_host import CALLBACK, URL, Internet
from tests.oauth_client import VERIFIER, OAuthClient, build_request, read_redirect
from tests.oauth_ext.conftest import read_text, refusal_of

RENAMED = {"client_name": "Bank assistant"}

pytestmark = [pytest.mark.django_db, pytest.mark.case(62)]


@pytest.mark.parametrize("ticked", [("read",), ("read", "draft")])
def test_what_is_allowed_after_a_change_is_all_that_older_sign_ins_keep(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    republish: Callable[..., HttpResponse],
    log: Any,
    ticked: tuple[str, ...],
) -> None:
    oauth.client_id = URL
    everything = "read draft actions"
    wide, middle, narrow = (
        oauth.exchange(oauth.obtain_code(world.alice, world.acme, scope=scope)).json()
        for scope in (everything, "read draft", "read")
    )
    republish(**RENAMED)
    page = oauth.open_consent(scope=everything)
    assert "It keeps only what you tick now." in read_text(page)
    oauth.decide(page, world.acme, scopes=ticked)
    connection = Connection.objects.get()
    assert connection.scope == " ".join(ticked)

    row = refusal_of(oauth.refresh(wide["refresh_token"]), "invalid_grant")
    assert row.reason == "token_revoked"
    assert oauth.call(wide["access_token"]).status_code == 401
    keeps_middle = "draft" in ticked
    assert oauth.refresh(middle["refresh_token"]).status_code == (200 if keeps_middle else 400)
    assert oauth.refresh(narrow["refresh_token"]).json()["scope"] == "read"
    assert oauth.call(narrow["access_token"]).status_code == 200
    ended = {str(family.id) for family in TokenFamily.objects.filter(revoke_reason="narrowed")}
    rows = log().filter(event="oauth.token.revoked", reason="narrowed", connection_id=connection.id)
    assert {row.details["family"] for row in rows} == ended
    assert len(ended) == (1 if keeps_middle else 2)


def test_an_unchanged_client_that_is_allowed_less_keeps_what_it_had(
    oauth: OAuthClient, world: World, internet: Internet, republish: Callable[..., HttpResponse]
) -> None:
    oauth.client_id = URL
    code = oauth.obtain_code(world.alice, world.acme, scope="read draft actions")
    tokens = oauth.exchange(code).json()
    waiting = oauth.obtain_code(world.alice, world.acme, scope="read draft")
    republish(redirect_uris=[CALLBACK], client_uri="https://client.example")
    oauth.decide(oauth.open_consent(scope="read draft actions"), world.acme, scopes=("read",))
    assert Connection.objects.get().scope == "read draft actions"
    assert oauth.refresh(tokens["refresh_token"]).json()["scope"] == "read draft actions"
    assert oauth.exchange(waiting).json()["scope"] == "read draft"


def test_a_code_from_before_the_change_does_not_come_back_with_the_answer(
    oauth: OAuthClient, world: World, internet: Internet, republish: Callable[..., HttpResponse]
) -> None:
    oauth.client_id = URL
    code = oauth.obtain_code(world.alice, world.acme, scope="read draft actions")
    page = republish(**RENAMED)
    answered = oauth.decide(page, world.acme, scopes=("read",))
    assert refusal_of(oauth.exchange(code), "invalid_grant").reason == "code_burnt"
    assert oauth.exchange(read_redirect(answered)["code"]).json()["scope"] == "read"


def test_an_answer_for_one_organization_leaves_the_other_alone(
    oauth: OAuthClient, world: World, internet: Internet, republish: Callable[..., HttpResponse]
) -> None:
    oauth.client_id = URL
    asked = "read draft"
    acme = oauth.exchange(oauth.obtain_code(world.alice, world.acme, scope=asked)).json()
    borealis = oauth.exchange(oauth.obtain_code(world.alice, world.borealis, scope=asked)).json()
    republish(**RENAMED)
    oauth.decide(oauth.open_consent(), world.acme)
    assert refusal_of(oauth.refresh(acme["refresh_token"]), "invalid_grant").reason == (
        "token_revoked"
    )
    assert refusal_of(oauth.refresh(borealis["refresh_token"]), "invalid_grant").reason == (
        "client_changed"
    )
    assert oauth.call(borealis["access_token"]).status_code == 200


@pytest.fixture
def rename(world: World, origin: Origin) -> Callable[[], None]:
    """Another thread's edit of the only client."""

    def rename() -> None:
        edited = Client.objects.get()
        edited.name = "Bank assistant"
        edit_client(edited, by_user_id=world.cleo.pk, origin=origin)
        connections.close_all()

    return rename


@pytest.fixture
def allow(world: World, origin: Origin) -> Callable[[str, tuple[str, ...]], str]:
    """Alice's Allow for Acme on the page with this nonce, of the client as it is now."""

    def allow(nonce: str, scopes: tuple[str, ...]) -> str:
        membership = Membership.objects.select_related("organization").get(
            user=world.alice, organization=world.acme
        )
        request = build_request(Client.objects.get(), scopes)
        return grant_consent(Consent(request, membership, scopes, nonce), origin=origin)

    return allow


@pytest.mark.django_db(transaction=True)
def test_a_change_that_comes_while_an_answer_is_stored_is_asked_about(
    client_row: Client,
    rename: Callable[[], None],
    allow: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock_consent = consents.lock_consent
    with ThreadPoolExecutor(1) as pool:
        edits: list[Future[None]] = []

        def change_meanwhile(consent: Consent) -> Consent:
            edits.append(pool.submit(rename))
            # Not stored while the answer holds the client.
            with pytest.raises(TimeoutError):
                edits[0].result(timeout=0.3)
            return lock_consent(consent)

        monkeypatch.setattr(consents, "lock_consent", change_meanwhile)
        allow("a page", ("read",))
        edits[0].result(timeout=10)
    connection = Connection.objects.get()
    standing = find_connection_standing(connection.id)
    assert standing is not None and standing.client_changed
    assert connection.allowed_client is not None
    assert connection.allowed_client["client_name"] == "Test client"


@pytest.mark.django_db(transaction=True)
def test_an_exchange_under_way_gets_no_more_than_the_new_answer(
    client_row: Client,
    origin: Origin,
    rename: Callable[[], None],
    allow: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = allow("first page", ("read", "draft"))
    issue_family = codes.issue_family

    def allow_less() -> None:
        allow("second page", ("read",))
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        answers: list[Future[None]] = []

        def answer_meanwhile(*args: Any, **kwargs: Any) -> Any:
            pool.submit(rename).result(timeout=10)
            answers.append(pool.submit(allow_less))
            # It waits for the code, which this exchange holds.
            with pytest.raises(TimeoutError):
                answers[0].result(timeout=0.5)
            return issue_family(*args, **kwargs)

        monkeypatch.setattr(codes, "issue_family", answer_meanwhile)
        with transaction.atomic():
            redeem_code(CodeRedemption(code, client_row, "", VERIFIER, ()), origin=origin)
        answers[0].result(timeout=10)
    assert Connection.objects.get().scope == "read"
    assert TokenFamily.objects.get().revoke_reason == "narrowed"
