"""The whole way: register, sign in, consent, token, call, refresh, disconnect, refused."""

from tests.conftest import World
from tests.oauth_client import OAuthClient, read_redirect


def test_client_connects_calls_refreshes_and_is_refused_once_disconnected(
    oauth: OAuthClient, world: World, log
) -> None:
    assert oauth.register().status_code == 201
    oauth.sign_in(world.alice)
    page = oauth.open_consent()
    assert page.status_code == 200
    answer = read_redirect(oauth.decide(page, world.acme))
    assert answer["state"] == "a-state"
    assert answer["iss"] == "http://127.0.0.1:8000"

    tokens = oauth.exchange(answer["code"]).json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3600
    assert tokens["scope"] == "read"
    called = oauth.call(tokens["access_token"]).json()["result"]["structuredContent"]
    assert called["email"] == "alice@acme.example"

    refreshed = oauth.refresh(tokens["refresh_token"]).json()
    assert refreshed["refresh_token"] != tokens["refresh_token"]
    assert oauth.call(refreshed["access_token"]).status_code == 200

    listed = oauth.browser.get("/settings/ai-access")
    connection = listed.context["connections"][0]
    page = oauth.browser.get(f"/settings/ai-access/connections/{connection.id}/disconnect")
    token = page.context["csrf_token"]
    oauth.browser.post(page.wsgi_request.path, {"csrfmiddlewaretoken": str(token)})

    refused = oauth.call(refreshed["access_token"])
    assert refused.status_code == 401
    assert "Application has been disconnected" in refused["WWW-Authenticate"]
    assert refused.json()["error"]["data"]["reference"] == refused["Reference-Id"]
    assert oauth.refresh(refreshed["refresh_token"]).json()["error"] == "invalid_grant"

    told = [row.event for row in reversed(log())]
    assert told == [
        "oauth.client.registered",
        "oauth.consent.shown",
        "oauth.consent.granted",
        "oauth.code.issued",
        "oauth.token.issued",
        "mcp.tool.called",
        "oauth.token.refreshed",
        "mcp.tool.called",
        "oauth.connection.revoked",
        "mcp.token.refused",
        "oauth.token.refused",
    ]
    assert log().with_reference(refused["Reference-Id"]).get().reason == "connection_revoked"
