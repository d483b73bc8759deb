"""A connection to the host of a metadata document, from its name to a finished TLS handshake.

The host is chosen by a stranger, so this is the boundary against server-side request forgery
(draft-ietf-oauth-client-id-metadata-document-00 §6.5): the name is resolved exactly once, every
address it has must be public, and the connection goes to an address that was checked. It must
never resolve again, follow the environment's proxies, or outlast its deadline.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from oauth_ext.client_id_urls import ClientIdUrl
from oauth_ext.special_use import is_loopback, is_special_use

MAX_ADDRESSES = 4
# A black hole must leave time for the next address.
CONNECT_SECONDS = 2.0
# Resolver threads can outlast the deadline that gave up on them; so many may, in a process. One
# person starts two at a time at most, and twenty a minute.
RESOLVERS = threading.BoundedSemaphore(16)


class DocumentRefusedError(Exception):
    """The document could not be had, or is not acceptable.

    Args:
        reason: the slug for the log.
        details: further facts for the log; never anything that the host sent.
    """

    def __init__(self, reason: str, **details: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details


class DocumentPostponedError(DocumentRefusedError):
    """Nothing is known against the document; it was not asked for just now.

    Args:
        retry_after: seconds until it may be.
    """

    def __init__(self, reason: str, *, retry_after: int = 5) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Deadline:
    """One end for everything that is done under it, by a clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds

    def get_remaining(self) -> float:
        """Seconds that are left.

        Raises:
            DocumentRefusedError: ``cimd_timeout``; none are.
        """
        remaining = self.ends_at - time.monotonic()
        if remaining <= 0:
            raise DocumentRefusedError("cimd_timeout")
        return remaining


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system's resolver gives them."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for _, _, _, _, address in answers]


def dial(address: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection to an address; no name is looked up on the way."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


@cache
def load_trust() -> ssl.SSLContext:
    """The system's certificate authorities, with the check of the name that goes with them."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


@dataclass(frozen=True, slots=True)
class Network:
    """What lies outside this process: the resolver, the wire, and whom to trust."""

    resolve: Callable[[str, int], list[str]] = resolve
    dial: Callable[[str, int, float], socket.socket] = dial
    load_trust: Callable[[], ssl.SSLContext] = load_trust


def open_connection(url: ClientIdUrl, deadline: Deadline, network: Network) -> socket.socket:
    """A connection to the URL's host, with TLS and the certificate checked.

    Raises:
        DocumentRefusedError: ``cimd_dns``, ``cimd_private_ip``, ``cimd_connect``, ``cimd_tls``
            or ``cimd_timeout``.
        DocumentPostponedError: too many lookups are waiting.
    """
    addresses = list(dict.fromkeys(resolve_once(url, deadline, network)))
    if not addresses:
        raise DocumentRefusedError("cimd_dns")
    # One bad address condemns the name: which of them is used is up to whoever answers for it.
    is_allowed = is_loopback if url.is_loopback else is_public
    if not all(is_allowed(address) for address in addresses):
        raise DocumentRefusedError("cimd_private_ip")
    connection = connect(addresses[:MAX_ADDRESSES], url.port, deadline, network)
    return start_tls(connection, url.host, deadline, network) if url.is_secure else connection


def is_public(address: str) -> bool:
    """Whether a request may go there."""
    return not is_special_use(address)


def resolve_once(url: ClientIdUrl, deadline: Deadline, network: Network) -> list[str]:
    """The one lookup, on a thread of its own: the system's resolver knows no deadline."""
    resolvers = RESOLVERS
    if not resolvers.acquire(blocking=False):
        raise DocumentPostponedError("cimd_capacity")
    answers: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def ask() -> None:
        found: list[str] = []
        try:
            found = network.resolve(url.host.strip("[]"), url.port)
        except (OSError, UnicodeError):
            found = []
        finally:
            resolvers.release()
            answers.put(found)

    try:
        threading.Thread(target=ask, name="resolve-document-host", daemon=True).start()
    except RuntimeError as error:
        # No more threads: there is none to give the permit back either.
        resolvers.release()
        raise DocumentPostponedError("cimd_capacity") from error
    try:
        return answers.get(timeout=deadline.get_remaining())
    except queue.Empty as error:
        raise DocumentRefusedError("cimd_timeout") from error


def connect(addresses: list[str], port: int, deadline: Deadline, network: Network) -> socket.socket:
    """A connection to the first of the checked addresses that accepts one."""
    reason = "cimd_connect"
    for address in addresses:
        timeout = deadline.get_remaining()
        if address != addresses[-1]:
            timeout = min(timeout, CONNECT_SECONDS)
        try:
            return network.dial(address, port, timeout)
        except TimeoutError:
            reason = "cimd_timeout"
        except OSError:
            reason = "cimd_connect"
    raise DocumentRefusedError(reason)


def start_tls(
    connection: socket.socket, host: str, deadline: Deadline, network: Network
) -> ssl.SSLSocket:
    """TLS with the name in SNI and in the certificate; the handshake has one time limit."""
    try:
        connection.settimeout(deadline.get_remaining())
        return network.load_trust().wrap_socket(connection, server_hostname=host.strip("[]"))
    except TimeoutError as error:
        connection.close()
        raise DocumentRefusedError("cimd_timeout") from error
    except OSError as error:
        connection.close()
        raise DocumentRefusedError("cimd_tls") from error
    except BaseException:
        connection.close()
        raise
