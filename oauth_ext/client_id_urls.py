"""Client ids that are URLs (draft-ietf-oauth-client-id-metadata-document-00 §3).

Pure functions over the raw string. A client id is compared as it came and never normalized, so
everything that two readers could take for two addresses is refused: what is left has one spelling.
Nothing here looks a name up; that a URL passes says nothing yet about where it leads.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.http import is_same_domain

# The column's size; longer ones could not be stored whole.
MAX_LENGTH = 255
HTTPS_PORT = 443
# RFC 3986 §2: what may stand in a URL at all; the rest is encoded or does not belong there.
URL_SIGNS = re.compile(r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?]*)(?P<path>/[^?]*)(?P<query>\?.*)?")
AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[1-9][0-9]{0,4}))?")
NAME = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
# A host whose last label is a number is an IPv4 address to browsers and resolvers, in whatever
# notation: 127.1, 2130706433, 0x7f000001.
NUMBER_AT_END = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$", re.IGNORECASE)
DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


class ClientIdUrlError(ValueError):
    """The client id looks like a URL but is not one that may be fetched.

    Args:
        reason: the slug for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ClientIdUrl:
    """A URL that may be looked at. ``target`` is path and query as they stand in ``url``."""

    url: str
    host: str
    port: int
    target: str
    is_secure: bool = True
    is_loopback: bool = False

    @property
    def authority(self) -> str:
        """The Host of a request for it (RFC 9110 §7.2): no default port."""
        default = HTTPS_PORT if self.is_secure else 80
        return self.host if self.port == default else f"{self.host}:{self.port}"


def is_url(client_id: str) -> bool:
    """Whether a client id wants to be a URL, however badly it is written."""
    return "://" in client_id or bool(re.match(r"\s*https?:", client_id, re.IGNORECASE))


def parse_client_id_url(client_id: str, *, allow_loopback: bool = False) -> ClientIdUrl:
    """An untrusted client id to a URL that may be looked at.

    Args:
        allow_loopback: for development: accept http and https on this machine, on any port.

    Raises:
        ClientIdUrlError: ``cimd_url`` or ``cimd_ip_literal``.
    """
    # RFC 3986 knows no raw spaces, controls, backslashes or letters beyond ASCII; a bare "#" is
    # an empty fragment, which the draft forbids like any other.
    if len(client_id) > MAX_LENGTH or not URL_SIGNS.fullmatch(client_id):
        raise ClientIdUrlError("cimd_url")
    match = URL.fullmatch(client_id)
    # The draft's §3: https, a path, and no dot segments, which parsers resolve differently.
    if match is None or DOT_SEGMENT.search(match["path"]):
        raise ClientIdUrlError("cimd_url")
    host, port = parse_authority(match["authority"], secure=match["scheme"] == "https")
    target = match["path"] + (match["query"] or "")
    if allow_loopback and host in LOOPBACK_HOSTS:
        secure = match["scheme"] == "https"
        return ClientIdUrl(client_id, host, port, target, is_secure=secure, is_loopback=True)
    check_host(host)
    if match["scheme"] != "https" or port != HTTPS_PORT:
        raise ClientIdUrlError("cimd_url")
    return ClientIdUrl(client_id, host, port, target)


def parse_authority(authority: str, *, secure: bool) -> tuple[str, int]:
    """Host and port; no host has an @ in it, so user information never passes."""
    match = AUTHORITY.fullmatch(authority)
    if match is None:
        raise ClientIdUrlError("cimd_url")
    port = int(match["port"] or (HTTPS_PORT if secure else 80))
    if port > 65535:
        raise ClientIdUrlError("cimd_url")
    return match["host"], port


def check_host(host: str) -> None:
    """Raise unless it is a lower-case name of at least two labels, and no address."""
    if host.startswith("[") or NUMBER_AT_END.search(host):
        raise ClientIdUrlError("cimd_ip_literal")
    if len(host) > 253 or not NAME.fullmatch(host):
        raise ClientIdUrlError("cimd_url")


def is_own(url: ClientIdUrl, *, own_authority: str, own_hosts: Iterable[str]) -> bool:
    """Whether it leads back here: to the public address, or to another name of this server."""
    if url.is_loopback:
        # On one machine the port tells servers apart.
        return url.authority == own_authority
    return is_named(url.host, own_hosts)


def is_named(host: str, patterns: Iterable[str]) -> bool:
    """Whether a host is one of these; a leading dot stands for the name and all below it."""
    return any(is_same_domain(host, pattern) for pattern in patterns if pattern != "*")


def find_host_of_client_id(client_id: str) -> str:
    """The host of an accepted client id, as a person should see it."""
    return client_id.partition("://")[2].partition("/")[0].removesuffix(":443")
