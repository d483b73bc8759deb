"""Revisions and eras: what a message claims to speak. Pure: knows neither HTTP nor tools.

MCP 2026-07-28 basic §Versioning and transports §Streamable HTTP. Two eras share one URL:
*modern* requests (2026-07-28) carry their revision in ``params._meta`` and repeat it, the method
and the name in headers; *legacy* ones (2025-03-26 to 2025-11-25) follow an ``initialize``.
The official SDK is this module's oracle in the tests; it isn't imported here because the process
would grow by 34 MB for a hundred lines.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from mcp_endpoint.envelope import Envelope, Kind, MessageId
from mcp_endpoint.errors import (
    HeaderMismatchError,
    InvalidParamsError,
    InvalidRequestError,
    MalformedEnvelopeError,
    UnsupportedProtocolVersionError,
)

MODERN_VERSIONS = ("2026-07-28",)
LEGACY_VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")
LATEST_LEGACY_VERSION = LEGACY_VERSIONS[-1]
# What a legacy request without the header speaks (MCP 2025-06-18 transports).
ASSUMED_VERSION = "2025-03-26"
# 2024-11-05 is not negotiated any more, but its name in a header harms nobody.
LEGACY_HEADER_VALUES = frozenset({"2024-11-05", *LEGACY_VERSIONS})

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
CLIENT_INFO_KEY = "io.modelcontextprotocol/clientInfo"

NAME_BEARING_METHODS = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
BASE64_VALUE = re.compile(r"=\?base64\?(?P<payload>.*)\?=")


class Era(Enum):
    """How a request states its revision."""

    LEGACY = "legacy"
    MODERN = "modern"


@dataclass(frozen=True, slots=True)
class RoutingHeaders:
    """The headers that repeat what the body says; None is absent, edge spaces are gone.

    ``parameters`` are the values of ``Mcp-Param-…`` by the rest of their names, as the server
    spells them: in upper case, with underscores.
    """

    protocol_version: str | None = None
    method: str | None = None
    name: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose era and revision are settled; what ``dispatch`` works on."""

    kind: Kind
    era: Era
    protocol_version: str
    id: MessageId | None
    method: str
    params: dict[str, Any]
    parameter_headers: Mapping[str, str]

    @property
    def client_info(self) -> Any:
        """What the client calls itself: for the log only, never for a decision."""
        if self.era is Era.MODERN:
            return self.params["_meta"].get(CLIENT_INFO_KEY)
        return self.params.get("clientInfo")


def settle_revision(envelope: Envelope, headers: RoutingHeaders) -> Message:
    """The message with its era and revision, after the checks of that era.

    The body decides: whoever puts a revision into ``_meta`` is modern, whatever the headers say.

    Raises:
        RefusedError: the one that belongs to the first rule broken.
    """
    claims = read_claims(envelope)
    if claims is not None and VERSION_KEY in claims:
        version = check_modern(envelope, claims, headers)
        return build_message(envelope, Era.MODERN, version, headers)
    return build_message(envelope, Era.LEGACY, check_legacy(envelope, headers), headers)


def read_claims(envelope: Envelope) -> Mapping[str, Any] | None:
    """``params._meta``, or None if there is none."""
    meta = envelope.params.get("_meta")
    return meta if isinstance(meta, dict) else None


def check_modern(envelope: Envelope, claims: Mapping[str, Any], headers: RoutingHeaders) -> str:
    """The revision of a modern message, once ``_meta``, headers and revision are in order."""
    version = claims[VERSION_KEY]
    if envelope.kind is Kind.REQUEST:
        check_meta(claims)
    check_header_equality(envelope, version, headers)
    if version not in MODERN_VERSIONS:
        raise UnsupportedProtocolVersionError(
            "This revision of the protocol is not served.",
            data={"supported": list(MODERN_VERSIONS), "requested": str(version)[:64]},
        )
    return str(version)


def check_meta(claims: Mapping[str, Any]) -> None:
    """MCP 2026-07-28 basic: every request MUST carry its revision and its capabilities."""
    if not isinstance(claims[VERSION_KEY], str):
        raise MalformedEnvelopeError(f'params._meta["{VERSION_KEY}"] must be a string.')
    if not isinstance(claims.get(CAPABILITIES_KEY), dict):
        raise MalformedEnvelopeError(f'params._meta["{CAPABILITIES_KEY}"] must be an object.')


def check_header_equality(envelope: Envelope, version: Any, headers: RoutingHeaders) -> None:
    """MCP 2026-07-28 transports: a server MUST refuse headers that differ from the body.

    Otherwise a proxy that routes, limits or logs by header lets through what it never saw.
    """
    if headers.protocol_version is None or headers.protocol_version != version:
        raise HeaderMismatchError(
            "The MCP-Protocol-Version header must repeat the revision in params._meta."
        )
    if envelope.kind is not Kind.REQUEST:
        return
    if headers.method != envelope.method:
        raise HeaderMismatchError('The Mcp-Method header must repeat the body\'s "method".')
    member = NAME_BEARING_METHODS.get(envelope.method)
    expected = envelope.params.get(member) if member else None
    if expected is not None and decode_header(headers.name) != expected:
        raise HeaderMismatchError(f'The Mcp-Name header must repeat params["{member}"].')


def check_legacy(envelope: Envelope, headers: RoutingHeaders) -> str:
    """The revision of a message without a modern claim, by its header."""
    header = headers.protocol_version
    if header in MODERN_VERSIONS:
        if envelope.method == "initialize":
            raise HeaderMismatchError(
                "initialize belongs to earlier revisions than the MCP-Protocol-Version header."
            )
        if envelope.kind is Kind.REQUEST:
            raise MalformedEnvelopeError(
                f'params._meta must carry "{VERSION_KEY}" and "{CAPABILITIES_KEY}".'
            )
        if envelope.kind is Kind.RESPONSE:
            raise InvalidRequestError("This revision has no responses from clients.")
        return str(header)
    if envelope.method == "initialize":
        return negotiate(envelope.params.get("protocolVersion"))
    if header is not None and header not in LEGACY_HEADER_VALUES:
        raise InvalidRequestError(
            "This MCP-Protocol-Version is not served. Send one of: "
            + ", ".join(LEGACY_VERSIONS + MODERN_VERSIONS),
            reason="protocol_version",
        )
    return header or ASSUMED_VERSION


def negotiate(requested: Any) -> str:
    """The handshake's answer: the version asked for, else our newest that has a handshake.

    Never a modern one: those have no handshake, and a client told otherwise gets stuck.
    """
    if not isinstance(requested, str):
        raise InvalidParamsError('initialize needs a string "protocolVersion".')
    return requested if requested in LEGACY_VERSIONS else LATEST_LEGACY_VERSION


def decode_header(value: str | None) -> str | None:
    """A header's value, unwrapped if it is ``=?base64?…?=``; None if absent or badly wrapped."""
    wrapped = BASE64_VALUE.fullmatch(value) if value is not None else None
    if wrapped is None:
        return value
    payload = wrapped["payload"]
    try:
        decoded = base64.b64decode(payload, validate=True)
        # Only the canonical spelling: two spellings of one name defeat a proxy's rules.
        canonical = base64.b64encode(decoded).decode("ascii") == payload
        return decoded.decode("utf-8") if canonical else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def build_message(envelope: Envelope, era: Era, version: str, headers: RoutingHeaders) -> Message:
    """The envelope with what was settled about it."""
    return Message(
        kind=envelope.kind,
        era=era,
        protocol_version=version,
        id=envelope.id,
        method=envelope.method,
        params=envelope.params,
        parameter_headers=headers.parameters,
    )
