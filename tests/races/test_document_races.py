"""Many people and slow hosts at once: metadata documents on a server of two processes.

The documents lie on this machine, which only the quick start's own setting allows.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection as database

from activity.models import ActivityEvent
from oauth_ext.models import Client
from tests.document_host import DocumentHost, answer, build_authority, build_document
from tests.live.application import Application
from tests.live.conftest import Resident, make_resident
from tests.live.server import LiveServer, serve
from tests.oauth_client import CALLBACK, build_challenge

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
# Two processes, half of whose eight threads may be in a fetch.
MOST_IN_FLIGHT = 8
OPEN_TRANSACTIONS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
)


@pytest.fixture(scope="module")
def document_server(
    committed: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server that takes documents from this machine."""
    log = tmp_path_factory.mktemp("document-server") / "gunicorn.log"
    name = str(database.settings_dict["NAME"])
    with serve(name, log, CIMD_ALLOW_LOOPBACK="on") as server:
        yield server
    assert "Traceback" not in server.read_log(), server.read_log()


@pytest.fixture
def visitors(document_server: LiveServer) -> Iterator[list[Resident]]:
    """Six people who are signed in; each may be at two documents at once."""
    with ExitStack() as stack:
        residents = [make_resident(document_server) for _ in range(6)]
        for resident in residents:
            stack.enter_context(resident.browser)
            resident.browser.open("/settings/ai-access")
        yield residents


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[DocumentHost]:
    """A web server without TLS."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        host = DocumentHost(build_authority(tmp_path), listener, None)
        threading.Thread(target=host.serve, daemon=True).start()
        yield host
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def open_at_once(server: LiveServer, visitors: list[Resident], client_ids: list[str]) -> list[int]:
    """The statuses of as many authorization requests, all released together, in turn by all."""
    barrier = threading.Barrier(len(client_ids))
    cookies = [visitor.browser.cookies for visitor in visitors]

    def open_one(number: int, client_id: str) -> int:
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "code_challenge": build_challenge(),
            "code_challenge_method": "S256",
        }
        wire = HTTPConnection(*server.address, timeout=30)
        wire.connect()
        barrier.wait(30)
        wire.request(
            "GET",
            f"/authorize?{urlencode(query)}",
            headers={"Cookie": cookies[number % len(cookies)]},
        )
        status = wire.getresponse().status
        wire.close()
        return status

    with ThreadPoolExecutor(len(client_ids)) as pool:
        return list(pool.map(open_one, range(len(client_ids)), client_ids))


@pytest.mark.case(65)
def test_one_new_url_is_fetched_once_however_many_ask(
    document_server: LiveServer, visitors: list[Resident], publisher: DocumentHost
) -> None:
    url = f"http://127.0.0.1:{publisher.port}/{uuid4().hex}.json"
    good = answer(build_document(url))

    def behave_slowly(wire: socket.socket) -> None:
        time.sleep(0.3)
        good(wire)

    publisher.behaviour = behave_slowly
    statuses = Counter(open_at_once(document_server, visitors, [url] * 12))
    assert set(statuses) <= {200, 503}
    assert statuses[200] >= 1
    assert publisher.connections == 1
    assert Client.objects.filter(client_id=url).count() == 1
    registered = ActivityEvent.objects.filter(event="oauth.client.registered", client_id=url)
    assert registered.count() == 1


@pytest.mark.case(64)
def test_dripping_hosts_hold_no_transaction_and_leave_the_others_served(
    document_server: LiveServer, visitors: list[Resident], publisher: DocumentHost
) -> None:
    in_flight: list[int] = [0]
    most: list[int] = [0]
    count = threading.Lock()

    def drip(wire: socket.socket) -> None:
        with count:
            in_flight[0] += 1
            most[0] = max(most[0], in_flight[0])
        try:
            wire.sendall(HEAD)
            while True:
                time.sleep(0.1)
                wire.sendall(b" ")
        finally:
            with count:
                in_flight[0] -= 1

    publisher.behaviour = drip
    application = Application.register(document_server, f"Bystander {uuid4().hex[:8]}")
    tokens = application.connect(visitors[0].browser, visitors[0].acme)
    urls = [
        f"http://{host}:{publisher.port}/{uuid4().hex}.json"
        for host in ("127.0.0.1", "localhost")
        for _ in range(6)
    ]
    with ThreadPoolExecutor(1) as pool:
        visit = pool.submit(open_at_once, document_server, visitors, urls)
        wait_until(lambda: in_flight[0] >= 2)
        with database.cursor() as cursor:
            cursor.execute(OPEN_TRANSACTIONS)
            assert cursor.fetchone()[0] == 0
        slowest = 0.0
        with application.wire() as wire:
            for _ in range(100):
                started_at = time.monotonic()
                assert application.call(wire, tokens.access_token).status == 200
                slowest = max(slowest, time.monotonic() - started_at)
        assert in_flight[0] > 0, "the hosts must still be dripping"
        statuses = Counter(visit.result())
    assert set(statuses) <= {400, 503}
    assert 2 <= most[0] <= MOST_IN_FLIGHT
    assert publisher.connections <= MOST_IN_FLIGHT
    # A call that had to wait for a fetch would have taken seconds.
    assert slowest < 1.5
    wait_until(lambda: in_flight[0] == 0)


@pytest.mark.case(64)
def test_one_person_at_slow_hosts_leaves_the_others_their_documents(
    document_server: LiveServer, visitors: list[Resident], publisher: DocumentHost
) -> None:
    slow, quick = visitors[:1], visitors[1:2]
    good_url = f"http://localhost:{publisher.port}/{uuid4().hex}.json"
    good, reached = answer(build_document(good_url)), threading.Event()

    def behave(wire: socket.socket) -> None:
        if good_url.rpartition("/")[2].encode() in publisher.requests[-1]:
            good(wire)
            return
        reached.set()
        with suppress(OSError):
            wire.recv(1)

    publisher.behaviour = behave
    urls = [f"http://127.0.0.1:{publisher.port}/{uuid4().hex}.json"] * 16
    with ThreadPoolExecutor(1) as pool:
        visit = pool.submit(open_at_once, document_server, slow, urls)
        assert reached.wait(10)
        started_at = time.monotonic()
        assert open_at_once(document_server, quick, [good_url]) == [200]
        assert time.monotonic() - started_at < 3
        statuses = Counter(visit.result())
    # One fetches, one waits for it, and the rest are told at once that these are enough.
    assert set(statuses) <= {400, 429, 503}
    assert statuses[429] >= 14
    assert publisher.connections == 2


def wait_until(is_so: Callable[[], bool]) -> None:
    """Poll for ten seconds."""
    ends_at = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.02)
