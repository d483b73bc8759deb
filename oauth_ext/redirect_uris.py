"""Redirect URIs: which may be registered, and when a requested one is a registered one.

Pure functions. A match is equality of strings; the one exception is the port of an http loopback
URI (RFC 8252 §7.3), and it never crosses from one loopback name to another.
"""

import re
from enum import StrEnum
from urllib.parse import urlsplit

MAX_LENGTH = 2048
PRINTABLE = re.compile(r"[!-~]+")
LOOPBACK = re.compile(
    r"(?P<origin>http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<rest>[/?].*)?"
)
HTTPS_AUTHORITY = re.compile(r"(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?")
RESPONSE_PARAMETER = re.compile(r"(?:^|&)(?:code|state|iss|error)(?:=|&|$)", re.IGNORECASE)
DOT_SEGMENT = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
# Schemes that run code, read files or stay inside the browser: never a program of the person's.
DANGEROUS_SCHEMES = frozenset(
    {
        "javascript",
        "data",
        "vbscript",
        "file",
        "filesystem",
        "blob",
        "about",
        "mailto",
        "ws",
        "wss",
        "ftp",
        "view-source",
        "intent",
        "chrome",
        "chrome-extension",
        "moz-extension",
        "resource",
        "jar",
        "urn",
        "tel",
        "sms",
    }
)


class Kind(StrEnum):
    """Where a redirect URI leads."""

    WEB = "web"
    LOOPBACK = "loopback"
    PRIVATE_USE = "private_use"


class ForbiddenRedirectUriError(ValueError):
    """The URI makes the whole registration suspect.

    Args:
        reason: the slug for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_redirect_uri(uri: str, *, private_use: frozenset[str] = frozenset()) -> Kind | None:
    """What kind of redirect URI this is; None for an unknown private-use scheme.

    None means: leave this one out and register the rest. Cursor registers a private-use scheme
    beside its https callback, and refusing the whole would lock it out.

    Args:
        private_use: the exact private-use URIs that are allowed.

    Raises:
        ForbiddenRedirectUriError: malformed or dangerous (RFC 6749 §3.1.2, RFC 9700 §2.1).
    """
    if not uri or len(uri) > MAX_LENGTH or not PRINTABLE.fullmatch(uri):
        raise ForbiddenRedirectUriError("redirect_chars")
    if any(sign in uri for sign in '\\#*<>"`{}|^'):
        raise ForbiddenRedirectUriError("redirect_chars")
    scheme = uri.partition(":")[0]
    if scheme.lower() in DANGEROUS_SCHEMES or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        raise ForbiddenRedirectUriError("redirect_scheme")
    if DOT_SEGMENT.search(uri.partition("?")[0].partition("://")[2]):
        raise ForbiddenRedirectUriError("redirect_chars")
    # The answer is appended to the query; one that is there already would speak first.
    if RESPONSE_PARAMETER.search(uri.partition("?")[2]):
        raise ForbiddenRedirectUriError("redirect_query")
    if scheme == "http":
        return _parse_loopback(uri)
    if scheme == "https":
        return _parse_https(uri)
    return Kind.PRIVATE_USE if uri in private_use else None


def _parse_loopback(uri: str) -> Kind:
    match = LOOPBACK.fullmatch(uri)
    if match is None:
        raise ForbiddenRedirectUriError("redirect_loopback")
    if match["port"] and int(match["port"]) > 65535:
        raise ForbiddenRedirectUriError("redirect_chars")
    return Kind.LOOPBACK


def _parse_https(uri: str) -> Kind:
    authority = re.split(r"[/?]", uri.removeprefix("https://"), maxsplit=1)[0]
    match = HTTPS_AUTHORITY.fullmatch(authority)
    if not uri.startswith("https://") or match is None:
        raise ForbiddenRedirectUriError("redirect_chars")
    try:
        port = urlsplit(uri).port
    except ValueError as error:
        raise ForbiddenRedirectUriError("redirect_chars") from error
    if port == 0 or ".." in match["host"] or match["host"].startswith((".", "-")):
        raise ForbiddenRedirectUriError("redirect_chars")
    return Kind.WEB


def find_kind(uri: str) -> Kind:
    """The kind of an already registered redirect URI."""
    if uri.startswith("https://"):
        return Kind.WEB
    return Kind.LOOPBACK if uri.startswith("http://") else Kind.PRIVATE_USE


def is_match(registered: str, requested: str) -> bool:
    """Whether a requested URI is this registered one (RFC 9700 §2.1, RFC 8252 §7.3)."""
    if registered == requested:
        return True
    ours, theirs = LOOPBACK.fullmatch(registered), LOOPBACK.fullmatch(requested)
    if ours is None or theirs is None:
        return False
    if theirs["port"] and int(theirs["port"]) > 65535:
        return False
    return (ours["origin"], ours["rest"]) == (theirs["origin"], theirs["rest"])


def find_host(uri: str) -> str:
    """The host that a person should look at; the scheme for a private-use URI."""
    parts = urlsplit(uri)
    if find_kind(uri) is Kind.PRIVATE_USE:
        return f"{parts.scheme}:"
    return parts.hostname or ""


def find_authority(uri: str) -> str:
    """The host, with the port if that is not the usual one: another port may be another owner's."""
    return (
        urlsplit(uri).netloc.removesuffix(":443") if uri.startswith("https://") else find_host(uri)
    )
