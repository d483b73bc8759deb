"""RFC 6749 §2.3, §3.2.1: a confidential client proves that it is the one it says, in one way."""

import base64
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity.origin import Origin
from oauth_ext.client_identification import Credentials
from oauth_ext.client_secrets import is_secret_of
from oauth_ext.machine_secrets import SecretKind, mint_secret, name_pepper
from oauth_ext.models import AuthorizationCode, Client, RefreshToken
from tests.conftest import World
from tests.oauth_client import CALLBACK, RESOURCE, VERIFIER, OAuthClient
from tests.oauth_ext.confidential import basic, make_confidential
from tests.oauth_ext.conftest import photograph, redirect_refusal_of, refusal_of
from tests.oauth_ext.test_client_canaries import dump_database

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
WAYS = ["client_secret_basic", "client_secret_post"]


class Confidential:
    """A confidential client at the token endpoints; ``secret`` is the right one."""

    def __init__(self, oauth: OAuthClient, client: Client, secret: str) -> None:
        self.http, self.client, self.secret = oauth.http, client, secret

    def send(
        self, path: str, fields: dict[str, str], way: str = WAYS[0], secret: str | None = None
    ) -> Any:
        """POST with this secret in this way; the right one unless told."""
        secret = self.secret if secret is None else secret
        headers = {}
        if way == "client_secret_basic":
            headers = basic(self.client.client_id, secret)
        else:
            fields = fields | {"client_id": self.client.client_id}
            fields |= {"client_secret": secret} if way == "client_secret_post" else {}
        return self.http.post(path, urlencode(fields), FORM, headers=headers)


@pytest.fixture
def server(oauth: OAuthClient, origin: Origin) -> Confidential:
    """A confidential client."""
    return Confidential(oauth, *make_confidential(origin))


@pytest.fixture
def exchange(server: Confidential, obtain_code: Callable[..., str]) -> dict[str, str]:
    """A code exchange that succeeds if the client is authenticated."""
    return {
        "grant_type": "authorization_code",
        "code": obtain_code(client=server.client),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "resource": RESOURCE,
    }


def refreshing(token: str) -> dict[str, str]:
    """A refresh."""
    return {"grant_type": "refresh_token", "refresh_token": token}


def check_challenge(answer: Any, way: str) -> None:
    """RFC 6749 §5.2: a challenge if and only if the header was used."""
    assert answer.has_header("WWW-Authenticate") == (way == "client_secret_basic")
    if way == "client_secret_basic":
        assert answer["WWW-Authenticate"] == 'Basic realm="token"'


@pytest.mark.case(180, 257)
@pytest.mark.parametrize("way", WAYS)
def test_the_right_secret_opens_every_door_in_either_way(
    oauth: OAuthClient, server: Confidential, exchange: dict[str, str], way: str
) -> None:
    first = server.send("/token", exchange, way)
    assert first.status_code == 200, first.content
    assert oauth.call(first.json()["access_token"]).status_code == 200
    second = server.send("/token", refreshing(first.json()["refresh_token"]), way)
    assert second.status_code == 200
    revoked = server.send("/revoke", {"token": second.json()["refresh_token"]}, way)
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert oauth.call(second.json()["access_token"]).status_code == 401


WRONG: dict[str, Callable[[str, str, Client], str]] = {
    "absent": lambda right, other, client: "",
    "made up": lambda right, other, client: mint_secret(SecretKind.CLIENT_SECRET),
    "another client's": lambda right, other, client: other,
    "cut off": lambda right, other, client: right[:-1],
    "longer": lambda right, other, client: right + "x",
    "in another case": lambda right, other, client: right.swapcase(),
    "with a space": lambda right, other, client: f" {right}",
    "the stored hash": lambda right, other, client: client.client_secret,
    "the client id": lambda right, other, client: client.client_id,
    "not text": lambda right, other, client: "\u00e9\u4e00",
    "long": lambda right, other, client: "x" * 4000,
}


@pytest.mark.case(180, 183)
@pytest.mark.parametrize(
    ("way", "wrong"), [("none", "absent"), *((way, wrong) for way in WAYS for wrong in WRONG)]
)
def test_any_other_secret_is_refused_and_burns_no_code(
    server: Confidential, exchange: dict[str, str], origin: Origin, way: str, wrong: str
) -> None:
    _, other = make_confidential(origin, "Another")
    before = photograph()
    sent = WRONG[wrong](server.secret, other, server.client)
    answer = server.send("/token", exchange, way, sent)
    row = refusal_of(answer, "invalid_client", 401)
    assert (row.event, row.reason) == ("oauth.token.refused", "client_auth")
    assert row.client_id == server.client.client_id
    check_challenge(answer, way)
    assert photograph() == before
    assert server.send("/token", exchange).status_code == 200


@pytest.mark.case(180)
@pytest.mark.parametrize("way", [*WAYS, "none"])
def test_a_stolen_refresh_token_is_of_no_use_without_the_secret(
    server: Confidential, exchange: dict[str, str], way: str
) -> None:
    token = server.send("/token", exchange).json()["refresh_token"]
    before = photograph()
    wrong = "" if way == "none" else mint_secret(SecretKind.CLIENT_SECRET)
    answer = server.send("/token", refreshing(token), way, wrong)
    assert refusal_of(answer, "invalid_client", 401).reason == "client_auth"
    assert photograph() == before
    assert server.send("/token", refreshing(token)).status_code == 200


@pytest.mark.case(257)
@pytest.mark.parametrize("way", [*WAYS, "none"])
@pytest.mark.parametrize("token", ["access_token", "refresh_token"])
def test_nobody_else_revokes_for_a_confidential_client(
    oauth: OAuthClient, server: Confidential, exchange: dict[str, str], way: str, token: str
) -> None:
    tokens = server.send("/token", exchange).json()
    before = photograph()
    wrong = "" if way == "none" else mint_secret(SecretKind.CLIENT_SECRET)
    answer = server.send("/revoke", {"token": tokens[token]}, way, wrong)
    row = refusal_of(answer, "invalid_client", 401)
    assert (row.event, row.reason) == ("oauth.revocation.refused", "client_auth")
    check_challenge(answer, way)
    assert photograph() == before
    assert oauth.call(tokens["access_token"]).status_code == 200


@pytest.mark.case(256)
def test_a_right_secret_is_no_right_to_another_clients_tokens(
    oauth: OAuthClient, server: Confidential, obtain_code: Callable[..., str], origin: Origin
) -> None:
    public = oauth.exchange(obtain_code()).json()
    before = photograph()
    answer = server.send("/revoke", {"token": public["refresh_token"]})
    assert refusal_of(answer, "invalid_grant").reason == "revoke_foreign"
    answer = server.send("/token", refreshing(public["refresh_token"]))
    refusal_of(answer, "invalid_grant")
    assert photograph() == before
    assert oauth.call(public["access_token"]).status_code == 200


@pytest.mark.case(178)
@pytest.mark.parametrize(
    ("in_header", "in_body", "error", "status"),
    [
        ("{id}:{secret}", "client_secret={secret}", "invalid_request", 400),
        ("{id}:{secret}", "client_id={id}&client_secret={secret}", "invalid_request", 400),
        ("{id}:{secret}", "client_secret=x", "invalid_request", 400),
        ("{id}:", "client_secret={secret}", "invalid_request", 400),
        ("{id}:{secret}", "client_id=another", "invalid_client", 401),
        ("{id}:{secret}", "client_id={other}", "invalid_client", 401),
        ("{other}:", "client_id={id}", "invalid_client", 401),
        (None, "client_id={id}&client_secret={secret}&client_secret={secret}", None, 400),
        (None, "client_id={id}&client_secret={secret}&client_secret=", None, 400),
        (None, "client_id={id}&client_id={other}&client_secret={secret}", None, 400),
    ],
)
def test_two_ways_at_once_are_refused(
    oauth: OAuthClient,
    server: Confidential,
    exchange: dict[str, str],
    client_row: Client,
    in_header: str | None,
    in_body: str,
    error: str | None,
    status: int,
) -> None:
    values = {
        "id": server.client.client_id,
        "secret": server.secret,
        "other": client_row.client_id,
    }
    headers = {}
    if in_header is not None:
        pair = base64.b64encode(in_header.format(**values).encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
    before = photograph()
    body = f"{urlencode(exchange)}&{in_body.format(**values)}"
    answer = oauth.http.post("/token", body, FORM, headers=headers)
    refusal_of(answer, error or "invalid_request", status)
    assert photograph() == before


@pytest.mark.case(178)
def test_the_header_may_repeat_the_body_s_client_id(
    oauth: OAuthClient, server: Confidential, exchange: dict[str, str]
) -> None:
    fields = exchange | {"client_id": server.client.client_id, "client_secret": ""}
    headers = basic(server.client.client_id, server.secret)
    assert oauth.http.post("/token", urlencode(fields), FORM, headers=headers).status_code == 200


def encode(text: str | bytes) -> str:
    """Base64."""
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.case(181)
@pytest.mark.parametrize(
    "header",
    [
        "Basic {right}",
        "basic {right}",
        "BASIC {right}",
        "Basic  {right}",
        "Basic {percent}",
    ],
)
def test_a_readable_header_is_read(
    oauth: OAuthClient, server: Confidential, exchange: dict[str, str], header: str
) -> None:
    right = encode(f"{server.client.client_id}:{server.secret}")
    # RFC 6749 §2.3.1: both parts are form-encoded, which may mean every character.
    percent = encode(f"{server.client.client_id}:%6dcp%5Fcs%5F{server.secret[7:]}")
    headers = {"Authorization": header.format(right=right, percent=percent)}
    assert oauth.http.post("/token", urlencode(exchange), FORM, headers=headers).status_code == 200


@pytest.mark.case(178, 181)
@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic {id}:{secret}",
        "Basic {right}!",
        "Basic {right}, Basic {right}",
        "Basic {right} {right}",
        "Basic " + encode("no colon"),
        "Basic " + encode(":"),
        "Basic " + encode(b"\xff\xfe:\xff"),
        "Basic " + encode("%ff:x"),
        "Basic " + encode("x:%ff"),
        "Basic " + encode("%zz:%"),
        "Basic " + encode("a\x00b:x"),
        "Basic " + encode("x" * 5000 + ":x"),
        "Bearer {secret}",
        "Digest {right}",
        "{right}",
    ],
)
def test_an_unreadable_header_is_a_401_in_its_own_scheme(
    oauth: OAuthClient, server: Confidential, exchange: dict[str, str], header: str
) -> None:
    right = encode(f"{server.client.client_id}:{server.secret}")
    text = header.format(right=right, id=server.client.client_id, secret=server.secret)
    before = photograph()
    answer = oauth.http.post("/token", urlencode(exchange), FORM, headers={"Authorization": text})
    refusal_of(answer, "invalid_client", 401)
    assert answer["WWW-Authenticate"] == 'Basic realm="token"'
    assert photograph() == before


@pytest.mark.case(177, 181)
def test_an_unknown_client_is_challenged_only_in_the_scheme_it_used(
    oauth: OAuthClient, exchange: dict[str, str]
) -> None:
    by_header = oauth.http.post(
        "/token", urlencode(exchange), FORM, headers=basic("pre_unknown", "x")
    )
    assert refusal_of(by_header, "invalid_client", 401).reason == "client_unknown"
    check_challenge(by_header, "client_secret_basic")
    fields = exchange | {"client_id": "pre_unknown", "client_secret": "x"}
    by_body = oauth.http.post("/token", urlencode(fields), FORM)
    assert refusal_of(by_body, "invalid_client", 401).reason == "client_unknown"
    check_challenge(by_body, "client_secret_post")


@pytest.mark.case(182)
@pytest.mark.parametrize(
    "assertion",
    [
        {"client_assertion": "eyJhbGciOiJub25lIn0.e30."},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
    ],
)
@pytest.mark.parametrize("who", ["confidential", "public"])
def test_an_assertion_that_nobody_verifies_is_not_ignored(
    oauth: OAuthClient,
    server: Confidential,
    exchange: dict[str, str],
    obtain_code: Callable[..., str],
    client_row: Client,
    assertion: dict[str, str],
    who: str,
) -> None:
    fields = exchange
    if who == "public":
        fields = exchange | {"code": obtain_code(), "client_id": client_row.client_id}
    before = photograph()

    def send(fields: dict[str, str]) -> Any:
        if who == "public":
            return oauth.http.post("/token", urlencode(fields), FORM)
        return server.send("/token", fields)

    answer = send(fields | assertion)
    assert refusal_of(answer, "invalid_client", 401).reason == "client_assertion"
    assert photograph() == before
    assert send(fields).status_code == 200


@pytest.mark.case(180)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("secret", "status"), [("", 200), ("x", 401), (None, 401)])
def test_a_public_client_may_send_an_empty_secret_and_no_other(
    oauth: OAuthClient,
    server: Confidential,
    client_row: Client,
    obtain_code: Callable[..., str],
    exchange: dict[str, str],
    way: str,
    secret: str | None,
    status: int,
) -> None:
    fields = exchange | {"code": obtain_code()}
    public = Confidential(oauth, client_row, server.secret)
    answer = public.send("/token", fields, way, secret)
    assert answer.status_code == status
    if status == 401:
        assert refusal_of(answer, "invalid_client", 401).reason == "client_auth"
        check_challenge(answer, way)
        assert public.send("/token", fields, "none").status_code == 200


@pytest.mark.case(183)
def test_a_wrong_secret_costs_what_an_unknown_client_does_and_is_counted(
    server: Confidential, exchange: dict[str, str]
) -> None:
    wrong = mint_secret(SecretKind.CLIENT_SECRET)
    started = time.process_time()
    assert not any(is_secret_of(server.client, wrong) for _ in range(1000))
    # A password hash would take minutes; this is some microseconds each, with room to spare.
    assert time.process_time() - started < 0.5
    with CaptureQueriesContext(connection) as unknown:
        unknown_client = exchange | {"client_id": "pre_unknown", "client_secret": wrong}
        server.http.post("/token", urlencode(unknown_client), FORM)
    with CaptureQueriesContext(connection) as known:
        server.send("/token", exchange, secret=wrong)
    # One statement more takes from the limit of wrong secrets.
    assert len(known) == len(unknown) + 1


@pytest.mark.case(183, 343)
def test_a_flood_of_wrong_secrets_leaves_a_bounded_number_of_rows(
    server: Confidential, exchange: dict[str, str], log: Any
) -> None:
    for _ in range(30):
        answer = server.send("/token", exchange, secret=mint_secret(SecretKind.CLIENT_SECRET))
        assert answer.status_code in (401, 429)
    assert log().filter(event="oauth.token.refused").count() <= 20
    assert AuthorizationCode.objects.get().consumed_at is None


@pytest.mark.case(186)
def test_a_client_that_is_switched_off_gets_nothing_for_its_secret(
    server: Confidential, exchange: dict[str, str]
) -> None:
    Client.objects.update(disabled_at=timezone.now())
    answer = server.send("/token", exchange)
    assert refusal_of(answer, "invalid_client", 401).reason == "client_disabled"
    Client.objects.update(disabled_at=None)
    assert server.send("/token", exchange).status_code == 200


@pytest.mark.case(143)
def test_a_secret_does_not_stand_in_for_pkce(
    oauth: OAuthClient, server: Confidential, exchange: dict[str, str], world: World
) -> None:
    oauth.client_id = server.client.client_id
    oauth.sign_in(world.alice)
    page = oauth.open_consent(code_challenge=None, code_challenge_method=None)
    redirect_refusal_of(page, "invalid_request", "pkce_missing")
    without = {name: value for name, value in exchange.items() if name != "code_verifier"}
    answer = server.send("/token", without)
    assert refusal_of(answer, "invalid_grant").reason == "pkce_verifier_missing"
    assert server.send("/token", exchange).status_code == 200


@pytest.mark.case(26, 176)
@pytest.mark.parametrize("grant", ["client_credentials", "password"])
def test_a_client_never_acts_without_a_person(server: Confidential, grant: str) -> None:
    before = photograph()
    fields = {"grant_type": grant, "scope": "read", "username": "alice", "password": "x"}
    refusal_of(server.send("/token", fields), "unsupported_grant_type")
    assert photograph() == before


def test_a_secret_moves_to_the_current_pepper_when_it_is_used(
    oauth: OAuthClient, origin: Origin, obtain_code: Callable[..., str], settings: Any
) -> None:
    server = Confidential(oauth, *make_confidential(origin))
    former = settings.TOKEN_PEPPER
    assert server.client.secret_pepper_id == name_pepper(former)
    settings.TOKEN_PEPPER = "another pepper of at least thirty-two characters"
    fields = {
        "grant_type": "authorization_code",
        "code": obtain_code(client=server.client),
        "code_verifier": VERIFIER,
    }
    assert server.send("/token", fields).status_code == 401
    settings.TOKEN_PEPPER_FALLBACKS = [former]
    assert server.send("/token", fields).status_code == 200
    settings.TOKEN_PEPPER_FALLBACKS = []
    token = RefreshToken.objects.get()
    assert token.superseded_at is None
    server.client.refresh_from_db()
    assert server.client.secret_pepper_id == name_pepper()
    assert server.send("/revoke", {"token": "mcp_rt_unknown"}).status_code == 200


def test_a_confidential_client_without_a_secret_is_nobody(
    server: Confidential, exchange: dict[str, str]
) -> None:
    Client.objects.filter(pk=server.client.pk).update(client_secret="")
    for secret in ("", server.secret):
        refusal_of(server.send("/token", exchange, secret=secret), "invalid_client", 401)


@pytest.mark.case(340)
def test_a_client_secret_is_kept_nowhere(
    server: Confidential,
    exchange: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    wrong = mint_secret(SecretKind.CLIENT_SECRET)
    with caplog.at_level(logging.DEBUG):
        for way in WAYS:
            for secret in (wrong, server.secret):
                server.send("/token", exchange, way, secret)
                server.send("/revoke", {"token": "x"}, way, secret)
                server.send("/token", exchange | {"client_id": "x"}, way, secret)
        server.http.post(f"/token?client_secret={server.secret}", "x=y", FORM)
        server.http.post("/token", f"client_id={server.secret}&grant_type=x", FORM)
    said = "".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    said += "".join(capfd.readouterr()) + dump_database()
    said += repr(Credentials(server.client.client_id, server.secret))
    assert server.client.client_id in said
    assert server.secret not in said
    assert wrong not in said
