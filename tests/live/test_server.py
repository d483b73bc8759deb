"""What only the real server can get wrong: requests that Django never sees as they are."""

import socket

import httpx
import pytest

from activity.models import ActivityEvent
from tests.live.server import LiveServer

INITIALIZE = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}'


@pytest.mark.parametrize(
    "parameter",
    [
        "charset=base64",
        "charset=rot13",
        "charset=undefined",
        "charset=no-such",
        "charset=",
        "charset*=utf-8''rot13",
        "charset*=rot13",
        "title*=no-such''%41",
    ],
)
def test_a_charset_that_is_none_is_refused_in_our_own_words(
    server: LiveServer, parameter: str
) -> None:
    headers = {"Content-Type": f"application/json; {parameter}"}
    answer = httpx.post(f"{server.url}/register", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert answer.json()["reference"] == answer.headers["Reference-Id"]
    assert ActivityEvent.objects.filter(reference=answer.headers["Reference-Id"]).exists()


def test_utf_8_is_taken_however_it_is_spelled(server: LiveServer) -> None:
    body = b'{"client_name":"Spelled","redirect_uris":["https://client.example/cb"]}'
    for parameter in ("charset=utf-8", "charset=UTF-8", 'charset="utf8"', "charset*=''utf-8"):
        headers = {"Content-Type": f"application/json; {parameter}"}
        answer = httpx.post(f"{server.url}/register", content=body, headers=headers)
        assert answer.status_code == 201


def test_too_many_query_fields_are_no_fault_of_ours(server: LiveServer) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    query = "&".join("a=1" for _ in range(1100))
    answer = httpx.post(f"{server.url}/mcp?{query}", content=INITIALIZE, headers=headers)
    assert answer.status_code in (400, 401)
    assert answer.headers["Reference-Id"]


def test_a_request_line_of_eight_thousand_characters_is_read(server: LiveServer) -> None:
    answer = httpx.get(f"{server.url}/authorize?client_id=nobody&state={'s' * 7900}")
    assert answer.status_code == 400
    assert answer.headers["Reference-Id"]


@pytest.mark.case(190)
@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: x",
        b"Content-Length: -1",
        b"Content-Length: \xb2",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Bad Name: x",
        b"A: \x00",
        b"A: " + b"a" * 9000,
    ],
)
def test_what_gunicorn_refuses_by_itself_is_no_fault_either(
    server: LiveServer, header: bytes
) -> None:
    request = b"POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n\r\n0\r\n\r\n" % header
    with socket.create_connection(server.address, timeout=10) as connection:
        connection.sendall(request)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 4"), answer
