"""JSON-RPC messages as HTTP responses. None may be stored: each belongs to one token."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

from mcp_endpoint.envelope import MessageId
from mcp_endpoint.paced_body import PIECE_BYTES, Reader, send_in_pieces
from mcp_endpoint.results import build_error

JSON_TYPE = "application/json"
STREAM_TYPE = "text/event-stream"
# A proxy that buffers would hold an event until the connection ends.
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def build_response(
    message: Mapping[str, Any], reader: Reader, *, stream: bool = False
) -> HttpResponse | StreamingHttpResponse:
    """One message as JSON, or as the only event of a stream."""
    if not stream:
        return build_document(message, reader)
    body = wrap_event(encode_json(message))
    return build_paced(body, reader, STREAM_TYPE, build_headers(body) | STREAM_HEADERS)


def build_document(
    document: Mapping[str, Any], reader: Reader
) -> HttpResponse | StreamingHttpResponse:
    """A JSON document; also for what speaks no JSON-RPC."""
    body = encode_json(document)
    return build_paced(body, reader, JSON_TYPE, build_headers(body))


def build_paced(
    body: bytes, reader: Reader, content_type: str, headers: dict[str, str]
) -> HttpResponse | StreamingHttpResponse:
    """A body that, if it is large, goes out in pieces: who stops reading holds no thread."""
    if reader.presence.is_known and len(body) > PIECE_BYTES:
        pieces = reader.hold(send_in_pieces(reader.presence, body))
        return StreamingHttpResponse(pieces, content_type=content_type, headers=headers)
    return HttpResponse(body, content_type=content_type, headers=headers)


def build_headers(body: bytes) -> dict[str, str]:
    """Without a length the server would answer in chunks, a second packet for every response."""
    return {"Cache-Control": "no-store", "Content-Length": str(len(body))}


def build_stream(pieces: Iterator[bytes]) -> StreamingHttpResponse:
    """A stream of events, each sent as it comes."""
    return StreamingHttpResponse(pieces, content_type=STREAM_TYPE, headers=STREAM_HEADERS)


def build_acceptance() -> HttpResponse:
    """202 without a body, for notifications and responses (MCP transports)."""
    response = HttpResponse(
        status=202, headers={"Cache-Control": "no-store", "Content-Length": "0"}
    )
    del response["Content-Type"]
    return response


def build_error_response(
    message_id: MessageId | None,
    code: int,
    message: str,
    *,
    status: int,
    data: Mapping[str, Any],
    headers: Mapping[str, str],
    reference: str,
) -> HttpResponse:
    """A JSON-RPC error, always as JSON: clients look for a stream in successes only."""
    body = encode_json(build_error(message_id, code, message, data=data, reference=reference))
    length = {"Cache-Control": "no-store", "Content-Length": str(len(body))}
    response = HttpResponse(body, content_type=JSON_TYPE, status=status, headers=length)
    for name, value in headers.items():
        response[name] = value
    return response


def encode_json(document: Mapping[str, Any]) -> bytes:
    """The document as compact UTF-8."""
    return ENCODER.encode(document).encode()


def wrap_event(body: bytes) -> bytes:
    """One message as one event of a stream; encoded JSON has no line breaks."""
    return b"event: message\ndata: " + body + b"\n\n"
