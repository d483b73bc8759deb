"""A stranger's web server for tests: real TLS under its own CA, on loopback, misbehaving at will.

``Internet`` stands at the outside edge of the fetcher: it answers for names, leads every public
address to the local server, and notes what was asked of it. Nothing of the fetcher is replaced.
"""

import datetime
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from oauth_ext.document_connection import Network

PUBLIC = "93.184.216.34"
HOST = "app.client.example"
URL = f"https://{HOST}/oauth/client.json"
CALLBACK = "https://client.example/callback"
Behaviour = Callable[[socket.socket], None]


def build_document(url: str = URL, **changes: Any) -> dict[str, Any]:
    """A good document; a change of None leaves the member out."""
    document = {
        "client_id": url,
        "client_name": "Test assistant",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    } | changes
    return {name: value for name, value in document.items() if value is not None}


def answer(
    body: bytes | dict[str, Any],
    *headers: str,
    status: str = "200 OK",
    content_type: str = "application/json",
    length: int | None = None,
) -> Behaviour:
    """A whole response at once."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", *headers]
    lines.append(f"Content-Length: {len(data) if length is None else length}")
    return lambda connection: connection.sendall("\r\n".join([*lines, "", ""]).encode() + data)


def drip(start: bytes, piece: bytes, seconds: float = 0.05) -> Behaviour:
    """Something at once, then a little now and then until the other side has had enough."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            time.sleep(seconds)
            connection.sendall(piece)

    return behave


def flood(start: bytes, piece: bytes) -> Behaviour:
    """As fast as it goes, without end."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)

    return behave


def build_authority(directory: Path) -> "Authority":
    """A certificate authority that nobody else trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(directory, key, certificate)


@dataclass
class Authority:
    """Issues certificates for tests."""

    directory: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def build_trust(self) -> ssl.SSLContext:
        """What a client needs to trust this authority and nobody else."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def build_server_context(
        self, host: str, *, age: int = 0, self_signed: bool = False
    ) -> ssl.SSLContext:
        """A server's side of TLS; ``age`` is for how many days the certificate has been over."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1 - age)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name if self_signed else self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - datetime.timedelta(days=2))
            .not_valid_after(until)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(key if self_signed else self.key, hashes.SHA256())
        )
        path = self.directory / f"{x509.random_serial_number()}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


@dataclass
class DocumentHost:
    """The server. What it does next is whatever a test puts into ``behaviour`` or ``context``."""

    authority: Authority
    listener: socket.socket
    context: ssl.SSLContext | None
    behaviour: Behaviour = field(default_factory=lambda: answer(build_document()))
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Accept until the listener is closed; each connection has a thread."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection: socket.socket) -> None:
        """One connection, from the handshake to the end of what it does."""
        with suppress(OSError), connection:
            connection.settimeout(20)
            if self.context is None:
                self.converse(connection)
                return
            with self.context.wrap_socket(connection, server_side=True) as secured:
                self.converse(secured)

    def converse(self, connection: socket.socket) -> None:
        """Read the request and behave."""
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(4096)
            if not piece:
                return
            request += piece
        self.requests.append(request)
        self.behaviour(connection)


@contextmanager
def serve_documents(authority: Authority, *, secure: bool = True) -> Iterator[DocumentHost]:
    """A running server until the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        context = authority.build_server_context(HOST) if secure else None
        host = DocumentHost(authority, listener, context)
        threading.Thread(target=host.serve, daemon=True).start()
        yield host
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@dataclass
class Internet:
    """What lies between: names with addresses, and a wire that ends at the local server."""

    host: DocumentHost
    answers: list[list[str]] = field(default_factory=lambda: [[PUBLIC]])
    lookups: list[tuple[str, int]] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    resolve_seconds: float = 0

    def resolve(self, host: str, port: int) -> list[str]:
        """The next of the prepared answers; the last one stays."""
        self.lookups.append((host, port))
        time.sleep(self.resolve_seconds)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        """Every address leads to the local server, except the dead."""
        self.dialled.append((address, port))
        if address in self.dead:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self.host.port), timeout=timeout)

    def build_network(self) -> Network:
        """This, as the fetcher takes it."""
        return Network(self.resolve, self.dial, self.host.authority.build_trust)
