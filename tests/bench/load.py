"""Sends calls over kept connections, one waiting for its answer on each, and counts.

A process of its own with nothing but the standard library: requests are made beforehand, and an
answer is only searched for its end and for the words of success. It reads its order as a line of
JSON, says "warm" after a moment, begins to count at the next line, and writes one line of JSON.
"""

import json
import re
import resource
import select
import socket
import sys
import time
from dataclasses import dataclass, field

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
SUCCESS = (b'"isError":false', b'"isError": false')


@dataclass
class Line:
    """One connection with its one request."""

    sock: socket.socket
    request: bytes
    sent: float = 0.0
    received: bytes = b""


@dataclass
class Load:
    """All connections of one server and what came back."""

    lines: dict[int, Line]
    poller: select.epoll = field(default_factory=select.epoll)
    latencies: list[float] = field(default_factory=list)
    waiting: int = 0

    def run(self, seconds: float) -> None:
        """Call for so long, then take the answers that are still out."""
        self.latencies.clear()
        end = time.perf_counter() + seconds
        for line in self.lines.values():
            self.send(line)
        while self.waiting:
            for number, _ in self.poller.poll(10):
                line = self.lines[number]
                if self.receive(line) and time.perf_counter() < end:
                    self.send(line)

    def send(self, line: Line) -> None:
        """The next request of a connection."""
        line.sent = time.perf_counter()
        line.sock.sendall(line.request)
        self.waiting += 1

    def receive(self, line: Line) -> bool:
        """Whether the answer is complete now."""
        part = line.sock.recv(65536)
        line.received = answer = line.received + part
        head = answer.find(b"\r\n\r\n")
        length = LENGTH.search(answer, 0, head + 2) if head > 0 else None
        if not part or (head > 0 and length is None):
            raise SystemExit(f"no answer that can be measured: {answer[:500]!r}")
        if length is None or len(answer) < head + 4 + int(length[1]):
            return False
        if not answer.startswith(b"HTTP/1.1 200 ") or not any(word in answer for word in SUCCESS):
            raise SystemExit(f"a call failed: {answer[:800]!r}")
        self.latencies.append(time.perf_counter() - line.sent)
        line.received = b""
        self.waiting -= 1
        return True


def connect(port: int, requests: list[str]) -> Load:
    """One connection for each request."""
    load = Load({})
    for request in requests:
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        load.lines[sock.fileno()] = Line(sock, request.encode())
        load.poller.register(sock.fileno(), select.EPOLLIN)
    return load


def main() -> None:
    """One measurement."""
    order = json.loads(sys.stdin.readline())
    load = connect(order["port"], order["requests"])
    load.run(order["warm_up"])
    sys.stdout.write("warm\n")
    sys.stdout.flush()
    sys.stdin.readline()
    used = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    load.run(order["seconds"])
    elapsed = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    ordered = sorted(load.latencies)
    report = {
        "calls": len(ordered),
        "seconds": elapsed,
        "cpu": after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime,
        "median": ordered[len(ordered) // 2],
        "p99": ordered[len(ordered) * 99 // 100],
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
