"""Untrusted parameters of the OAuth endpoints, checked before anything else reads them.

RFC 6749 §3.1 and §3.2: no parameter twice; a parameter without a value counts as left out. NUL,
control characters and broken encodings stop here, so that nothing behind can stumble over them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from oauth_ext.errors import (
    InvalidRequestError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)

MAX_FORM_BYTES = 16 * 1024
MAX_QUERY_LENGTH = 8 * 1024
MAX_FIELDS = 100
MAX_VALUE_LENGTH = 4096
FORM_TYPE = "application/x-www-form-urlencoded"
# RFC 8707 §2 lets this one be repeated.
REPEATABLE = frozenset({"resource"})
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters by name, every ``resource``, and the names that came more than once."""

    values: Mapping[str, str]
    resources: tuple[str, ...]
    repeated: frozenset[str] = frozenset()

    def get(self, name: str) -> str:
        """The value, or an empty string: RFC 6749 treats the two alike."""
        return self.values.get(name, "")


def parse_pairs(text: str) -> Parameters:
    """Parameters from a query or form string; repeated names are reported, not resolved.

    Raises:
        InvalidRequestError: too many, or not text.
    """
    # A query arrives as bytes read as Latin-1: bare UTF-8 would turn into other letters, and a
    # client's state would come back changed. RFC 3986 §2 has no such bytes.
    if not text.isascii():
        raise InvalidRequestError("bad_text", "The parameters cannot be decoded.")
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except (ValueError, UnicodeError) as error:
        raise InvalidRequestError("bad_text", "The parameters cannot be decoded.") from error
    values: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if name not in REPEATABLE and name in values:
            repeated.add(name)
        if CONTROL.search(name) or CONTROL.search(value):
            raise InvalidRequestError("bad_text", "A parameter has characters that are not text.")
        values.setdefault(name, value)
    resources = tuple(value for name, value in pairs if name == "resource" and value)
    return Parameters({n: v for n, v in values.items() if v}, resources, frozenset(repeated))


def parse_form(request: HttpRequest) -> Parameters:
    """The parameters of a POSTed form.

    Raises:
        OAuthError: wrong content type or encoding, too large, in the query string, or repeated.
    """
    check_media_type(request, FORM_TYPE)
    body = read_body(request, MAX_FORM_BYTES)
    if request.META.get("QUERY_STRING"):
        # RFC 6749 §2.3.1: credentials in a URL end up in logs and histories.
        raise InvalidRequestError("params_in_query", "Send parameters in the body only.")
    parameters = parse_pairs(body.decode("latin-1"))
    refuse_repeated(parameters)
    if any(len(value) > MAX_VALUE_LENGTH for value in parameters.values.values()):
        raise InvalidRequestError("too_long", "A parameter is too long.")
    return parameters


def refuse_repeated(parameters: Parameters) -> None:
    """Raise if any name came twice (RFC 6749 §3.1)."""
    if parameters.repeated:
        raise InvalidRequestError("duplicate_param", "A parameter is repeated.")


def check_media_type(request: HttpRequest, expected: str) -> None:
    """Raise unless the body is declared as exactly this type, uncompressed."""
    if request.content_type != expected or request.META.get("HTTP_CONTENT_ENCODING"):
        raise UnsupportedMediaTypeError("bad_content_type", f"Send {expected}.")


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The body, if it is within ``limit`` bytes; an oversized one is not read.

    Raises:
        PayloadTooLargeError: longer than ``limit``.
    """
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError as error:
        raise InvalidRequestError("bad_length") from error
    if declared > limit:
        raise PayloadTooLargeError("too_large")
    try:
        return request.body
    except (UnreadablePostError, RequestDataTooBig) as error:
        raise InvalidRequestError("unreadable_body", "The body did not arrive whole.") from error
