"""Where the microseconds of one call go: ``make bench ARGS=--steps``.

The whole WSGI application is called in this process, without a server, and each step's own time on
the processor is told apart from that of the steps inside it. The least of many runs is printed,
since other programs only ever add. A program of its own, because settings are read at import.
"""

import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from activity import recorder
from activity.middleware import ReferenceMiddleware
from docjacket_mcp.proxy_headers import ProxyHeadersMiddleware
from docjacket_mcp.wsgi import application
from mcp_endpoint import calls, middleware, tool_methods, views
from oauth_ext import standing, verification

RUNS, CALLS = 20, 200
# Whatever is named twice in the table is one line of it.
STEPS: tuple[tuple[Any, str, str], ...] = (
    (WSGIHandler, "__call__", "Django: request object, start of request"),
    (HttpResponseBase, "close", "Django: end of request"),
    (ProxyHeadersMiddleware, "__call__", "middleware: proxy headers"),
    (MiddlewareMixin, "__call__", "middleware: security headers"),
    (ReferenceMiddleware, "__call__", "middleware: reference, log context"),
    (CorsMiddleware, "__call__", "middleware: CORS"),
    (middleware.McpCorsMiddleware, "__call__", "middleware: CORS"),
    (middleware, "serve_mcp", "host, origin, method, body, content type, order of checks"),
    (views, "origin_of", "address and user agent for the log"),
    (views, "authenticate", "bearer header, principal"),
    (verification, "parse_access_token", "token: hash, remembered signature, key files"),
    (verification, "find_connection_standing", "verify: row to standing"),
    (standing, "execute_prepared", "verify: the round trip"),
    (views, "read_message", "strict JSON, envelope, revision"),
    (views, "record_use", "last use"),
    (views, "dispatch", "method, tool, scope"),
    (tool_methods, "call_tool", "arguments"),
    (calls, "compute_result", "tool, result to JSON"),
    (calls, "record_event", "record: redaction, row"),
    (recorder, "execute_prepared", "record: the round trip, durable"),
    (views, "build_response", "answer to JSON and HTTP"),
)


class Clock:
    """Each step's own nanoseconds on the processor."""

    def __init__(self) -> None:
        self.own: dict[str, int] = defaultdict(int)
        self._inner: list[int] = []

    def time(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0)
            started = time.thread_time_ns()
            try:
                return function(*args, **kwargs)
            finally:
                used = time.thread_time_ns() - started
                self.own[step] += used - self._inner.pop()
                if self._inner:
                    self._inner[-1] += used

        return timed


def main() -> None:
    """Read requests as the load generator sends them; print a table."""
    requests = [build_environ(request) for request in json.loads(sys.stdin.read())]
    for _ in range(5):
        call_all(requests)
    whole = min(measure(requests) for _ in range(RUNS))
    clock = Clock()
    for owner, name, step in STEPS:
        setattr(owner, name, clock.time(step, getattr(owner, name)))
    best: dict[str, int] = {}
    for _ in range(RUNS):
        clock.own.clear()
        measure(requests)
        if not best or sum(clock.own.values()) < sum(best.values()):
            best = dict(clock.own)
    lines = ["| step | µs |", "|---|---|"]
    for step in dict.fromkeys(step for _, _, step in STEPS):
        lines.append(f"| {step} | {best[step] / CALLS / 1000:.0f} |")
    timed = sum(best.values()) / CALLS / 1000
    lines.append(f"| together, timed ({whole:.0f} when nothing is timed) | {timed:.0f} |")
    sys.stdout.write("\n".join(lines) + "\n")


def measure(requests: list[tuple[dict[str, Any], bytes]]) -> float:
    """Microseconds of processor a call."""
    started = time.thread_time()
    for _ in range(CALLS // len(requests)):
        call_all(requests)
    return (time.thread_time() - started) / CALLS * 1e6


def call_all(requests: list[tuple[dict[str, Any], bytes]]) -> None:
    """One call of each connection."""
    for environ, body in requests:
        answer: Any = application(environ | {"wsgi.input": io.BytesIO(body)}, start_response)
        for _ in answer:
            pass
        answer.close()


def start_response(status: str, headers: list[tuple[str, str]], exception: Any = None) -> None:
    """What a server would offer."""
    assert status == "200 OK", status


def build_environ(request: str) -> tuple[dict[str, Any], bytes]:
    """The environment that gunicorn makes of a request."""
    head, _, body = request.partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    fields = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    environ = {
        **fields,
        "CONTENT_TYPE": fields.pop("HTTP_CONTENT_TYPE"),
        "CONTENT_LENGTH": fields.pop("HTTP_CONTENT_LENGTH"),
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/mcp",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
    }
    return environ, body.encode()


if __name__ == "__main__":
    main()
