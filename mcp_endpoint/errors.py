"""Every way the endpoint refuses, once: JSON-RPC code, HTTP status, wire text and log reason.

MCP 2026-07-28 basic §Error Codes and transports §Streamable HTTP; RFC 6750 §3.1 for 401 and 403.
``message`` and ``data`` go out; ``reason`` and ``details`` stay in the log. Of what a caller sent
only the URI of a resource that is not there is echoed.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from activity.events import Event, Outcome
from activity.subject import Subject

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
MISSING_CLIENT_CAPABILITY = -32021
UNSUPPORTED_PROTOCOL_VERSION = -32022
# A resource that is not there, before 2026-07-28.
RESOURCE_NOT_FOUND = -32002
# -32000 to -32019 are the implementation's own; SDKs use -32000 and -32001 for their transport.
UNAUTHORIZED = -32010
INSUFFICIENT_SCOPE = -32011
RATE_LIMITED = -32012
PAUSED = -32013


class ToolError(Exception):
    """What a tool raises when it cannot do what was asked.

    It is the one exception whose text reaches the model: say what is wrong and what to do
    instead, and quote no stranger's text. ``reason`` is a short slug for the activity log.
    """

    def __init__(self, message: str, *, reason: str = "tool_error") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class ResourceNotFoundError(Exception):
    """What a resource raises when this caller has no such thing, whatever others may have."""


class ToolDefinitionError(Exception):
    """A tool, resource or prompt is not well defined; the text says what to write.

    Raised while the process starts.
    """


class UnrecordedError(Exception):
    """The activity row could not be written, so nothing may be acknowledged: 503."""


class RefusedError(Exception):
    """A request that is answered with a JSON-RPC error instead of a result."""

    code: ClassVar[int] = INVALID_REQUEST
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    event: Event = Event.REQUEST_REFUSED
    status: int = 400
    reason: str = "invalid_request"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        status: int | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        subject: Subject | None = None,
        tool: str = "",
        event: Event | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.event = event or type(self).event
        self.details = dict(details or {})
        self.reason = reason or type(self).reason
        self.status = status or type(self).status
        self.data = dict(data or {})
        self.headers = dict(headers or {})
        self.subject = subject
        self.tool = tool


class MisdirectedRequestError(RefusedError):
    """``Host`` is not one of ours (RFC 9110 §15.5.20)."""

    status = 421
    reason = "host_not_allowed"


class OriginRefusedError(RefusedError):
    """``Origin`` is present and not allowed: a web page is calling (MCP transports §Security)."""

    status = 403
    reason = "origin_not_allowed"


class UnauthorizedError(RefusedError):
    """No credential, or one that is refused (MCP 2026-07-28 authorization §Error Handling)."""

    code = UNAUTHORIZED
    event = Event.TOKEN_REFUSED
    status = 401
    reason = "missing_bearer_token"


class PausedError(RefusedError):
    """The connection was paused: the token is good, and no new one would help.

    403 without a challenge: over a 401 clients throw their tokens away and ask the person anew.
    """

    code = PAUSED
    event = Event.TOKEN_REFUSED
    status = 403
    reason = "connection_paused"


class InsufficientScopeError(RefusedError):
    """The token is good and lacks a scope that this call needs (RFC 6750 §3.1)."""

    code = INSUFFICIENT_SCOPE
    event = Event.SCOPE_REFUSED
    status = 403
    reason = "insufficient_scope"

    def __init__(
        self, scopes: Iterable[str], *, missing: str, remedy: str, challenge: str, tool: str
    ) -> None:
        needed = " ".join(scopes)
        super().__init__(
            f"This needs permission that was not given: {missing}. {remedy}",
            data={"error": "insufficient_scope", "scope": needed},
            headers={"WWW-Authenticate": challenge},
            tool=tool,
        )


class RateLimitedError(RefusedError):
    """Too many calls (RFC 6585 §4); nothing was done, and the same call works later."""

    code = RATE_LIMITED
    event = Event.LIMIT_REFUSED
    status = 429

    def __init__(self, message: str, *, limit: str, retry_after: int) -> None:
        super().__init__(
            message,
            reason=limit,
            data={"error": "rate_limited", "limit": limit, "retry_after": retry_after},
            headers={"Retry-After": str(retry_after)},
        )


class MethodNotAllowedError(RefusedError):
    """Only POST is served: no GET stream and no session to DELETE."""

    status = 405
    reason = "http_method"


class BodyTooLargeError(RefusedError):
    """More bytes than ``MCP_MAX_BODY_BYTES``, declared or sent."""

    status = 413
    reason = "body_too_large"


class UnsupportedMediaTypeError(RefusedError):
    """The body is not declared as JSON in UTF-8."""

    status = 415
    reason = "content_type"


class NotAcceptableError(RefusedError):
    """The caller takes neither JSON nor an event stream."""

    status = 406
    reason = "accept"


class ParseError(RefusedError):
    """The body is not strict JSON within our limits."""

    code = PARSE_ERROR
    reason = "bad_json"


class InvalidRequestError(RefusedError):
    """JSON, and not one JSON-RPC 2.0 message."""

    reason = "bad_jsonrpc"


class MalformedEnvelopeError(RefusedError):
    """A 2026-07-28 request whose ``_meta`` lacks what every request must carry."""

    code = INVALID_PARAMS
    reason = "bad_meta"


class HeaderMismatchError(RefusedError):
    """A routing header is missing or says something else than the body."""

    code = HEADER_MISMATCH
    reason = "header_mismatch"


class UnsupportedProtocolVersionError(RefusedError):
    """A revision that is not served, asked for in the 2026-07-28 way."""

    code = UNSUPPORTED_PROTOCOL_VERSION
    reason = "protocol_version"


class MissingCapabilityError(RefusedError):
    """The call needs something of the client that it did not declare (MCP 2026-07-28 basic)."""

    code = MISSING_CLIENT_CAPABILITY
    reason = "missing_capability"


class MethodNotFoundError(RefusedError):
    """No such method: 404 since 2026-07-28, 200 before."""

    code = METHOD_NOT_FOUND
    status = 404
    reason = "unknown_method"


class InvalidParamsError(RefusedError):
    """A known method with parameters of the wrong shape, or a tool that does not exist.

    200, because a 400 makes clients of both eras believe that this server is an old one.
    """

    code = INVALID_PARAMS
    status = 200
    reason = "bad_params"


class ResourceAbsentError(InvalidParamsError):
    """No such resource for this caller (MCP 2026-07-28 server/resources §Error Handling)."""

    reason = "unknown_resource"


class LegacyResourceAbsentError(ResourceAbsentError):
    """The same before 2026-07-28, which had a code of its own for it."""

    code = RESOURCE_NOT_FOUND


class ReadingFailedError(RefusedError):
    """A resource, prompt or suggestion could not be made, by a fault of ours."""

    code = INTERNAL_ERROR
    outcome = Outcome.FAILED
    status = 200
    reason = "internal_error"
