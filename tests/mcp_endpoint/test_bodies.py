"""Hostile bodies: strict JSON, bounded size, and never a 5xx (RFC 8259, RFC 7493)."""

import io
import json
import random
from typing import Any

import pytest
from django.test import RequestFactory

from mcp_endpoint.errors import BodyTooLargeError
from mcp_endpoint.http_checks import read_body
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import rows_of

pytestmark = pytest.mark.django_db

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


def nest(depth: int) -> bytes:
    """A ping whose params are ``depth`` levels deep, the message itself being the first."""
    return PING[:-1] + b',"params":' + b'{"a":' * (depth - 1) + b"1" + b"}" * (depth - 1) + b"}"


def fill(nodes: int) -> bytes:
    """A ping with a list; the document has ``nodes`` values in all."""
    return PING[:-1] + b',"params":{"a":[' + b",".join([b"1"] * (nodes - 6)) + b"]}}"


@pytest.mark.parametrize("body", [PING, b" \r\n" + PING + b"\n", nest(32), fill(10_000)])
def test_ordinary_and_just_acceptable_bodies_are_served(mcp: McpClient, body: bytes) -> None:
    assert mcp.send(body).status_code == 200


@pytest.mark.case(282)
@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + PING,
        PING.decode().encode("utf-16"),
        PING.decode().encode("utf-16-be"),
        PING.decode().encode("utf-32"),
        PING + PING,
        PING + b"\x00",
        PING[:-1],
        PING[:-1] + b',"id":2}',
        PING[:-1] + b',"params":{"a":1,"a":1}}',
        PING[:-1] + b',"params":{"a":[{"b":1,"\\u0062":2}]}}',
        PING[:-1] + b',"params":{"a":NaN}}',
        PING[:-1] + b',"params":{"a":Infinity}}',
        PING[:-1] + b',"params":{"a":-Infinity}}',
        PING[:-1] + b',"params":{"a":1e400}}',
        PING[:-1] + b',"params":{"a":' + b"9" * 5000 + b"}}",
        PING[:-1] + b',"params":{"a":"\xff"}}',
        PING[:-1] + b',"params":{"a":"\xed\xa0\x80"}}',
        PING[:-1] + b',"params":{"a":"\xc0\x80"}}',
        PING[:-1] + b',"params":{"a":"\\ud800"}}',
        PING[:-1] + b',"params":{"a":"\\udc00\\ud800"}}',
        PING[:-1] + b',"params":{"\\ud800":1}}',
        PING[:-1] + b',"params":{"a":"\\u0000"}}',
        PING[:-1] + b',"params":{"\\u0000":1}}',
        PING[:-1] + b',"params":{"a":"\x00"}}',
        PING[:-1] + b',"params":{"a":"\n"}}',
        PING[:-1] + b',"params":{"a":01}}',
        PING[:-1] + b',"params":{"a":1,}}',
        PING[:-1] + b',"params":{/* */}}',
        nest(33),
        nest(5_000),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        fill(10_001),
        b"[" + b"1," * 300_000 + b"1]",
    ],
)
def test_what_two_parsers_could_read_differently_is_a_parse_error(
    mcp: McpClient, body: bytes
) -> None:
    answer = mcp.send(body)
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert (error["code"], answer.json()["id"]) == (-32700, None)
    (row,) = rows_of(error["data"]["reference"])
    assert row.reason in ("bad_json", "json_limits")


@pytest.mark.parametrize("text", ["😀", "\\ud83d\\ude00", "\\u00e9", "\\\\u0000", "\\\\ud800"])
def test_escapes_that_are_characters_are_accepted(mcp: McpClient, text: str) -> None:
    body = PING[:-1] + b',"params":{"a":"' + text.encode() + b'"}}'
    assert mcp.send(body).status_code == 200


@pytest.mark.case(281)
def test_a_body_over_the_limit_is_413_and_one_at_the_limit_is_not(
    mcp: McpClient, settings: Any
) -> None:
    limit = settings.MCP_MAX_BODY_BYTES
    assert mcp.send(PING + b" " * (limit - len(PING))).status_code == 200
    answer = mcp.send(PING + b" " * (limit + 1 - len(PING)))
    assert answer.status_code == 413
    assert rows_of(answer.json()["error"]["data"]["reference"])


class Endless(io.RawIOBase):
    """A stream that would never end; it counts what was taken."""

    def __init__(self) -> None:
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "an unbounded read"
        self.taken += size
        return b" " * size


@pytest.mark.case(281)
def test_a_declared_size_over_the_limit_is_refused_without_reading(settings: Any) -> None:
    stream = Endless()
    request = RequestFactory().post("/mcp", b"", content_type="application/json")
    request.META |= {"CONTENT_LENGTH": str(settings.MCP_MAX_BODY_BYTES + 1)}
    request._stream = stream  # type: ignore[attr-defined]
    with pytest.raises(BodyTooLargeError):
        read_body(request)
    assert stream.taken == 0


@pytest.mark.case(281)
def test_a_body_without_a_declared_size_is_read_up_to_the_limit(settings: Any) -> None:
    stream = Endless()
    request = RequestFactory().post("/mcp", b"", content_type="application/json")
    request.META |= {"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "wsgi.input": stream}
    with pytest.raises(BodyTooLargeError):
        read_body(request)
    assert stream.taken == settings.MCP_MAX_BODY_BYTES + 1
    request.META["wsgi.input"] = io.BytesIO(PING)
    assert read_body(request) == PING


@pytest.mark.parametrize("declared", ["-1", "1e9", "x", "٣", "9" * 5000])
def test_a_nonsensical_size_is_never_a_fault(mcp: McpClient, declared: str) -> None:
    answer = mcp.http.post(
        "/mcp",
        PING,
        content_type="application/json",
        headers={"Authorization": f"Bearer {mcp.token}"},
        CONTENT_LENGTH=declared,
    )
    assert answer.status_code in (200, 400, 413)


@pytest.mark.case(282, 300)
def test_generated_rubbish_is_always_answered_with_an_error_of_ours(mcp: McpClient) -> None:
    """Mutations of a good request: cut, doubled, flipped; the process answers every one."""
    good = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "whoami", "arguments": {}, "_meta": {"progressToken": "x"}},
        }
    ).encode()
    luck = random.Random(20260728)  # noqa: S311
    for _ in range(300):
        body = bytearray(good)
        for _ in range(luck.randint(1, 4)):
            place = luck.randrange(len(body))
            match luck.randrange(3):
                case 0:
                    body[place] = luck.randrange(256)
                case 1:
                    del body[place : place + luck.randint(1, 9)]
                case _:
                    body[place:place] = body[place : place + luck.randint(1, 9)]
        answer = mcp.send(bytes(body))
        assert answer.status_code in (200, 202, 400), (bytes(body), answer.content)
    assert mcp.send(good).json()["result"]["isError"] is False
