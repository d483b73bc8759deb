"""A database that is away says nothing about a credential: 503, never a refusal, no half work.

The database is broken from the nth statement of a request on, for every n.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse

from activity.models import ActivityEvent
from tests.conftest import Connected
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import photograph

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def broken_from(nth: int) -> Iterator[list[str]]:
    """The statements that were sent; the nth and all after it fail."""
    sent: list[str] = []

    def execute(run: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        sent.append(sql)
        if len(sent) >= nth:
            raise OperationalError("the database is away")
        return run(sql, *arguments)

    with connection.execute_wrapper(execute):
        yield sent


def check_unavailable(answer: HttpResponse) -> None:
    """The answer blames nobody but us, and says when to come back."""
    assert answer.status_code == 503, (answer.status_code, answer.content)
    assert answer["Retry-After"].isdigit()
    assert answer["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" not in answer
    assert answer["Reference-Id"] in answer.content.decode()
    assert b"invalid_" not in answer.content


@pytest.mark.case(191)
@pytest.mark.parametrize("nth", range(1, 10))
def test_code_exchange(oauth: OAuthClient, obtain_code: Callable[..., str], nth: int) -> None:
    code = obtain_code()
    before, rows = photograph(), ActivityEvent.objects.count()
    with broken_from(nth) as sent:
        answer = oauth.exchange(code)
    if len(sent) < nth:
        assert answer.status_code == 200
        return
    check_unavailable(answer)
    assert answer.json()["error"] == "temporarily_unavailable"
    assert photograph() == before
    assert ActivityEvent.objects.count() == rows
    assert oauth.exchange(code).status_code == 200


@pytest.mark.case(191)
@pytest.mark.parametrize("nth", range(1, 12))
def test_refresh(oauth: OAuthClient, alice_acme: Connected, nth: int) -> None:
    before, rows = photograph(), ActivityEvent.objects.count()
    with broken_from(nth) as sent:
        answer = oauth.refresh(alice_acme.refresh_token)
    if len(sent) < nth:
        assert answer.status_code == 200
        return
    check_unavailable(answer)
    assert photograph() == before
    assert ActivityEvent.objects.count() == rows
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200


@pytest.mark.case(272)
@pytest.mark.parametrize("nth", range(1, 8))
def test_revocation_never_says_done_when_it_is_not(
    oauth: OAuthClient, alice_acme: Connected, nth: int
) -> None:
    before = photograph()
    with broken_from(nth) as sent:
        answer = oauth.revoke(alice_acme.refresh_token)
    if len(sent) < nth:
        assert answer.status_code == 200
        return
    check_unavailable(answer)
    assert photograph() == before
    assert oauth.call(alice_acme.access_token).status_code == 200


@pytest.mark.parametrize("nth", range(1, 5))
def test_registration(oauth: OAuthClient, db: None, nth: int) -> None:
    before = photograph()
    with broken_from(nth) as sent:
        answer = oauth.register()
    if len(sent) < nth:
        assert answer.status_code == 201
        return
    check_unavailable(answer)
    assert photograph() == before


@pytest.mark.parametrize("nth", range(1, 4))
def test_call(oauth: OAuthClient, alice_acme: Connected, nth: int) -> None:
    with broken_from(nth) as sent:
        answer = oauth.call(alice_acme.access_token)
    if len(sent) < nth:
        assert answer.status_code == 200
        return
    check_unavailable(answer)
    assert oauth.call(alice_acme.access_token).status_code == 200


@pytest.mark.parametrize("nth", range(1, 16))
def test_consent(oauth: OAuthClient, alice_acme: Connected, world: Any, nth: int) -> None:
    oauth.sign_in(world.alice)
    page = oauth.open_consent(scope="read draft actions")
    before = photograph()
    with broken_from(nth) as sent:
        answer = oauth.decide(page, world.acme)
    if len(sent) < nth:
        assert answer.status_code == 303
        return
    check_unavailable(answer)
    assert photograph() == before
    assert oauth.decide(page, world.acme).status_code == 303


def test_a_refusal_that_cannot_be_recorded_is_not_given(
    oauth: OAuthClient, alice_acme: Connected
) -> None:
    with broken_from(1):
        check_unavailable(oauth.exchange("x", client_id="dyn_unknown"))
        check_unavailable(oauth.register(redirect_uris=[]))
        check_unavailable(oauth.call("not a token"))
        check_unavailable(oauth.revoke("x", client_id="dyn_unknown"))


@pytest.mark.parametrize("path", ["/readyz"])
def test_readiness_fails_and_liveness_does_not(oauth: OAuthClient, db: None, path: str) -> None:
    with broken_from(1):
        check_unavailable(oauth.http.get(path))
        assert oauth.http.get("/livez").status_code == 200
        assert oauth.http.get("/.well-known/oauth-authorization-server").status_code == 200
