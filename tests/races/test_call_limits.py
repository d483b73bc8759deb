"""The limits on calls across two nodes: never more than they allow, and never too little."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle

import pytest
from django.db import connection as database

from accounts.models import TokenBucket
from tests.figures import report
from tests.live.application import ACCEPT, Application
from tests.live.conftest import WIDE, Resident
from tests.live.server import LiveServer, serve
from tests.live.wire import Prepared, Wire, prepare_json
from tests.races.conftest import Nodes

PER_MINUTE = 120
BURST, A_SECOND = PER_MINUTE / 2, PER_MINUTE / 60
LIMITS = {"MCP_CONNECTION_RATE": str(PER_MINUTE), "MCP_ORGANIZATION_RATE": str(PER_MINUTE)}
SECONDS = 4.0


@pytest.fixture(scope="module")
def limited_nodes(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two masters with two workers each, under the same address, with limits."""
    logs = [tmp_path_factory.mktemp("limited") / f"gunicorn-{number}.log" for number in (1, 2)]
    name = str(database.settings_dict["NAME"])
    common = WIDE | LIMITS | {"PUBLIC_URL": server.url}
    with serve(name, logs[0], **common) as one, serve(name, logs[1], **common) as two:
        yield one, two
    for log in logs:
        assert "Traceback" not in log.read_text(), log.read_text()


def prepare_list(token: str) -> Prepared:
    """A request that costs a call."""
    document = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"Authorization": f"Bearer {token}", "Accept": ACCEPT}
    return prepare_json("/mcp", document, headers)


def hammer(node: LiveServer, token: str, until: float) -> Counter[int]:
    """Call without a pause; the answers by status."""
    statuses: Counter[int] = Counter()
    with Wire(node.address) as wire:
        while time.monotonic() < until:
            statuses[wire.post(prepare_list(token)).status] += 1
    return statuses


@pytest.mark.parametrize("connections", [1, 3])
def test_a_crowd_is_answered_no_more_than_the_limit_over_all_processes(
    limited_nodes: Nodes, application: Application, settled: Resident, connections: int
) -> None:
    applications = [application] + [
        Application.register(limited_nodes[0], f"{application.name} {number}")
        for number in range(1, connections)
    ]
    tokens = [each.connect(settled.browser, settled.acme).access_token for each in applications]
    started = time.monotonic()
    until = started + SECONDS
    with ThreadPoolExecutor(12) as pool:
        pairs = zip(cycle(limited_nodes), cycle(tokens), range(12), strict=False)
        runs = [pool.submit(hammer, node, token, until) for node, token, _ in pairs]
        statuses = sum((run.result() for run in runs), Counter())
    seconds = time.monotonic() - started
    report(f"{connections} connections: {dict(statuses)} in {seconds:.1f} s")
    assert set(statuses) <= {200, 429}
    assert statuses[200] <= BURST + A_SECOND * seconds
    # Nor much less: what is leased and lost is little.
    assert statuses[200] >= 0.75 * BURST
    assert statuses[429] > 0


def test_a_client_at_half_the_rate_is_never_refused_even_when_nothing_is_saved_up(
    limited_nodes: Nodes, application: Application, settled: Resident
) -> None:
    token = application.connect(settled.browser, settled.acme).access_token
    with ExitStack() as opened:
        open_wires = [Wire(node.address) for node in limited_nodes for _ in range(2)]
        wires = cycle([opened.enter_context(wire) for wire in open_wires])
        assert next(wires).post(prepare_list(token)).status == 200
        TokenBucket.objects.filter(policy__startswith="mcp.").update(tokens=1)
        begun = time.monotonic()
        for number in range(1, 13):
            time.sleep(max(0.0, begun + number - time.monotonic()))
            assert next(wires).post(prepare_list(token)).status == 200, f"call {number}"
