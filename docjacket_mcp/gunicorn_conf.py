"""How gunicorn serves: threads for short blocking requests, a graceful end, no access log.

``/mcp`` is plain blocking code and most of its time is one database round trip, so a few threads
a worker are enough. The activity log is the record of requests; an access log would repeat it and
write authorization codes, which arrive in query strings, to disk.
"""

import logging
import os
import socket
import struct
import sys
from pathlib import Path

from django.db import connections
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from docjacket_mcp.settings_or_exit import load_settings_or_exit
from mcp_endpoint import paced_body

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docjacket_mcp.settings")
load_settings_or_exit()

wsgi_app = "docjacket_mcp.wsgi:application"
bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"

worker_class = "gthread"
try:
    workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
except ValueError:
    sys.exit("WEB_CONCURRENCY must be a number")
threads = int(os.environ.get("WEB_THREADS") or 8)
preload_app = True

# An authorization request may be 8 KiB long; the server's own limit is half of that.
limit_request_line = 8190
timeout = 60
# Longer than a tool may take unless it says otherwise (mcp_endpoint.definitions).
graceful_timeout = 35
# Longer than the idle timeout of the usual load balancers, so that they close first.
keepalive = 75

# The kernel's way of sending a file heeds no time limit of the socket.
sendfile = False

# What proxies say is for docjacket_mcp.proxy_headers to judge. By default gunicorn believes every
# program on the same host, also about which path was asked for.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

accesslog = None
errorlog = "-"
loglevel = os.environ.get("GUNICORN_LOG_LEVEL") or "warning"

# The heartbeat file must not wait for a disk.
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - gunicorn makes a file of an unguessable name in it
worker_tmp_dir = SHARED_MEMORY if Path(SHARED_MEMORY).is_dir() else None
# Its socket is one file per user: two deployments of one account would share it.
control_socket_disable = True


def when_ready(server: Arbiter) -> None:
    """Bound what is sent; in the quick start, wait until the database is prepared as well: its
    end of the pipe closes.
    """
    limit_sending(server)
    descriptor = os.environ.get("SERVE_AFTER_FD")
    if descriptor:
        with open(int(descriptor), "rb") as gate:
            gate.read()


def limit_sending(server: Arbiter) -> None:
    """Let go of whoever reads nothing of a page or a file: gunicorn would wait without limit.

    Connections inherit it from the socket that they come in at (socket(7), SO_SNDTIMEO).
    """
    limit = struct.pack("@ll", *divmod(int(paced_body.PIECE_SECONDS * 1_000_000), 1_000_000))
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    server.log.error_log.addFilter(is_fault)


def is_fault(record: logging.LogRecord) -> bool:
    """Whether a line of gunicorn is about more than a client who did not read in time."""
    return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))


def pre_fork(server: Arbiter, worker: Worker) -> None:
    """A connection opened while the application loaded must not be shared between workers."""
    connections.close_all()
