"""What an HTTP request must be before its body is looked at, one check a function.

MCP 2026-07-28 transports §Streamable HTTP and §Security Warning.
"""

from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from mcp_endpoint.errors import (
    BodyTooLargeError,
    MethodNotAllowedError,
    MisdirectedRequestError,
    NotAcceptableError,
    OriginRefusedError,
    ParseError,
    UnsupportedMediaTypeError,
)
from mcp_endpoint.protocol import RoutingHeaders
from mcp_endpoint.responses import JSON_TYPE, STREAM_TYPE

# How WSGI spells Mcp-Param-… (PEP 3333).
PARAMETER_PREFIX = "HTTP_MCP_PARAM_"
JSON_RANGES = frozenset({JSON_TYPE, "application/*", "*/*"})
STREAM_RANGES = frozenset({STREAM_TYPE, "text/*"})


def check_host(request: HttpRequest) -> None:
    """Refuse a ``Host`` that is not ours: a name that was rebound to this address."""
    try:
        request.get_host()
    except DisallowedHost as error:
        raise MisdirectedRequestError("This host is not served here.") from error


def check_origin(request: HttpRequest) -> None:
    """MCP transports: a server MUST validate ``Origin`` and answer 403 if it is not allowed.

    Programs send none. A browser's ``null`` is nobody in particular, so it is refused.
    """
    if not is_allowed_origin(request.META.get("HTTP_ORIGIN")):
        raise OriginRefusedError("Web pages of this origin may not call this server.")


def is_allowed_origin(origin: str | None) -> bool:
    """Whether a page of this origin may call the endpoint; the preflight asks the same."""
    return origin is None or origin == settings.PUBLIC_URL or origin in settings.MCP_ALLOWED_ORIGINS


def check_method(request: HttpRequest) -> None:
    """Only POST."""
    if request.method != "POST":
        raise MethodNotAllowedError(
            "Only POST is served here; there is no stream to GET and no session to DELETE.",
            headers={"Allow": "POST"},
        )


def check_content_type(request: HttpRequest) -> None:
    """JSON, and in UTF-8 if an encoding is named at all."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type != JSON_TYPE or charset.lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaTypeError(f"Send Content-Type: {JSON_TYPE}.")


@dataclass(frozen=True, slots=True)
class Acceptable:
    """The forms of an answer that the client takes.

    ``stream`` only if it names event streams: ``*/*`` is sent by programs that can't read one.
    """

    json: bool
    stream: bool


def read_accept(request: HttpRequest) -> Acceptable:
    """What the client takes.

    Lenient on purpose: real clients send ``*/*``, one type or nothing, and mean "answer me".

    Raises:
        NotAcceptableError: neither.
    """
    accept = request.META.get("HTTP_ACCEPT", "")
    if not accept or (JSON_TYPE in accept and "q=" not in accept):
        return Acceptable(json=True, stream=STREAM_TYPE in accept)
    ranges = parse_accept(accept)
    acceptable = Acceptable(json=bool(ranges & JSON_RANGES), stream=bool(ranges & STREAM_RANGES))
    if acceptable.json or acceptable.stream:
        return acceptable
    raise NotAcceptableError(f"Accept {JSON_TYPE} or {STREAM_TYPE}.")


def parse_accept(accept: str) -> set[str]:
    """The media ranges of an ``Accept`` header, without those weighted zero (RFC 9110 §12.5.1)."""
    ranges = set()
    for item in accept.lower().split(","):
        media_range, *parameters = (part.strip() for part in item.split(";"))
        weights = [part.removeprefix("q=") for part in parameters if part.startswith("q=")]
        if not any(weight.strip("0.") == "" for weight in weights):
            ranges.add(media_range)
    return ranges


def read_body(request: HttpRequest) -> bytes:
    """The body, at most ``MCP_MAX_BODY_BYTES``; one byte more is the last that is read.

    Raises:
        BodyTooLargeError: more was declared or came.
        ParseError: the client went away in the middle.
    """
    limit = settings.MCP_MAX_BODY_BYTES
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
        raise BodyTooLargeError(f"The body may have at most {limit} bytes.")
    stream: Any = request
    if not declared and request.META.get("wsgi.input_terminated"):
        # Django takes a body without a length for empty; the server says that it ends itself.
        stream = cast(BinaryIO, request.META["wsgi.input"])
    try:
        body: bytes = stream.read(limit + 1)
    except Exception as error:
        # Reading asks nothing of ours. Each server has an exception of its own for a body that
        # ends early or comes in chunks that are none.
        raise ParseError("The body cannot be read.", reason="body_unreadable") from error
    if len(body) > limit:
        raise BodyTooLargeError(f"The body may have at most {limit} bytes.")
    return body


def read_routing_headers(request: HttpRequest) -> RoutingHeaders:
    """The headers that repeat the body: three, and those of the tools' parameters.

    Servers join repeated ones with a comma, so a repeated header equals nothing in a body.
    """
    meta = request.META
    return RoutingHeaders(
        protocol_version=trim(meta.get("HTTP_MCP_PROTOCOL_VERSION")),
        method=trim(meta.get("HTTP_MCP_METHOD")),
        name=trim(meta.get("HTTP_MCP_NAME")),
        parameters={
            name.removeprefix(PARAMETER_PREFIX): value.strip(" \t")
            for name, value in meta.items()
            if name.startswith(PARAMETER_PREFIX)
        },
    )


def trim(value: str | None) -> str | None:
    """A header's value without optional white space (RFC 9110 §5.5)."""
    return value.strip(" \t") if value is not None else None
