"""No secret of the whole way is in a log line, a row of the log or any table."""

import logging
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection

from tests.conftest import PASSWORD, World
from tests.oauth_client import VERIFIER, OAuthClient, find_input, read_redirect
from tests.oauth_ext.test_authorization_pages import submit_sign_in

pytestmark = pytest.mark.django_db


def dump_database() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        dump = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            dump += [f"{table}: {row[0]}" for row in cursor.fetchall()]
    return "\n".join(dump)


def walk_the_whole_way(oauth: OAuthClient, world: World, mint: Any) -> dict[str, str]:
    """Sign in by password, connect, use, refresh, replay, steal, misuse; the secrets by name."""
    oauth.register()
    bounce = oauth.open_consent()
    wrong = "a wrong password of somebody"
    submit_sign_in(oauth, oauth.browser.get(bounce["Location"]), password=wrong)
    signed_in = submit_sign_in(oauth, oauth.browser.get(bounce["Location"]))
    page = oauth.browser.get(signed_in["Location"], follow=True)
    code = read_redirect(oauth.decide(page, world.acme))["code"]
    wrong_verifier = "w" * 43
    oauth.exchange(code, code_verifier=wrong_verifier)
    first = oauth.exchange(code).json()
    oauth.exchange(code)
    second = oauth.refresh(first["refresh_token"]).json()
    third = oauth.refresh(first["refresh_token"]).json()
    personal = mint(world.alice, world.acme)
    for token in (first["access_token"], personal, first["refresh_token"], code):
        oauth.call(token)
        oauth.call("", tool=token)
        oauth.call(first["access_token"], tool=token)
        oauth.call(first["access_token"], text=token)
        oauth.http.get(f"/no/such/page/{token}")
        oauth.http.get(f"/mcp?access_token={token}")
        oauth.http.post("/register", token, "application/json")
        oauth.register(client_name=token, redirect_uris=["https://client.example/x"])
        oauth.revoke(token, client_id=token)
        oauth.exchange(token, client_id=token)
        oauth.open_consent(client_id=token)
        oauth.browser.get("/settings/activity", {"q": token})
        oauth.http.post("/mcp", "{}", "application/json", headers={"User-Agent": token})
    oauth.refresh(second["refresh_token"])
    oauth.refresh(first["refresh_token"])
    reset = oauth.browser.get("/accounts/password/reset")
    oauth.browser.post(
        "/accounts/password/reset",
        {
            "email": "alice@acme.example",
            "csrfmiddlewaretoken": find_input(reset, "csrfmiddlewaretoken"),
        },
    )
    return {
        "password": PASSWORD,
        "wrong password": wrong,
        "verifier": VERIFIER,
        "wrong verifier": wrong_verifier,
        "code": code,
        "access token": first["access_token"],
        "second access token": second["access_token"],
        "third access token": third["access_token"],
        "refresh token": first["refresh_token"],
        "successor": second["refresh_token"],
        "personal token": personal,
    }


@pytest.mark.case(251)
def test_no_secret_is_kept_anywhere(
    oauth: OAuthClient,
    world: World,
    mint: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cache.clear()
    # What LOG_LEVEL=DEBUG does: loggers with a level of their own keep it.
    with caplog.at_level(logging.DEBUG):
        secrets = walk_the_whole_way(oauth, world, mint)
    lines: dict[str, str] = {}
    for record in caplog.records:
        place = f"{record.name} at {record.levelname}"
        lines[place] = (
            lines.get(place, "") + f"{record.getMessage()} {record.args} {record.exc_text}"
        )
    places = lines | {
        "standard output": "".join(capfd.readouterr()),
        "mails": str([(message.subject, message.body) for message in mail.outbox]),
        # A client's name is its own claim: whoever registers a secret as one has published it.
        "tables": "\n".join(
            row for row in dump_database().splitlines() if not row.startswith("oauth_ext_client:")
        ),
    }
    found = {
        (name, place)
        for name, secret in secrets.items()
        for place, text in places.items()
        if secret in text
    }
    listed = "\n".join(f"{name} in {place}" for name, place in sorted(found))
    assert not found, listed
