"""Fetching a document from a stranger's server, over real sockets and real TLS.

The refusals are seen at the authorization endpoint, as a person gets them: a page, a row, nothing
stored. What only the wire shows (how often, where to, how long) is asked of the wire.
"""

import json
import socket
import threading
import time
from collections.abc import Callable

import pytest

from oauth_ext import document_connection, document_fetch
from oauth_ext.client_id_urls import parse_client_id_url
from oauth_ext.document_connection import DocumentPostponedError, DocumentRefusedError
from oauth_ext.document_fetch import MAX_BODY_BYTES, USER_AGENT, fetch_document
from oauth_ext.models import Client
from tests.conftest import World
from tests.document_host import (
    HOST,
    PUBLIC,
    URL,
    Behaviour,
    DocumentHost,
    Internet,
    answer,
    build_authority,
    build_document,
    drip,
    flood,
    serve_documents,
)
from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import page_refusal_of, photograph

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SPECIAL = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1", "::"]
# Long enough for a loaded machine, short enough for a test.
SHORT = 0.7


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> float:
    """The deadline, shortened."""
    monkeypatch.setattr(document_fetch, "FETCH_SECONDS", SHORT)
    return SHORT


@pytest.fixture
def refused(oauth: OAuthClient, world: World, internet: Internet) -> Callable[..., dict[str, str]]:
    """Alice opens the link; the refusal's details, after the checks that each must pass."""

    def refused(reason: str, status: int = 400) -> dict[str, str]:
        oauth.sign_in(world.alice)
        before = photograph()
        page = oauth.open_consent(client_id=URL)
        row = page_refusal_of(page, reason, status)
        assert (row.event, row.client_id) == ("oauth.authorization.refused", URL)
        assert row.user_id == world.alice.id
        assert photograph() == before
        assert "sentinel" not in page.content.decode() + json.dumps(row.details)
        return dict(row.details)

    return refused


@pytest.fixture
def unreachable(
    refused: Callable[..., dict[str, str]], caplog: pytest.LogCaptureFixture
) -> Callable[[str], dict[str, str]]:
    """The same for a document that was not reached: only the server's log says why."""

    def unreachable(cause: str) -> dict[str, str]:
        caplog.clear()
        details = refused("cimd_unreachable")
        assert details["cause"] == "cimd_unreachable"
        assert f"client metadata document refused: {cause} at {HOST}" in caplog.messages
        return details

    return unreachable


def fetch() -> document_fetch.FetchedDocument:
    """The test document, from wherever the tests' network leads."""
    return fetch_document(parse_client_id_url(URL))


def refusal() -> str:
    """Why it could not be fetched."""
    with pytest.raises(DocumentRefusedError) as error:
        fetch()
    return error.value.reason


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/ClientMetadata+JSON"],
)
def test_a_good_document_makes_a_client(
    oauth: OAuthClient,
    world: World,
    internet: Internet,
    document_host: DocumentHost,
    content_type: str,
) -> None:
    document_host.behaviour = answer(build_document(), content_type=content_type)
    oauth.sign_in(world.alice)
    page = oauth.open_consent(client_id=URL)
    assert page.status_code == 200
    assert "Test assistant" in page.content.decode()
    client = Client.objects.get(client_id=URL)
    assert (client.registration_source, client.client_type) == ("cimd", "public")
    assert client.redirect_uri_list == ("https://client.example/callback",)


@pytest.mark.case(67)
def test_the_request_tells_nothing_but_what_is_needed(
    internet: Internet, document_host: DocumentHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert json.loads(fetch().body) == build_document()
    line, *headers = document_host.requests[0].decode().strip().split("\r\n")
    assert line == "GET /oauth/client.json HTTP/1.1"
    assert dict(header.split(": ") for header in headers) == {
        "Host": HOST,
        "User-Agent": USER_AGENT,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(
            lambda wire: wire.sendall(
                CHUNKED
                + b"".join(b"1\r\n%c\r\n" % byte for byte in json.dumps(build_document()).encode())
                + b"0\r\n\r\n"
            ),
            id="chunked",
        ),
        pytest.param(
            lambda wire: wire.sendall(HEAD + b"\r\n" + json.dumps(build_document()).encode()),
            id="until the end",
        ),
        pytest.param(
            lambda wire: wire.sendall(
                b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\n{}"
            ),
            id="after a hint",
        ),
        pytest.param(
            answer(b"{}" + b" " * (MAX_BODY_BYTES - 2), "Content-Encoding: identity"),
            id="as large as it may be",
        ),
    ],
)
def test_every_framing_of_http_is_read(
    internet: Internet, document_host: DocumentHost, behaviour: Behaviour
) -> None:
    document_host.behaviour = behaviour
    assert isinstance(json.loads(fetch().body), dict)


@pytest.mark.case(50)
@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308", "300", "304"])
def test_a_redirect_is_not_followed(
    refused: Callable[..., dict[str, str]],
    internet: Internet,
    document_host: DocumentHost,
    status: str,
) -> None:
    document_host.behaviour = answer(
        build_document(), f"Location: {URL}?sentinel", status=f"{status} Moved"
    )
    assert refused("cimd_redirect")["status"] == status
    assert (document_host.connections, len(internet.lookups)) == (1, 1)


@pytest.mark.case(51)
@pytest.mark.parametrize("status", ["201 Created", "206 Partial", "404 sentinel", "500 Oops"])
def test_another_status_than_200_is_an_error_that_is_not_repeated_for_a_minute(
    refused: Callable[..., dict[str, str]],
    document_host: DocumentHost,
    status: str,
) -> None:
    document_host.behaviour = answer(build_document(client_name="sentinel"), status=status)
    assert refused("cimd_status")["status"] == status[:3]
    document_host.behaviour = answer(build_document())
    refused("cimd_backoff", 429)
    assert document_host.connections == 1


@pytest.mark.case(51)
def test_no_content_is_no_document(
    refused: Callable[..., dict[str, str]], document_host: DocumentHost
) -> None:
    document_host.behaviour = lambda wire: wire.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert refused("cimd_status")["status"] == "204"


@pytest.mark.case(56)
@pytest.mark.parametrize(
    "content_type",
    ["text/html", "text/plain", "application/jsonx", "application/+json", "", "application/xml"],
)
def test_another_content_type_is_refused(
    refused: Callable[..., dict[str, str]], document_host: DocumentHost, content_type: str
) -> None:
    document_host.behaviour = answer(build_document(), content_type=content_type)
    refused("cimd_content_type")


@pytest.mark.case(52)
@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip", "x"])
def test_nothing_compressed_is_opened(
    refused: Callable[..., dict[str, str]], document_host: DocumentHost, coding: str
) -> None:
    document_host.behaviour = answer(b"\x1f\x8b" * 50, f"Content-Encoding: {coding}")
    refused("cimd_encoding")


@pytest.mark.case(52)
@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(answer(b"{", length=MAX_BODY_BYTES + 1), id="declared"),
        pytest.param(flood(HEAD + b"\r\n", b" " * 4096), id="undeclared"),
        pytest.param(
            lambda wire: wire.sendall(HEAD + b"\r\n{}" + b" " * (MAX_BODY_BYTES - 1)),
            id="one byte more",
        ),
        pytest.param(flood(CHUNKED, b"1000\r\n" + b" " * 4096 + b"\r\n"), id="chunked"),
        pytest.param(flood(CHUNKED, b"1;" + b"x" * 4000 + b"\r\n \r\n"), id="chunk extensions"),
        pytest.param(flood(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), id="hints without end"),
    ],
)
def test_reading_stops_at_sixteen_kibibytes(
    refused: Callable[..., dict[str, str]],
    document_host: DocumentHost,
    behaviour: Behaviour,
) -> None:
    document_host.behaviour = behaviour
    refused("cimd_size")


@pytest.mark.case(52)
@pytest.mark.parametrize("piece", [b"X-Filler: " + b"x" * 500 + b"\r\n", b"x" * 1000])
def test_headers_have_a_limit_too(
    internet: Internet, document_host: DocumentHost, piece: bytes
) -> None:
    document_host.behaviour = flood(HEAD + b"X-Start: 1\r\n", piece)
    assert refusal() == "cimd_http"


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"sentinel\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
        HEAD + b"Content-Length: -1\r\n\r\n{}",
        CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}",
        b"HTTP/2 200\r\n\r\n{}",
    ],
)
def test_broken_http_is_refused(
    internet: Internet, document_host: DocumentHost, response: bytes
) -> None:
    document_host.behaviour = lambda wire: wire.sendall(response)
    assert refusal() == "cimd_http"


@pytest.mark.case(53)
@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(drip(HEAD + b"Content-Length: 1000\r\n\r\n", b" "), id="body"),
        pytest.param(drip(CHUNKED, b"1\r\n \r\n"), id="chunks"),
        pytest.param(drip(HEAD, b"X-Drip: 1\r\n"), id="headers"),
        pytest.param(drip(b"", b"H"), id="status line"),
        pytest.param(drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), id="hints"),
        pytest.param(lambda wire: time.sleep(5 * SHORT), id="silence"),
    ],
)
def test_a_dripping_host_is_left_at_the_deadline(
    internet: Internet, document_host: DocumentHost, short: float, behaviour: Behaviour
) -> None:
    document_host.behaviour = behaviour
    started_at = time.monotonic()
    assert refusal() == "cimd_timeout"
    assert short <= time.monotonic() - started_at < short + 0.5


@pytest.mark.case(53)
def test_a_person_is_told_when_the_deadline_has_passed(
    unreachable: Callable[[str], dict[str, str]], document_host: DocumentHost, short: float
) -> None:
    document_host.behaviour = drip(HEAD + b"\r\n", b" ")
    unreachable("cimd_timeout")


@pytest.mark.case(54)
def test_a_connection_that_is_never_accepted_ends_at_the_deadline(
    internet: Internet, monkeypatch: pytest.MonkeyPatch, short: float
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        # Fill the queue: the kernel then leaves the next ones unanswered.
        waiting = [socket.socket() for _ in range(4)]
        for filler in waiting:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        network = internet.build_network()
        dialled = document_connection.Network(
            network.resolve,
            lambda address, _, timeout: document_connection.dial("127.0.0.1", port, timeout),
            network.load_trust,
        )
        monkeypatch.setattr(document_fetch, "network", dialled)
        started_at = time.monotonic()
        assert refusal() == "cimd_timeout"
        assert time.monotonic() - started_at < short + 0.5
        for filler in waiting:
            filler.close()


@pytest.mark.case(54)
def test_a_handshake_that_never_ends_ends_at_the_deadline(
    internet: Internet, document_host: DocumentHost, short: float
) -> None:
    document_host.context = None
    document_host.behaviour = lambda wire: None
    started_at = time.monotonic()
    assert refusal() == "cimd_timeout"
    assert time.monotonic() - started_at < short + 0.5


@pytest.mark.case(54)
def test_a_resolver_that_never_answers_is_left_at_the_deadline(
    internet: Internet, document_host: DocumentHost, short: float
) -> None:
    internet.resolve_seconds = 3 * short
    started_at = time.monotonic()
    assert refusal() == "cimd_timeout"
    assert time.monotonic() - started_at < short + 0.5
    assert internet.dialled == []


def test_waiting_lookups_are_counted(
    internet: Internet, short: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_connection, "RESOLVERS", threading.BoundedSemaphore(1))
    internet.resolve_seconds = 3 * short
    assert refusal() == "cimd_timeout"
    with pytest.raises(DocumentPostponedError) as error:
        fetch()
    assert error.value.reason == "cimd_capacity"
    assert len(internet.lookups) == 1


@pytest.mark.case(55)
@pytest.mark.parametrize("fault", ["self-signed", "expired", "another name", "unknown authority"])
def test_a_certificate_that_proves_nothing_is_refused(
    refused: Callable[..., dict[str, str]],
    internet: Internet,
    document_host: DocumentHost,
    tmp_path_factory: pytest.TempPathFactory,
    fault: str,
) -> None:
    authority = document_host.authority
    document_host.context = {
        "self-signed": lambda: authority.build_server_context(HOST, self_signed=True),
        "expired": lambda: authority.build_server_context(HOST, age=2),
        "another name": lambda: authority.build_server_context("other.example"),
        "unknown authority": lambda: build_authority(
            tmp_path_factory.mktemp("other")
        ).build_server_context(HOST),
    }[fault]()
    refused("cimd_tls")
    assert document_host.requests == []


@pytest.mark.case(46)
@pytest.mark.parametrize("address", SPECIAL)
def test_no_packet_goes_to_a_special_address(
    unreachable: Callable[[str], dict[str, str]],
    internet: Internet,
    document_host: DocumentHost,
    address: str,
) -> None:
    internet.answers = [[address]]
    details = unreachable("cimd_private_ip")
    assert address not in str(details)
    assert internet.dialled == []
    assert document_host.connections == 0


@pytest.mark.case(47)
@pytest.mark.parametrize("answers", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"]])
def test_one_special_address_condemns_the_host(
    unreachable: Callable[[str], dict[str, str]],
    internet: Internet,
    document_host: DocumentHost,
    answers: list[str],
) -> None:
    internet.answers = [answers]
    unreachable("cimd_private_ip")
    assert (internet.dialled, document_host.connections) == ([], 0)


@pytest.mark.case(48)
def test_a_name_is_resolved_once_and_the_checked_address_is_used(
    internet: Internet, document_host: DocumentHost
) -> None:
    internet.answers = [[PUBLIC], ["127.0.0.1"]]
    fetch()
    assert internet.lookups == [(HOST, 443)]
    assert internet.dialled == [(PUBLIC, 443)]
    # The next one finds the second answer, and goes nowhere.
    assert refusal() == "cimd_private_ip"
    assert (len(internet.dialled), document_host.connections) == (1, 1)


def test_an_address_that_is_dead_is_followed_by_the_next(internet: Internet) -> None:
    internet.answers = [["2606:4700::1", "2606:4700::1", PUBLIC]]
    internet.dead = {"2606:4700::1"}
    fetch()
    assert internet.dialled == [("2606:4700::1", 443), (PUBLIC, 443)]
    internet.dead.add(PUBLIC)
    assert refusal() == "cimd_connect"


@pytest.mark.parametrize("answers", [[], ["1.2.3.4.5"]])
def test_a_name_without_an_address_is_refused(internet: Internet, answers: list[str]) -> None:
    internet.answers = [answers]
    assert refusal() == ("cimd_private_ip" if answers else "cimd_dns")
    assert internet.dialled == []


def test_the_real_resolver_and_wire_reach_a_local_server(
    document_host: DocumentHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_fetch, "network", document_connection.Network())
    with serve_documents(document_host.authority, secure=False) as plain:
        url = f"http://localhost:{plain.port}/client.json"
        plain.behaviour = answer(build_document(url))
        # IPv6 may answer for the name first, where nobody listens.
        fetched = fetch_document(parse_client_id_url(url, allow_loopback=True))
        assert json.loads(fetched.body)["client_id"] == url


def test_the_system_s_authorities_are_trusted_and_names_are_checked() -> None:
    context = document_connection.load_trust()
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    assert context.minimum_version >= context.minimum_version.TLSv1_2
