"""``/mcp``: one POST in, one JSON object or one stream of events out. Stateless in every revision.

MCP 2026-07-28 transports §Streamable HTTP. The order of the checks is part of the contract:
clients find the challenge by probing with any method, so authentication comes before everything
that is about the message. Nothing here redirects, reads a cookie or opens a session, and no
input may end in a 5xx.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import django.db
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from activity.origin import Origin, origin_of
from mcp_endpoint.authentication import authenticate, find_end
from mcp_endpoint.call_limits import Cost, charge, check_attempts, find_cost, hold_slot
from mcp_endpoint.client_presence import find_presence
from mcp_endpoint.dispatch import dispatch
from mcp_endpoint.envelope import Kind, MessageId, find_message_id, parse_envelope
from mcp_endpoint.errors import INTERNAL_ERROR, ParseError, RefusedError, UnrecordedError
from mcp_endpoint.event_stream import EventStream, wait_for_news
from mcp_endpoint.exchange import Caller, Exchange
from mcp_endpoint.http_checks import (
    check_content_type,
    check_host,
    check_method,
    check_origin,
    read_accept,
    read_body,
    read_routing_headers,
)
from mcp_endpoint.paced_body import Reader
from mcp_endpoint.progress import find_progress_token
from mcp_endpoint.protocol import Message, settle_revision
from mcp_endpoint.refusals import record_fault, record_refusal
from mcp_endpoint.responses import (
    build_acceptance,
    build_error_response,
    build_response,
    build_stream,
    encode_json,
)
from mcp_endpoint.results import build_success
from oauth_ext.strict_json import StrictJsonError, parse_json
from oauth_ext.verification import Principal, record_use

RETRY_AFTER_SECONDS = 5

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """How far a request came: what a refusal of it can tell."""

    origin: Origin
    principal: Principal | None = None
    message_id: MessageId | None = None
    protocol_version: str = ""


@csrf_exempt
def serve_mcp(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Answer one request."""
    response = respond(request)
    if request.method == "HEAD" and isinstance(response, HttpResponse):
        # RFC 9110 §9.3.2: the headers of the answer, and no body.
        response.content = b""
    return response


def respond(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The answer to one request; every way out is here."""
    started = time.perf_counter()
    progress = Progress(origin_of(request))
    try:
        return answer(request, progress, started)
    except Exception as error:
        return explain(request, progress, error)


def explain(request: HttpRequest, progress: Progress, error: Exception) -> HttpResponse:
    """The answer to whatever went wrong, and its record."""
    if isinstance(error, RefusedError):
        try:
            return refuse(request, progress, error)
        except django.db.Error as outage:
            error = outage
    if isinstance(error, django.db.Error | UnrecordedError):
        # Never a 401: a client would throw away a token that is still good.
        logger.error("the database is not available", exc_info=error)
        return fail(progress, 503, "The server is not available right now. Try again.")
    logger.error("the endpoint failed", exc_info=error)
    record_fault(progress.origin, progress.principal, type(error).__name__)
    return fail(progress, 500, "Something went wrong on our side.")


def answer(
    request: HttpRequest, progress: Progress, started: float
) -> HttpResponse | StreamingHttpResponse:
    """The checks in order, then the message.

    Raises:
        RefusedError: the first check that failed.
    """
    check_host(request)
    check_origin(request)
    principal = progress.principal = authenticate(request)
    check_attempts(principal)
    check_method(request)
    body = read_body(request)
    check_content_type(request)
    acceptable = read_accept(request)
    message = read_message(body, request, progress)
    if message.kind is not Kind.REQUEST:
        charge(principal, Cost.NOTHING)
        record_use(principal, origin=progress.origin)
        return build_acceptance()
    caller = Caller(find_presence(request), acceptable.stream, partial(find_end, principal))
    with hold_slot(principal) as slot:
        charge(principal, find_cost(principal, message))
        record_use(principal, origin=progress.origin)
        outcome = dispatch(Exchange(message, principal, progress.origin, started, caller))
        if not isinstance(outcome, Mapping):
            outcome = wait_for_news(outcome)
        if isinstance(outcome, Mapping):
            reader = Reader(caller.presence, slot.keep_for)
            success = build_success(message.id, outcome)
            return build_response(success, reader, stream=not acceptable.json)
        events = EventStream(
            caller.presence,
            find_progress_token(message.params),
            conclude=lambda result: encode_json(build_success(message.id, result)),
            explain=lambda error: explain(request, progress, error).content,
        )
        return build_stream(slot.keep_for(events.send(outcome)))


def read_message(body: bytes, request: HttpRequest, progress: Progress) -> Message:
    """The message in the body, with its era settled."""
    try:
        document = parse_json(body)
    except StrictJsonError as error:
        raise ParseError(error.message, reason=error.reason) from error
    progress.message_id = find_message_id(document)
    message = settle_revision(parse_envelope(document), read_routing_headers(request))
    progress.protocol_version = message.protocol_version
    return message


def refuse(request: HttpRequest, progress: Progress, refusal: RefusedError) -> HttpResponse:
    """Record the refusal, then answer it with the reference of its row."""
    reference = record_refusal(
        refusal, progress.origin, progress.principal, progress.protocol_version
    )
    # The first middleware repeats it in the Reference-Id header.
    request.reference = reference  # type: ignore[attr-defined]
    return build_error_response(
        progress.message_id,
        refusal.code,
        refusal.message,
        status=refusal.status,
        data=refusal.data,
        headers=refusal.headers,
        reference=reference,
    )


def fail(progress: Progress, status: int, message: str) -> HttpResponse:
    """An answer that blames nobody but us."""
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    return build_error_response(
        progress.message_id,
        INTERNAL_ERROR,
        message,
        status=status,
        data={},
        headers=retry,
        reference=progress.origin.reference,
    )
