"""Eras, revisions and header equality, without HTTP; the official SDK is the second opinion."""

import itertools
from typing import Any

import pytest
from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from mcp_endpoint.envelope import parse_envelope
from mcp_endpoint.errors import (
    HeaderMismatchError,
    InvalidParamsError,
    InvalidRequestError,
    MalformedEnvelopeError,
    RefusedError,
    UnsupportedProtocolVersionError,
)
from mcp_endpoint.protocol import (
    CAPABILITIES_KEY,
    LEGACY_VERSIONS,
    MODERN_VERSIONS,
    VERSION_KEY,
    Era,
    Message,
    RoutingHeaders,
    decode_header,
    settle_revision,
)

MODERN = "2026-07-28"
META = {VERSION_KEY: MODERN, CAPABILITIES_KEY: {}}
HEADERS = RoutingHeaders(protocol_version=MODERN, method="tools/list")
CALL_HEADERS = RoutingHeaders(protocol_version=MODERN, method="tools/call", name="whoami")


def settle(
    method: str, params: dict[str, Any] | None, headers: RoutingHeaders, *, message_id: Any = 1
) -> Message:
    document: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    if message_id is not None:
        document["id"] = message_id
    return settle_revision(parse_envelope(document), headers)


def test_we_serve_what_the_official_package_knows_except_the_first_revision() -> None:
    assert MODERN_VERSIONS == MODERN_PROTOCOL_VERSIONS
    assert HANDSHAKE_PROTOCOL_VERSIONS[1:] == LEGACY_VERSIONS


def test_a_claim_in_the_body_makes_a_request_modern() -> None:
    message = settle("tools/list", {"_meta": META}, HEADERS)
    assert (message.era, message.protocol_version) == (Era.MODERN, MODERN)


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (None, "2025-03-26"),
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
    ],
)
def test_without_a_claim_the_header_tells_the_legacy_revision(
    header: str | None, version: str
) -> None:
    message = settle("tools/list", {}, RoutingHeaders(protocol_version=header))
    assert (message.era, message.protocol_version) == (Era.LEGACY, version)


@pytest.mark.parametrize(
    ("requested", "answered"),
    [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("", "2025-11-25"),
    ],
)
@pytest.mark.parametrize("header", [None, "1999-01-01", "2025-06-18", "junk"])
def test_the_handshake_never_negotiates_a_modern_revision(
    requested: str, answered: str, header: str | None
) -> None:
    headers = RoutingHeaders(protocol_version=header)
    message = settle("initialize", {"protocolVersion": requested}, headers)
    assert (message.era, message.protocol_version) == (Era.LEGACY, answered)


@pytest.mark.parametrize("requested", [None, 1, [], {}])
def test_the_handshake_needs_a_version(requested: Any) -> None:
    with pytest.raises(InvalidParamsError):
        settle("initialize", {"protocolVersion": requested}, RoutingHeaders())


def test_a_legacy_handshake_under_a_modern_header_is_a_mismatch() -> None:
    with pytest.raises(HeaderMismatchError):
        settle("initialize", {"protocolVersion": "2025-11-25"}, RoutingHeaders(MODERN))


def test_an_unknown_header_without_a_claim_is_refused_but_not_as_a_modern_error() -> None:
    with pytest.raises(InvalidRequestError):
        settle("tools/list", {}, RoutingHeaders(protocol_version="1999-01-01"))


@pytest.mark.case(290)
@pytest.mark.parametrize(
    "meta",
    [
        None,
        {},
        {VERSION_KEY: MODERN},
        {CAPABILITIES_KEY: {}},
        {VERSION_KEY: MODERN, CAPABILITIES_KEY: None},
        {VERSION_KEY: MODERN, CAPABILITIES_KEY: []},
        {VERSION_KEY: 20260728, CAPABILITIES_KEY: {}},
        {VERSION_KEY: None, CAPABILITIES_KEY: {}},
    ],
)
def test_a_modern_request_must_carry_version_and_capabilities(meta: Any) -> None:
    with pytest.raises(MalformedEnvelopeError):
        settle("tools/list", {"_meta": meta} if meta is not None else {}, HEADERS)


@pytest.mark.case(288)
@pytest.mark.parametrize(
    "headers",
    [
        RoutingHeaders(None, "tools/call", "whoami"),
        RoutingHeaders("2025-11-25", "tools/call", "whoami"),
        RoutingHeaders(f"{MODERN},{MODERN}", "tools/call", "whoami"),
        RoutingHeaders(MODERN, None, "whoami"),
        RoutingHeaders(MODERN, "tools/list", "whoami"),
        RoutingHeaders(MODERN, "TOOLS/CALL", "whoami"),
        RoutingHeaders(MODERN, "tools/call", None),
        RoutingHeaders(MODERN, "tools/call", "Whoami"),
        RoutingHeaders(MODERN, "tools/call", "whoami,whoami"),
        RoutingHeaders(MODERN, "tools/call", "=?base64?d2hvYW1p?"),
        RoutingHeaders(MODERN, "tools/call", "=?base64?d2hvYW1q?="),
        RoutingHeaders(MODERN, "tools/call", "=?base64?!!!!?="),
    ],
)
def test_headers_must_repeat_the_body(headers: RoutingHeaders) -> None:
    params = {"_meta": META, "name": "whoami"}
    assert settle("tools/call", params, CALL_HEADERS).method == "tools/call"
    with pytest.raises(HeaderMismatchError):
        settle("tools/call", params, headers)


def test_a_client_that_contradicts_itself_hears_that_before_anything_about_versions() -> None:
    meta = META | {VERSION_KEY: "2099-01-01"}
    with pytest.raises(HeaderMismatchError):
        settle("tools/list", {"_meta": meta}, HEADERS)
    with pytest.raises(UnsupportedProtocolVersionError) as refusal:
        settle("tools/list", {"_meta": meta}, RoutingHeaders("2099-01-01", "tools/list"))
    assert refusal.value.data == {"supported": [MODERN], "requested": "2099-01-01"}


def test_a_claim_of_a_legacy_revision_is_told_which_modern_ones_exist() -> None:
    meta = META | {VERSION_KEY: "2025-11-25"}
    with pytest.raises(UnsupportedProtocolVersionError):
        settle("tools/list", {"_meta": meta}, RoutingHeaders("2025-11-25", "tools/list"))


def test_notifications_pass_in_both_eras_and_a_contradiction_does_not() -> None:
    method = "notifications/cancelled"
    assert settle(method, {}, RoutingHeaders(), message_id=None).era is Era.LEGACY
    assert settle(method, {}, RoutingHeaders(MODERN), message_id=None).params == {}
    modern = settle(method, {"_meta": META}, RoutingHeaders(MODERN), message_id=None)
    assert modern.era is Era.MODERN
    with pytest.raises(HeaderMismatchError):
        settle(method, {"_meta": META}, RoutingHeaders("2025-11-25"), message_id=None)


@pytest.mark.case(286)
def test_responses_from_clients_exist_in_the_legacy_era_only() -> None:
    response = parse_envelope({"jsonrpc": "2.0", "id": 1, "result": {}})
    assert settle_revision(response, RoutingHeaders("2025-11-25")).era is Era.LEGACY
    with pytest.raises(InvalidRequestError):
        settle_revision(response, RoutingHeaders(MODERN))


@pytest.mark.case(288)
@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        ("plain", "plain"),
        ("=?base64?w6TDtg==?=", "äö"),
        ("=?base64?d2hvYW1p?=", "whoami"),
        ("=?base64?w6TDth==?=", None),
        ("=?base64?/w==?=", None),
        ("=?base64?a b?=", None),
        (None, None),
    ],
)
def test_wrapped_header_values_are_decoded_in_their_one_spelling(
    value: str | None, decoded: str | None
) -> None:
    assert decode_header(value) == decoded


VERSIONS = [None, MODERN, "2025-11-25", "2099-01-01"]
METAS: list[Any] = [{VERSION_KEY: version, CAPABILITIES_KEY: {}} for version in VERSIONS[1:]] + [
    {VERSION_KEY: MODERN}
]
METHODS = [None, "tools/call", "tools/list"]
NAMES = [None, "whoami", "other", "=?base64?d2hvYW1p?="]


@pytest.mark.parametrize("meta", METAS)
def test_modern_requests_are_judged_as_the_official_server_judges_them(meta: Any) -> None:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "whoami", "_meta": meta},
    }
    envelope = parse_envelope(body)
    for version, method, name in itertools.product(VERSIONS, METHODS, NAMES):
        lines = {"mcp-protocol-version": version, "mcp-method": method, "mcp-name": name}
        sent = {key: value for key, value in lines.items() if value is not None}
        verdict = classify_inbound_request(body, headers=sent)
        expected = verdict.code if isinstance(verdict, InboundLadderRejection) else None
        try:
            settle_revision(envelope, RoutingHeaders(version, method, name))
            code = None
        except RefusedError as refusal:
            code = refusal.code
        assert code == expected, (meta, sent)
