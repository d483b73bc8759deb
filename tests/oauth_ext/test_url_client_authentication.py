"""A client whose id is a URL, in a Basic header: encoded as RFC 6749 §2.3.1 has it, or as it is."""

import base64
from typing import Any
from urllib.parse import quote_plus

import pytest

from oauth_ext.models import Client
from tests.conftest import World
from tests.document_host import HOST, URL, Internet
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import photograph, refusal_of

pytestmark = [pytest.mark.django_db, pytest.mark.case(180)]


@pytest.fixture
def refresh_token(oauth: OAuthClient, world: World, internet: Internet) -> str:
    """Alice's refresh token of the document's client."""
    oauth.client_id = URL
    token: str = oauth.exchange(oauth.obtain_code(world.alice, world.acme)).json()["refresh_token"]
    return token


def refresh_as(oauth: OAuthClient, refresh_token: str, pair: str) -> Any:
    """A refresh with this pair of user and password in the header, and no client in the body."""
    header = f"Basic {base64.b64encode(pair.encode()).decode()}"
    body = f"grant_type=refresh_token&refresh_token={refresh_token}"
    kind = "application/x-www-form-urlencoded"
    return oauth.http.post("/token", body, kind, headers={"Authorization": header})


@pytest.mark.parametrize("pair", [f"{URL}:", f"{quote_plus(URL)}:"], ids=["as it is", "encoded"])
def test_a_url_is_taken_as_it_is_and_encoded(
    oauth: OAuthClient, refresh_token: str, pair: str
) -> None:
    answer = refresh_as(oauth, refresh_token, pair)
    assert answer.status_code == 200
    assert oauth.call(answer.json()["access_token"]).status_code == 200


@pytest.mark.parametrize(
    "pair",
    [
        f"{URL}:secret",
        f"{URL}::",
        URL,
        f"{URL}/:",
        f"http{URL.removeprefix('https')}:",
        f"https://other.{HOST}/client.json:",
        "https://:",
    ],
)
def test_its_nearest_neighbours_are_other_clients_or_none(
    oauth: OAuthClient, refresh_token: str, pair: str
) -> None:
    before = photograph()
    answer = refresh_as(oauth, refresh_token, pair)
    refusal_of(answer, "invalid_client", 401)
    assert answer["WWW-Authenticate"] == 'Basic realm="token"'
    assert photograph() == before


def test_a_confidential_client_is_not_let_in_without_its_secret_by_a_url(
    oauth: OAuthClient, refresh_token: str
) -> None:
    Client.objects.update(client_type=Client.CLIENT_CONFIDENTIAL)
    row = refusal_of(refresh_as(oauth, refresh_token, f"{URL}:"), "invalid_client", 401)
    assert row.reason == "client_auth"


@pytest.mark.parametrize("character", ["\x00", "\n", "\x7f"])
def test_a_url_with_a_control_character_is_not_readable(
    oauth: OAuthClient, refresh_token: str, character: str
) -> None:
    answer = refresh_as(oauth, refresh_token, f"{URL}{character}:")
    assert refusal_of(answer, "invalid_client", 401).reason in ("client_auth", "client_unknown")
