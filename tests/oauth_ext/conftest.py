"""What the tests of the authorization server share: codes and tokens in hand, refusals read."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import Membership, Organization, TokenBucket, User
from activity.models import ActivityEvent
from activity.origin import Origin
from activity.references import new_reference
from oauth_ext import document_fetch
from oauth_ext.consents import Consent, grant_consent
from oauth_ext.models import (
    AuthorizationCode,
    Client,
    Connection,
    PersonalAccessToken,
    RefreshToken,
    TokenFamily,
)
from tests.conftest import Connected, World
from tests.document_host import (
    URL,
    Authority,
    DocumentHost,
    Internet,
    answer,
    build_authority,
    build_document,
    serve_documents,
)
from tests.oauth_client import OAuthClient, build_request, read_redirect
from tests.oauth_ext.tokens_by_hand import claims_of

METADATA = "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp"
TABLES = (Client, Connection, AuthorizationCode, TokenFamily, RefreshToken, PersonalAccessToken)


def photograph() -> dict[str, list[Any]]:
    """Every row of the authorization server, to see that nothing has changed."""
    return {
        model.__name__: [
            {
                name: bytes(value) if isinstance(value, memoryview) else value
                for name, value in row.items()
            }
            for row in model.objects.order_by("pk").values()
        ]
        for model in TABLES
    }


def row_behind(response: HttpResponse) -> ActivityEvent:
    """The last row that the reference of a refusal leads to."""
    row = ActivityEvent.objects.with_reference(response["Reference-Id"]).first()
    assert row is not None, "the reference leads nowhere"
    return row


def refusal_of(response: HttpResponse, error: str, status: int = 400) -> ActivityEvent:
    """The row of a JSON refusal, after the checks that every one must pass."""
    assert response.status_code == status, (response.status_code, response.content)
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"error", "error_description", "reference"}
    assert body["error"] == error, body
    assert body["reference"] == response["Reference-Id"]
    # RFC 6749 §5.2: printable ASCII without quotes and backslashes.
    assert re.fullmatch(r"[ !#-\[\]-~]+", body["error_description"])
    row = row_behind(response)
    assert (row.outcome, row.http_status) == ("refused", status)
    return row


def page_refusal_of(response: HttpResponse, reason: str, status: int = 400) -> ActivityEvent:
    """The row of a refusal shown as a page: nobody is redirected anywhere."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    assert "Location" not in response
    assert response["Content-Type"].startswith("text/html")
    assert "no-store" in response["Cache-Control"]
    assert response["Reference-Id"] in response.content.decode()
    row = row_behind(response)
    assert (row.outcome, row.reason, row.http_status) == ("refused", reason, status)
    return row


def redirect_refusal_of(response: HttpResponse, error: str, reason: str) -> dict[str, str]:
    """The parameters of an error that went back to the client, after its row was found."""
    answer = read_redirect(response)
    assert answer["error"] == error, answer
    assert "code" not in answer
    assert answer["iss"] == "http://127.0.0.1:8000"
    assert response["Reference-Id"] in answer["error_description"]
    row = row_behind(response)
    assert (row.event, row.outcome) == ("oauth.authorization.refused", "refused")
    assert row.reason == reason
    return answer


def offered_refusal_of(response: HttpResponse, error: str, reason: str) -> dict[str, str]:
    """The parameters of an error that waits behind a link, after its row was found."""
    source = response.content.decode()
    row = page_refusal_of(response, reason)
    assert row.event == "oauth.authorization.refused"
    assert "refresh" not in source and response["Referrer-Policy"] == "no-referrer"
    (link,) = re.findall(r'<a class="button" href="([^"]*)" rel="noreferrer">', source)
    answer = dict(parse_qsl(urlsplit(unescape(link)).query))
    assert answer["error"] == error, answer
    assert "code" not in answer
    assert answer["iss"] == "http://127.0.0.1:8000"
    assert response["Reference-Id"] in answer["error_description"]
    return answer


def refused_at_mcp(oauth: OAuthClient, token: str, description: str = "Invalid token") -> str:
    """The log's reason, after the checks that every refusal of a token must pass."""
    answer = oauth.call(token)
    assert answer.status_code == 401, (answer.status_code, answer.content)
    assert answer["WWW-Authenticate"] == (
        f'Bearer error="invalid_token", error_description="{description}", '
        f'resource_metadata="{METADATA}", scope="read draft actions"'
    )
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["error"]["data"]["reference"] == answer["Reference-Id"]
    row = row_behind(answer)
    assert (row.event, row.outcome) == ("mcp.token.refused", "refused")
    return row.reason


def read_text(page: HttpResponse) -> str:
    """What a person reads, on one line."""
    body = page.content.decode().partition("<body")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", "", body)).split())


@pytest.fixture
def alice_acme(connect: Callable[..., Connected], world: World, oauth: OAuthClient) -> Connected:
    """Alice's client with read and draft in Acme; ``oauth`` speaks as that client."""
    connected = connect(world.alice, world.acme, ("read", "draft"))
    oauth.client_id = connected.client.client_id
    return connected


@pytest.fixture
def claims(alice_acme: Connected) -> dict[str, Any]:
    """Claims that are accepted unless a test changes one."""
    return claims_of(alice_acme)


@pytest.fixture
def obtain_code(
    world: World, client_row: Client, oauth: OAuthClient, origin: Origin
) -> Callable[..., str]:
    """A fresh code of the test client; ``oauth`` speaks as that client."""
    oauth.client_id = client_row.client_id

    def obtain_code(
        user: User | None = None,
        organization: Organization | None = None,
        scopes: tuple[str, ...] = ("read",),
        client: Client | None = None,
    ) -> str:
        membership = Membership.objects.select_related("organization").get(
            user=user or world.alice, organization=organization or world.acme
        )
        request = build_request(client or client_row, scopes)
        return grant_consent(Consent(request, membership, scopes, new_reference()), origin=origin)

    return obtain_code


@pytest.fixture
def other_client(db: None, client_row: Client, origin: Origin) -> Client:
    """A second registered client, with the same redirect URI."""
    return Client.objects.create(
        client_id="dyn_" + "0" * 32,
        client_type=Client.CLIENT_PUBLIC,
        authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
        name="Another client",
        redirect_uris=client_row.redirect_uris,
    )


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for all document hosts."""
    return build_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def document_host(authority: Authority) -> Iterator[DocumentHost]:
    """A web server that publishes a client's document."""
    with serve_documents(authority) as host:
        yield host


@pytest.fixture
def internet(document_host: DocumentHost, monkeypatch: pytest.MonkeyPatch) -> Internet:
    """Every name leads to the document host."""
    made = Internet(document_host)
    monkeypatch.setattr(document_fetch, "network", made.build_network())
    return made


@pytest.fixture
def republish(
    oauth: OAuthClient, document_host: DocumentHost, internet: Internet
) -> Callable[..., HttpResponse]:
    """The document changes, its copy's time is over, and the person in the browser comes by."""

    def republish(**changes: Any) -> HttpResponse:
        document_host.behaviour = answer(build_document(**changes))
        Client.objects.update(cimd_expires_at=timezone.now() - timedelta(seconds=1))
        TokenBucket.objects.all().delete()
        return oauth.open_consent(client_id=URL)

    return republish
