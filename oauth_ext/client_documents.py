"""What a metadata document may say, and for how long it counts.

The metadata is judged by the policy of registration (``client_metadata``); only what a document
must have beyond it is here (draft-ietf-oauth-client-id-metadata-document-00 §4, and the client
registration section of MCP 2026-07-28 authorization).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from oauth_ext.client_metadata import (
    MAX_TEXT,
    ClientMetadata,
    parse_client_metadata,
    parse_list,
    parse_text,
)
from oauth_ext.document_connection import DocumentRefusedError
from oauth_ext.errors import InvalidClientMetadataError, InvalidRedirectUriError
from oauth_ext.strict_json import StrictJsonError, parse_json

MIN_CACHED = timedelta(minutes=5)
MAX_CACHED = timedelta(hours=24)
DEFAULT_CACHED = timedelta(hours=1)
MAX_AGE = re.compile(r'(?:^|,)\s*max-age\s*=\s*"?([0-9]{1,10})"?\s*(?=,|$)', re.IGNORECASE)
UNCACHED = re.compile(r"(?:^|,)\s*(?:no-store|no-cache)\s*(?=[=,]|$)", re.IGNORECASE)


def parse_client_document(body: bytes, *, url: str) -> ClientMetadata:
    """Fetched bytes to the metadata of the public client at ``url``.

    Raises:
        DocumentRefusedError: ``cimd_json``, ``cimd_mismatch``, ``cimd_secret``,
            ``cimd_auth_method`` or ``cimd_metadata``.
    """
    try:
        document = parse_json(body)
    except StrictJsonError as error:
        raise DocumentRefusedError("cimd_json", cause=error.reason) from error
    if not isinstance(document, Mapping):
        raise DocumentRefusedError("cimd_json", cause="bad_type")
    # The draft's §4.1: by simple string comparison. Anything looser would let one document
    # speak for another address.
    if document.get("client_id") != url:
        raise DocumentRefusedError("cimd_mismatch")
    try:
        check_authentication(document)
        metadata = parse_client_metadata(document)
    except (InvalidClientMetadataError, InvalidRedirectUriError) as error:
        raise DocumentRefusedError("cimd_metadata", cause=error.reason) from error
    if not metadata.client_name:
        raise DocumentRefusedError("cimd_metadata", cause="name_missing")
    return metadata


def check_authentication(document: Mapping[str, Any]) -> None:
    """Raise unless it can be a public client.

    The draft's §4.1: no shared secret, and no method that needs one. A client that prefers
    another method but also knows ``none`` is served with ``none``: ChatGPT publishes that.
    """
    if any(name.startswith("client_secret") for name in document):
        raise DocumentRefusedError("cimd_secret")
    method = parse_text(document, "token_endpoint_auth_method", MAX_TEXT)
    methods = parse_list(document, "token_endpoint_auth_methods_supported")
    if method.startswith("client_secret"):
        raise DocumentRefusedError("cimd_secret")
    if (method or methods) and "none" not in (method, *methods):
        raise DocumentRefusedError("cimd_auth_method")


def compute_expiry(headers: Mapping[str, str], now: datetime) -> datetime:
    """When to look again: as the host says (RFC 9111 §4.2.1), within five minutes and a day."""
    return now + max(MIN_CACHED, min(MAX_CACHED, find_lifetime(headers, now)))


def find_lifetime(headers: Mapping[str, str], now: datetime) -> timedelta:
    """What the host says; an hour if it says nothing that can be understood."""
    control = headers.get("cache-control", "")
    if UNCACHED.search(control):
        return MIN_CACHED
    match = MAX_AGE.search(control)
    if match:
        return min(timedelta(seconds=int(match[1])), MAX_CACHED)
    if "expires" not in headers:
        return DEFAULT_CACHED
    try:
        expires = parsedate_to_datetime(headers["expires"])
    except (ValueError, OverflowError):
        # RFC 9111 §5.3: an invalid date, "0" above all, means already expired.
        return MIN_CACHED
    return (expires if expires.tzinfo else expires.replace(tzinfo=UTC)) - now
