"""Fetching a client's metadata document (draft-ietf-oauth-client-id-metadata-document-00 §4).

One GET over a fresh connection: no redirects, no cookies, no credentials, nothing compressed, at
most 16 KiB, and five seconds for all of it, measured while reading. Call it outside transactions.
Nothing that the host sends is shown or logged; only our own word for what was wrong is.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import h11

from oauth_ext.client_id_urls import ClientIdUrl
from oauth_ext.document_connection import (
    Deadline,
    DocumentRefusedError,
    Network,
    open_connection,
)

# Name lookup, TCP, TLS, headers and body together.
FETCH_SECONDS = 5.0
MAX_BODY_BYTES = 16 * 1024
MAX_HEADER_BYTES = 16 * 1024
# With the framing of many small chunks; nothing honest comes near.
MAX_WIRE_BYTES = 128 * 1024
READ_BYTES = 4096
USER_AGENT = "docjacket-mcp (client metadata)"
JSON_TYPE = re.compile(r"application/(?:[a-z0-9!#$&^_.-]+\+)?json", re.IGNORECASE)

# Tests put another one here; nothing else does.
network = Network()


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """A 200 with JSON in it. ``headers`` by lower-case name; repeated ones joined by commas."""

    body: bytes
    headers: dict[str, str]


def fetch_document(url: ClientIdUrl) -> FetchedDocument:
    """The document at a client id.

    Raises:
        DocumentRefusedError: with one of the reasons that start with ``cimd_``.
    """
    deadline = Deadline(FETCH_SECONDS)
    with closing(open_connection(url, deadline, network)) as connection:
        try:
            return Exchange(connection, deadline).get(url)
        except TimeoutError as error:
            raise DocumentRefusedError("cimd_timeout") from error
        except (h11.RemoteProtocolError, OSError) as error:
            raise DocumentRefusedError("cimd_http") from error


class Exchange:
    """One request and its response on a connection that is thrown away afterwards."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self.connection = connection
        self.deadline = deadline
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES)
        self.received = 0

    def get(self, url: ClientIdUrl) -> FetchedDocument:
        """Ask and read; everything that could be refused early is refused early."""
        self.send(url)
        headers = self.read_head()
        body = bytearray()
        for data in self.read_body():
            body += data
            if len(body) > MAX_BODY_BYTES:
                raise DocumentRefusedError("cimd_size")
        return FetchedDocument(bytes(body), headers)

    def send(self, url: ClientIdUrl) -> None:
        """The whole request; it says nothing of who is asking for whom."""
        request = h11.Request(
            method="GET",
            target=url.target,
            headers=[
                ("Host", url.authority),
                ("User-Agent", USER_AGENT),
                ("Accept", "application/json"),
                ("Accept-Encoding", "identity"),
                ("Connection", "close"),
            ],
        )
        wire = (self.http.send(request) or b"") + (self.http.send(h11.EndOfMessage()) or b"")
        self.connection.settimeout(self.deadline.get_remaining())
        self.connection.sendall(wire)

    def read_head(self) -> dict[str, str]:
        """The headers of an acceptable response.

        Raises:
            DocumentRefusedError: another status than 200, a redirect, another type, too long.
        """
        response = self.read_event()
        while isinstance(response, h11.InformationalResponse):
            response = self.read_event()
        if not isinstance(response, h11.Response):
            raise DocumentRefusedError("cimd_http")
        if 300 <= response.status_code < 400:
            raise DocumentRefusedError("cimd_redirect", status=str(response.status_code))
        if response.status_code != 200:
            raise DocumentRefusedError("cimd_status", status=str(response.status_code))
        headers = join_headers(response)
        if not JSON_TYPE.fullmatch(headers.get("content-type", "").partition(";")[0].strip()):
            raise DocumentRefusedError("cimd_content_type")
        # A few bytes can stand for gigabytes; nobody was told that they may be compressed.
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise DocumentRefusedError("cimd_encoding")
        if int(headers.get("content-length", "0")) > MAX_BODY_BYTES:
            raise DocumentRefusedError("cimd_size")
        return headers

    def read_body(self) -> Iterator[bytes]:
        """The body, piece by piece, until the message is complete."""
        while True:
            event = self.read_event()
            if isinstance(event, h11.EndOfMessage):
                return
            if not isinstance(event, h11.Data):
                raise DocumentRefusedError("cimd_http")
            yield bytes(event.data)

    def read_event(self) -> object:
        """The next part of the response; each wait is as long as the deadline still allows."""
        event = self.http.next_event()
        while event is h11.NEED_DATA:
            self.connection.settimeout(self.deadline.get_remaining())
            data = self.connection.recv(READ_BYTES)
            self.received += len(data)
            if self.received > MAX_WIRE_BYTES:
                raise DocumentRefusedError("cimd_size")
            self.http.receive_data(data)
            event = self.http.next_event()
        return event


def join_headers(response: h11.Response) -> dict[str, str]:
    """Headers by name; two of one name count as a list (RFC 9110 §5.2)."""
    headers: dict[str, str] = {}
    for name, value in response.headers:
        key, text = name.decode("ascii"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
