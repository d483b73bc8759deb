"""A proxy on loopback that adds a bearer token to requests for /mcp that have none.

The official runner has no option for a token. Everything else passes as it came, byte by byte and
unbuffered: Host and Origin, so that the server judges them itself, and streams, so that the
runner sees each event when it is sent. The server's PUBLIC_URL is the proxy's address.
"""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

ADDRESS = "127.0.0.1"
CHUNK = 65_536
SECONDS = 30
HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class TokenProxy:
    """``upstream`` is where requests go once it is set; ``token`` is read for each request."""

    listener: socket.socket
    upstream: tuple[str, int] | None = None
    token: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """Where clients connect."""
        host, port = self.listener.getsockname()
        return host, port

    @property
    def url(self) -> str:
        """The site as clients name it."""
        return "http://{}:{}".format(*self.address)

    def serve(self) -> None:
        """Answer until the listener is closed; each connection carries one request."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.carry, args=(client,), daemon=True)
            thread.start()

    def carry(self, client: socket.socket) -> None:
        """One request there and its answer back; whoever hangs up ends it for both."""
        with client:
            client.settimeout(SECONDS)
            try:
                head, body = read_request(client)
                if not head or self.upstream is None:
                    return
                with socket.create_connection(self.upstream, timeout=SECONDS) as server:
                    server.sendall(self.rewrite(head) + body)
                    pipe(server, client)
            except OSError:
                # One of the two has gone, which is theirs to do.
                return

    def rewrite(self, head: bytes) -> bytes:
        """The head with a token, and with the wish for one answer only."""
        request_line, *fields = head.removesuffix(HEAD_END).split(b"\r\n")
        names = {line.split(b":", 1)[0].strip().lower() for line in fields}
        fields = [line for line in fields if not line.lower().startswith(b"connection:")]
        fields.append(b"Connection: close")
        path = request_line.split(b" ")[1].split(b"?")[0]
        if path in (b"/mcp", b"/mcp/") and b"authorization" not in names and self.token:
            fields.append(b"Authorization: Bearer " + self.token.encode())
        return b"\r\n".join([request_line, *fields]) + HEAD_END


def read_request(client: socket.socket) -> tuple[bytes, bytes]:
    """The head, blank line included, and the body as it was sent; empty if nothing came."""
    received = b""
    while HEAD_END not in received:
        chunk = client.recv(CHUNK)
        if not chunk:
            return b"", b""
        received += chunk
    head, _, body = received.partition(HEAD_END)
    length, is_chunked = read_framing(head)
    while len(body) < length or (is_chunked and not body.endswith(b"0" + HEAD_END)):
        chunk = client.recv(CHUNK)
        if not chunk:
            break
        body += chunk
    return head + HEAD_END, body


def read_framing(head: bytes) -> tuple[int, bool]:
    """How long the body is, or whether it comes in chunks."""
    length, is_chunked = 0, False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
        elif name.strip().lower() == b"transfer-encoding":
            is_chunked = b"chunked" in value.lower()
    return length, is_chunked


def pipe(server: socket.socket, client: socket.socket) -> None:
    """The answer as it comes, until the server has said everything or the client hangs up."""
    while True:
        ready, _, _ = select.select([server, client], [], [], SECONDS)
        if server in ready:
            chunk = server.recv(CHUNK)
            if not chunk:
                return
            client.sendall(chunk)
        elif (client in ready and not client.recv(CHUNK)) or not ready:
            return


@contextmanager
def open_proxy() -> Iterator[TokenProxy]:
    """A proxy with a port of its own, until the block ends."""
    with socket.create_server((ADDRESS, 0), backlog=256) as listener:
        proxy = TokenProxy(listener)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            # Closing alone does not wake a thread that waits in accept.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(SECONDS)
