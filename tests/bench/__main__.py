"""Measures ``tools/call`` side by side and prints the ratios; ``make bench`` (docs/performance.md).

All servers run at once on one PostgreSQL with fsync on; only one is called at a time. Every round
calls each of them at each number of connections, in another order, so that what disturbs the
machine disturbs all of them. A run in which a call failed or left no row prints no figures.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from docjacket_mcp.guardian import Guardian
from tests.bench.stage import HOST, PEER_PYTHON, Server, Stage, say
from tests.bench.tables import Figure, print_tables

CONNECTIONS = 64
LEVELS = (1, 16, 64)
STEP_CONNECTIONS = 20
WARM_UP = 0.4
# Percent of the machine that counts as quiet, and the seconds of a look at it.
QUIET, LOOK = 15, 0.3
MODERN, LEGACY = "2026-07-28", "2025-06-18"
LOAD = Path(__file__).with_name("load.py")


@dataclass(frozen=True, slots=True)
class Contender:
    """A server called in one revision."""

    title: str
    server: Server
    revision: str


@dataclass
class Patience:
    """How long the run may still wait for other programs to pause."""

    seconds: float

    def wait(self) -> None:
        """Return once others take little of the machine, or when there is no patience left."""
        while self.seconds > 0 and psutil.cpu_percent(LOOK) > QUIET:
            self.seconds -= LOOK


def main() -> None:
    """One whole run."""
    options = read_options()
    guardian = Guardian()
    try:
        stage = Stage(guardian)
        scene = stage.prepare(CONNECTIONS)
        if options.steps:
            requests = [
                build_request(token, MODERN) for token in scene["tokens"][:STEP_CONNECTIONS]
            ]
            say(stage.time_steps(requests))
            return
        stage.order_peers(scene, memoize=options.peers_verify == "once")
        contenders = start(stage, options.only.split(",") if options.only else None)
        measurements = measure_all(stage, contenders, scene["tokens"], options)
    finally:
        guardian.stop_all()
    print_tables(measurements, LEVELS)


def read_options() -> argparse.Namespace:
    """What may be chosen; the defaults take about four minutes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--steps", action="store_true", help="only where a call's time goes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.5, help="of each measurement")
    parser.add_argument("--only", help="ours, on_sdk, on_fastmcp, floor; separated by commas")
    parser.add_argument("--levels", default=",".join(map(str, LEVELS)))
    parser.add_argument(
        "--patience", type=float, default=0, help="seconds in all to wait for a quiet machine"
    )
    parser.add_argument(
        "--peers-verify",
        choices=("once", "always"),
        default="once",
        help="once: peers remember good signatures, as ours does; always: each call",
    )
    return parser.parse_args()


def start(stage: Stage, only: list[str] | None) -> list[Contender]:
    """Every contender, its server running."""
    wanted: list[tuple[str, str, Callable[[], Server], tuple[str, ...]]] = [
        ("ours", "DocJacket MCP", stage.start_ours, (MODERN, LEGACY)),
        ("on_sdk", "Python SDK", lambda: stage.start_peer("on_sdk"), (MODERN, LEGACY)),
        ("on_fastmcp", "FastMCP", lambda: stage.start_peer("on_fastmcp"), (MODERN, LEGACY)),
        ("floor", "bare ASGI", lambda: stage.start_peer("floor"), (MODERN,)),
    ]
    contenders = []
    for name, title, begin, revisions in wanted:
        if only is None or name in only:
            server = begin()
            contenders += [
                Contender(f"{title} @{revision}" if name != "floor" else title, server, revision)
                for revision in revisions
            ]
    return contenders


def measure_all(
    stage: Stage, contenders: list[Contender], tokens: list[str], options: argparse.Namespace
) -> dict[str, dict[int, list[Figure]]]:
    """Every figure by contender and number of connections, one a round."""
    figures: dict[str, dict[int, list[Figure]]] = {
        contender.title: defaultdict(list) for contender in contenders
    }
    patience = Patience(options.patience)
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        for level in map(int, options.levels.split(",")):
            shift = number % len(contenders)
            for contender in contenders[shift:] + contenders[:shift]:
                patience.wait()
                figure = measure(stage, contender, tokens[:level], options.seconds)
                figures[contender.title][level].append(figure)
    return figures


def measure(stage: Stage, contender: Contender, tokens: list[str], seconds: float) -> Figure:
    """One server at one number of connections, once."""
    order = {
        "port": contender.server.port,
        "requests": [build_request(token, contender.revision) for token in tokens],
        "warm_up": WARM_UP,
        "seconds": seconds,
    }
    with subprocess.Popen(
        [sys.executable, "-I", str(LOAD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as load:
        assert load.stdin and load.stdout
        load.stdin.write(json.dumps(order) + "\n")
        load.stdin.flush()
        if load.stdout.readline() != "warm\n":
            raise SystemExit(f"{contender.title} could not be measured.")
        rows = count_rows(stage)
        before = sample(stage, contender)
        load.stdin.write("go\n")
        load.stdin.flush()
        told = load.stdout.readline()
        after = sample(stage, contender)
    if not told:
        raise SystemExit(f"{contender.title} could not be measured.")
    report = json.loads(told)
    calls = report["calls"]
    written = count_rows(stage) - rows
    if written != calls:
        raise SystemExit(f"{contender.title}: {calls} calls left {written} rows.")
    server, database, machine = (end - start for start, end in zip(before, after, strict=True))
    available = report["seconds"] * (os.cpu_count() or 1)
    return Figure(
        rate=calls / report["seconds"],
        server=server / calls,
        database=database / calls,
        busy=report["cpu"] / report["seconds"],
        others=max(0.0, machine - server - database - report["cpu"]) / available,
        median=report["median"],
        p99=report["p99"],
    )


def sample(stage: Stage, contender: Contender) -> tuple[float, float, float]:
    """Seconds of processor so far: the server's, PostgreSQL's and the whole machine's."""
    machine = psutil.cpu_times()
    busy = sum(machine) - machine.idle - machine.iowait - machine.guest - machine.guest_nice
    return contender.server.measure_cpu(), stage.measure_cpu(), busy


def count_rows(stage: Stage) -> int:
    """How many rows the log has ever been given."""
    with psycopg.connect(stage.url) as connection:
        row = connection.execute("SELECT count(*) FROM activity_event").fetchone()
    assert row
    return int(row[0])


def build_request(token: str, revision: str) -> str:
    """A call of ``whoami`` as a client behind a proxy sends it."""
    params: dict[str, Any] = {"name": "whoami", "arguments": {}}
    headers = {
        "Host": HOST,
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "User-Agent": "bench",
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        "MCP-Protocol-Version": revision,
    }
    if revision == MODERN:
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": "whoami"}
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": revision,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers["Content-Length"] = str(len(body))
    lines = ["POST /mcp HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines) + "\r\n\r\n" + body


if __name__ == "__main__":
    if not PEER_PYTHON.exists():
        raise SystemExit("make bench makes the environment of the peers first.")
    main()
