"""What a client says of itself (RFC 7591 §2), parsed by one policy.

Everything here is a stranger's claim. What the server cannot offer is replaced and echoed as it
is, never silently kept: a client learns from the response what it really got.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from oauth_ext.confusables import is_mark
from oauth_ext.errors import InvalidClientMetadataError, InvalidRedirectUriError
from oauth_ext.redirect_uris import ForbiddenRedirectUriError, parse_redirect_uri
from oauth_ext.scopes import SUPPORTED, format_scope, parse_scope

MAX_REDIRECT_URIS = 10
MAX_NAME = 120
MAX_TEXT = 2048
MAX_MARKS = 3
GRANT_TYPES = ("authorization_code", "refresh_token")
RESPONSE_TYPES = ("code",)
# Kept and shown to operators; none of them decides anything.
LINKS = ("client_uri", "logo_uri", "tos_uri", "policy_uri")
TEXTS = ("software_id", "software_version", "application_type")
# Members that only the holder of a key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """Accepted metadata of a public client. ``dropped`` lists redirect URIs that were left out."""

    client_name: str
    redirect_uris: tuple[str, ...]
    scope: str
    extras: tuple[tuple[str, str], ...]
    dropped: tuple[str, ...] = ()


def parse_client_metadata(document: Any) -> ClientMetadata:
    """Untrusted JSON to metadata that may be registered.

    Raises:
        InvalidRedirectUriError: no usable redirect URI, or a dangerous one.
        InvalidClientMetadataError: of the wrong shape, or of no use here.
    """
    if not isinstance(document, Mapping):
        raise InvalidClientMetadataError("bad_type", "Send a JSON object.")
    check_grants(document)
    check_authentication(document)
    redirect_uris, dropped = parse_redirect_uris(document.get("redirect_uris"))
    extras = [(name, parse_link(document, name)) for name in LINKS]
    extras += [(name, make_visible(parse_text(document, name, MAX_NAME))) for name in TEXTS]
    requested = parse_scope(parse_text(document, "scope", MAX_TEXT))
    return ClientMetadata(
        client_name=clean_name(parse_text(document, "client_name", MAX_TEXT)),
        redirect_uris=redirect_uris,
        # A hint only: what a client may get is decided by the person, each time.
        scope=format_scope(requested or SUPPORTED),
        extras=tuple((name, value) for name, value in extras if value),
        dropped=dropped,
    )


def parse_redirect_uris(value: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The redirect URIs to register, and those left out for an unknown private-use scheme."""
    if not isinstance(value, list) or not value:
        raise InvalidRedirectUriError("redirect_missing", "redirect_uris must be a list of URIs.")
    if len(value) > MAX_REDIRECT_URIS:
        raise InvalidRedirectUriError(
            "redirect_count", f"At most {MAX_REDIRECT_URIS} redirect URIs can be registered."
        )
    allowed = frozenset(settings.PRIVATE_USE_REDIRECT_URIS)
    kept: list[str] = []
    dropped: list[str] = []
    for uri in value:
        if not isinstance(uri, str):
            raise InvalidRedirectUriError("bad_type", "redirect_uris must be a list of URIs.")
        try:
            kind = parse_redirect_uri(uri, private_use=allowed)
        except ForbiddenRedirectUriError as error:
            raise InvalidRedirectUriError(error.reason) from error
        (kept if kind else dropped).append(uri)
    if not kept:
        raise InvalidRedirectUriError("redirect_scheme")
    return tuple(dict.fromkeys(kept)), tuple(dropped)


def check_grants(document: Mapping[str, Any]) -> None:
    """Raise if the client could not use the only flow there is: code with refresh."""
    grants = parse_list(document, "grant_types")
    if grants and "authorization_code" not in grants:
        raise InvalidClientMetadataError("grant_type", "Only authorization_code is offered.")
    responses = parse_list(document, "response_types")
    if responses and "code" not in responses:
        raise InvalidClientMetadataError("inconsistent", "Only response_type code is offered.")


def check_authentication(document: Mapping[str, Any]) -> None:
    """Raise if the client sent a key that it should have kept to itself.

    Which method it asked for is of no account: it is told that it has ``none`` (RFC 7591 §3.2.1
    lets a server replace it), and real clients go on with that. Public keys are not kept.
    """
    parse_text(document, "token_endpoint_auth_method", MAX_NAME)
    key_set = document.get("jwks")
    if key_set is None:
        return
    keys = key_set.get("keys") if isinstance(key_set, Mapping) else None
    if not isinstance(keys, list) or not all(isinstance(key, Mapping) for key in keys):
        raise InvalidClientMetadataError("bad_type", "jwks must be a JWK Set.")
    if any(PRIVATE_MEMBERS & set(key) for key in keys):
        raise InvalidClientMetadataError(
            "private_key", "jwks holds a private or symmetric key. Replace that key."
        )


def parse_list(document: Mapping[str, Any], name: str) -> list[str]:
    """A list of strings; absent, null and empty are the same."""
    value = document.get(name)
    if not value and (value is None or isinstance(value, str | list)):
        return []
    if not isinstance(value, list) or not all(isinstance(member, str) for member in value):
        raise InvalidClientMetadataError("bad_type", f"{name} must be a list of strings.")
    return value


def parse_text(document: Mapping[str, Any], name: str, limit: int) -> str:
    """A string; absent, null and empty are the same."""
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        raise InvalidClientMetadataError("bad_type", f"{name} must be a short string.")
    return value.strip()


def parse_link(document: Mapping[str, Any], name: str) -> str:
    """An https link to show to operators, or nothing: a bad link is no reason to refuse."""
    value = parse_text(document, name, MAX_TEXT)
    return value if re.fullmatch(r"https://[!-~]+", value) else ""


def thin_marks(text: str) -> str:
    """At most three marks on a letter: real scripts need no more, a flood covers a page."""
    kept: list[str] = []
    for letter in text:
        latest = kept[-MAX_MARKS:]
        if not is_mark(letter) or len(latest) < MAX_MARKS or not all(map(is_mark, latest)):
            kept.append(letter)
    return "".join(kept)


def make_visible(text: str) -> str:
    """Text fit to be seen: NFC, no control, bidi or invisible characters, single spaces."""
    visible = thin_marks(INVISIBLE.sub("", unicodedata.normalize("NFC", text)))
    printable = "".join(letter if letter.isprintable() else " " for letter in visible)
    return " ".join(printable.split())


def clean_name(name: str) -> str:
    """A client's name made fit to be seen; empty if nothing of it would be.

    Raises:
        InvalidClientMetadataError: longer than 120 characters.
    """
    cleaned = make_visible(name)
    if len(cleaned) > MAX_NAME:
        raise InvalidClientMetadataError("name_rejected", "client_name is too long.")
    # Letters, numbers and symbols; marks and punctuation alone name nothing.
    return cleaned if any(unicodedata.category(sign)[0] in "LNS" for sign in cleaned) else ""
