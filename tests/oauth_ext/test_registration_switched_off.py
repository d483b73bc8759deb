"""A deployment in which no client may register itself."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from oauth_ext.metadata import render_authorization_server_metadata
from oauth_ext.models import Client
from tests.conftest import Connected, World
from tests.oauth_client import CALLBACK, OAuthClient
from tests.oauth_ext.conftest import refusal_of

pytestmark = pytest.mark.django_db

SERVER = "/.well-known/oauth-authorization-server"


@pytest.fixture
def without_registration(settings: Any) -> Iterator[None]:
    """A deployment that lets nobody register."""
    settings.DCR_ENABLED = False
    render_authorization_server_metadata.cache_clear()
    yield
    render_authorization_server_metadata.cache_clear()


@pytest.mark.case(378)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_switched_off_registration_is_not_there_and_not_advertised(
    oauth: OAuthClient, without_registration: None, method: str
) -> None:
    document = json.dumps({"client_name": "C", "redirect_uris": [CALLBACK]})
    answer = oauth.http.generic("POST", "/register", document, "application/json")
    row = refusal_of(answer, "not_found", 404)
    assert (row.event, row.reason) == ("oauth.registration.refused", "registration_off")
    assert not Client.objects.exists()
    assert "registration_endpoint" not in oauth.http.get(SERVER).json()
    assert oauth.http.generic(method, "/register").status_code == 404


@pytest.mark.case(378)
def test_switched_on_registration_is_advertised_and_works(oauth: OAuthClient) -> None:
    assert oauth.http.get(SERVER).json()["registration_endpoint"].endswith("/register")
    assert oauth.register().status_code == 201


@pytest.mark.case(378)
def test_clients_that_are_registered_go_on_without_registration(
    oauth: OAuthClient, alice_acme: Connected, world: World, without_registration: None
) -> None:
    assert oauth.call(alice_acme.access_token).status_code == 200
    assert oauth.refresh(alice_acme.refresh_token).status_code == 200
    code = oauth.obtain_code(world.alice, world.acme)
    assert oauth.exchange(code).status_code == 200
