"""Two nodes of one deployment: this process and the live server, with nothing but the database
in common.
"""

from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from accounts.models import Organization
from activity.models import ActivityEvent
from oauth_ext.tokens import SignatureMemo
from tests.live.application import Application, read_tokens
from tests.live.conftest import Resident
from tests.live.server import LiveServer
from tests.oauth_client import OAuthClient
from tests.races.test_refresh_races import close_window


@pytest.fixture
def node(server: LiveServer, settings: Any) -> OAuthClient:
    """A client and a browser that talk to this process, a node of the server's deployment."""
    settings.PUBLIC_URL = settings.ISSUER = server.url
    settings.MCP_RESOURCE = server.mcp_url
    return OAuthClient()


@pytest.fixture
def application(server: LiveServer, node: OAuthClient) -> Application:
    """A client that registered at this node; it talks to the other one."""
    name = f"Traveller {uuid4().hex[:8]}"
    assert node.register(client_name=name).status_code == 201
    return Application(server, name, node.client_id)


@pytest.mark.case(168)
def test_a_code_of_one_node_is_redeemed_at_another_at_once(
    server: LiveServer, node: OAuthClient, application: Application, settled: Resident
) -> None:
    acme = Organization.objects.get(id=settled.acme_id)
    code = node.obtain_code(settled.user, acme, resource=server.mcp_url)
    with application.wire() as wire:
        tokens = read_tokens(application.exchange(wire, code))
    assert node.call(tokens.access_token).status_code == 200
    answer = node.exchange(code, code_verifier="w" * 43, resource=server.mcp_url)
    assert answer.json()["error"] == "invalid_grant"
    with application.wire() as wire:
        assert application.call(wire, tokens.access_token).status == 401


@pytest.mark.case(207)
def test_a_retired_token_is_noticed_by_a_node_that_has_never_seen_it(
    server: LiveServer,
    node: OAuthClient,
    application: Application,
    settled: Resident,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = application.connect(settled.browser, settled.acme)
    with application.wire() as wire:
        second = read_tokens(application.refresh(wire, first.refresh_token))
    # What a restart or a deployment leaves in this process: nothing.
    cache.clear()
    monkeypatch.setattr("oauth_ext.tokens.MEMO", SignatureMemo())
    repeated = node.refresh(first.refresh_token, resource=server.mcp_url)
    assert repeated.json()["refresh_token"] == second.refresh_token
    close_window(application)
    replayed = node.refresh(first.refresh_token, resource=server.mcp_url)
    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    row = ActivityEvent.objects.filter(
        reference=replayed["Reference-Id"], event="oauth.refresh_token.replayed"
    )
    assert row.get().reason == "refresh_replayed"
    with application.wire() as wire:
        assert application.call(wire, second.access_token).status == 401
        assert application.refresh(wire, second.refresh_token).status == 400


@pytest.mark.case(262)
def test_what_is_disconnected_at_one_node_is_refused_at_the_other(
    server: LiveServer, node: OAuthClient, application: Application, settled: Resident
) -> None:
    tokens = application.connect(settled.browser, settled.acme)
    with application.wire() as wire:
        assert application.call(wire, tokens.access_token).status == 200
        assert node.call(tokens.access_token).status_code == 200
        page, form = settled.browser.open_disconnect(application.name)
        answer = wire.post(settled.browser.prepare(page, form, "Disconnect"))
        assert answer.status == 302
    assert node.call(tokens.access_token).status_code == 401
    refused = node.refresh(tokens.refresh_token, resource=server.mcp_url)
    assert refused.json()["error"] == "invalid_grant"
