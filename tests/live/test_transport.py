"""What proxies and servers have been tricked with, at ``/mcp`` and with a token that works."""

import json
import socket
from uuid import UUID

import pytest

from accounts.models import Membership
from activity.events import Event
from activity.models import ActivityEvent
from activity.origin import Origin
from activity.references import new_reference
from oauth_ext.personal_tokens import mint_personal_token
from tests.live.conftest import Resident, make_resident
from tests.live.server import LiveServer

CALL = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami"}}
).encode()


@pytest.fixture(scope="module")
def caller(server: LiveServer) -> Resident:
    """Somebody whose calls nobody else makes."""
    return make_resident(server)


@pytest.fixture(scope="module")
def token(caller: Resident) -> str:
    """Their personal access token."""
    return mint_personal_token(
        Membership.objects.get(user=caller.user, organization_id=caller.acme_id),
        label="Transport",
        scopes=("read",),
        days=1,
        nonce=new_reference(),
        origin=Origin(new_reference()),
    )


def count_calls(user_id: UUID) -> int:
    """How often a tool ran for this person."""
    return ActivityEvent.objects.filter(user_id=user_id, event=Event.TOOL_CALLED).count()


def send(server: LiveServer, request: bytes, *, has_more: bool = False) -> bytes:
    """Everything that comes back until the server closes, which it must within ten seconds.

    Args:
        has_more: more could follow, so only the server can be the one who ends it.
    """
    received = b""
    with socket.create_connection(server.address, timeout=10) as connection:
        try:
            connection.sendall(request)
            if not has_more:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionError:
            pass
    return received


def build_call(
    token: str,
    *,
    target: bytes = b"/mcp",
    host: bytes = b"Host: 127.0.0.1",
    more: bytes = b"",
    body: bytes = CALL,
) -> bytes:
    """A call by hand; it is in order unless a test bends it."""
    head = [
        b"POST %s HTTP/1.1" % target,
        host,
        b"Authorization: Bearer " + token.encode(),
        b"Content-Type: application/json",
        more or b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join(line for line in head if line) + b"\r\n\r\n" + body


@pytest.mark.case(303)
@pytest.mark.parametrize(
    ("more", "wrapped"),
    [
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n%s"),
        (b"Content-Length: 1\r\nContent-Length: 2", b"%s"),
        (b"Content-Length: 3, 3", b"{}\n%s"),
        (b"Content-Length:\r\n 3", b"{}\n%s"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"0\r\n\r\n%s"),
        (b"Transfer-Encoding: xchunked", b"0\r\n\r\n%s"),
        (b"Transfer-Encoding: chunked", b"zz\r\n%s"),
        (b"Transfer-Encoding: chunked", b"-1\r\n%s"),
        (b"Transfer-Encoding: chunked", b"3;\n{}\n\r\n0\r\n\r\n%s"),
    ],
)
def test_a_second_request_inside_an_ambiguous_first_never_runs(
    server: LiveServer, caller: Resident, token: str, more: bytes, wrapped: bytes
) -> None:
    assert send(server, build_call(token)).startswith(b"HTTP/1.1 200")
    before = count_calls(caller.user.id)
    smuggled = build_call(token)
    bent = build_call(token, more=more, body=wrapped % smuggled)
    answer = send(server, bent, has_more=True)
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    # RFC 9112 §6.1: 501 for a coding that nobody knows.
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")), answer
    assert count_calls(caller.user.id) == before


@pytest.mark.case(304)
@pytest.mark.parametrize(
    "more",
    [
        b"\r\n".join(b"X-%d: y" % number for number in range(1000)),
        b"X-Long: " + b"y" * 65_536,
        b"MCP-Protocol-Version: 2025-11-25\r\nMCP-Protocol-Version: 2026-07-28",
    ],
)
def test_headers_without_end_are_refused_and_the_next_call_is_served(
    server: LiveServer, caller: Resident, token: str, more: bytes
) -> None:
    before = count_calls(caller.user.id)
    length = b"Content-Length: %d\r\n" % len(CALL)
    assert send(server, build_call(token, more=length + more)).startswith(b"HTTP/1.1 4")
    assert count_calls(caller.user.id) == before
    assert send(server, build_call(token)).startswith(b"HTTP/1.1 200")
    assert count_calls(caller.user.id) == before + 1


@pytest.mark.case(277)
@pytest.mark.parametrize(
    "host",
    [
        b"Host: evil.example",
        b"Host: 127.0.0.1\r\nHost: evil.example",
        b"Host: 127.0.0.1@evil.example",
        b"Host: evil.example@127.0.0.1",
        b"Host: 127.0.0.1.evil.example",
        b"Host: 127.0.0.1/",
    ],
)
def test_a_host_that_is_not_ours_is_refused_with_a_good_token(
    server: LiveServer, caller: Resident, token: str, host: bytes
) -> None:
    before = count_calls(caller.user.id)
    assert send(server, build_call(token, host=host)).startswith(b"HTTP/1.1 4")
    assert count_calls(caller.user.id) == before


@pytest.mark.case(278)
def test_no_header_or_target_leads_a_call_elsewhere(
    server: LiveServer, caller: Resident, token: str
) -> None:
    length = b"Content-Length: %d\r\n" % len(CALL)
    told = length + b"X-Original-URL: /livez\r\nX-Rewrite-URL: /livez\r\nX-Forwarded-Prefix: /x"
    assert send(server, build_call(token, more=told)).startswith(b"HTTP/1.1 200")
    absolute = build_call(token, target=b"http://127.0.0.1/mcp")
    assert send(server, absolute).startswith(b"HTTP/1.1 200")
    before = count_calls(caller.user.id)
    other = build_call(
        token, target=b"http://127.0.0.1/livez", more=length + b"X-Original-URL: /mcp"
    )
    assert b"jsonrpc" not in send(server, other)
    assert count_calls(caller.user.id) == before
