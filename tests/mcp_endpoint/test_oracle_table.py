"""What each request is answered, row by row of the table that both reference servers were held to.

MCP 2026-07-28 transports §Streamable HTTP; the legacy rows follow 2025-03-26 to 2025-11-25.
"""

from typing import Any

import pytest

from tests.mcp_client import LATEST_LEGACY, MODERN, MODERN_META, McpClient
from tests.mcp_endpoint.conftest import rows_of

pytestmark = pytest.mark.django_db

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
WHOAMI = {"name": "whoami", "arguments": {}}


def claim(version: Any) -> dict[str, Any]:
    return {VERSION_KEY: version, CAPABILITIES_KEY: {}}


def modern_call(mcp: McpClient, **changes: Any) -> Any:
    return mcp.modern("tools/call", WHOAMI, **changes)


SERVED = ("tools", "resources", "prompts", "completions")
MODERN_ROWS: list[tuple[str, dict[str, Any], int, int | None]] = [
    ("all correct", {}, 200, None),
    ("no _meta", {"meta": None}, 400, -32602),
    ("_meta without capabilities", {"meta": {VERSION_KEY: MODERN}}, 400, -32602),
    (
        "capabilities of the wrong type",
        {"meta": claim(MODERN) | {CAPABILITIES_KEY: 1}},
        400,
        -32602,
    ),
    ("no version header", {"headers": {"MCP-Protocol-Version": None}}, 400, -32020),
    ("older header", {"headers": {"MCP-Protocol-Version": LATEST_LEGACY}}, 400, -32020),
    ("older claim", {"meta": claim(LATEST_LEGACY)}, 400, -32020),
    (
        "unknown revision in both",
        {"meta": claim("2099-01-01"), "headers": {"MCP-Protocol-Version": "2099-01-01"}},
        400,
        -32022,
    ),
    ("no Mcp-Method", {"headers": {"Mcp-Method": None}}, 400, -32020),
    ("wrong Mcp-Method", {"headers": {"Mcp-Method": "tools/list"}}, 400, -32020),
    ("no Mcp-Name", {"headers": {"Mcp-Name": None}}, 400, -32020),
    ("wrong Mcp-Name", {"headers": {"Mcp-Name": "search_activity"}}, 400, -32020),
    ("base64 Mcp-Name", {"headers": {"Mcp-Name": "=?base64?d2hvYW1p?="}}, 200, None),
    ("spaces around Mcp-Name", {"headers": {"Mcp-Name": " whoami "}}, 200, None),
    ("null id", {"message_id": None}, 400, -32600),
    ("no Accept", {"headers": {"Accept": None}}, 200, None),
    ("JSON only", {"headers": {"Accept": "application/json"}}, 200, None),
    ("anything", {"headers": {"Accept": "*/*"}}, 200, None),
    ("a session id of some other server", {"headers": {"Mcp-Session-Id": "x"}}, 200, None),
    ("Last-Event-ID", {"headers": {"Last-Event-ID": "7"}}, 200, None),
    ("foreign Origin", {"headers": {"Origin": "https://evil.example"}}, 403, -32600),
    ("null Origin", {"headers": {"Origin": "null"}}, 403, -32600),
    ("foreign Host", {"headers": {"Host": "evil.example"}}, 421, -32600),
]


@pytest.mark.case(277, 288, 290)
@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [row[1:] for row in MODERN_ROWS],
    ids=[row[0] for row in MODERN_ROWS],
)
def test_modern_call(
    mcp: McpClient, changes: dict[str, Any], status: int, code: int | None
) -> None:
    answer = modern_call(mcp, **changes)
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert "Mcp-Session-Id" not in answer.headers
    if code is None:
        assert body["result"]["resultType"] == "complete"
        assert body["result"]["isError"] is False
        assert body["id"] == 1
        return
    assert body["error"]["code"] == code
    reference = body["error"]["data"]["reference"]
    assert answer.headers["Reference-Id"] == reference
    assert reference in body["error"]["message"]
    (row,) = rows_of(reference)
    assert (row.event, row.outcome, row.http_status) == ("mcp.request.refused", "refused", status)


@pytest.mark.case(287)
@pytest.mark.parametrize(
    "method",
    [
        "tools/run",
        "ping",
        "initialize",
        "logging/setLevel",
        "roots/list",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "notifications/cancelled",
        "Tools/List",
    ],
)
def test_unknown_and_removed_methods_are_404_in_the_modern_era(mcp: McpClient, method: str) -> None:
    answer = mcp.modern(method, {"protocolVersion": LATEST_LEGACY}, message_id="seven")
    assert answer.status_code == 404
    assert answer.json()["id"] == "seven"
    assert answer.json()["error"]["code"] == -32601


@pytest.mark.case(287)
@pytest.mark.parametrize("method", ["server/discover", "resources/subscribe", "logging/setLevel"])
def test_unknown_methods_are_200_in_the_legacy_era(mcp: McpClient, method: str) -> None:
    answer = mcp.legacy(method)
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32601


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 200, None),
        ("1999-01-01", 200, None),
        (LATEST_LEGACY, 200, None),
        (MODERN, 400, -32020),
    ],
)
def test_legacy_initialize_under_each_header(
    mcp: McpClient, header: str | None, status: int, code: int | None
) -> None:
    params = {"protocolVersion": LATEST_LEGACY, "capabilities": {}, "clientInfo": {}}
    answer = mcp.legacy("initialize", params, version=header)
    assert answer.status_code == status
    assert answer.json().get("error", {}).get("code") == code


@pytest.mark.case(292)
@pytest.mark.parametrize(
    ("requested", "answered"),
    [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        (LATEST_LEGACY, LATEST_LEGACY),
        (MODERN, LATEST_LEGACY),
        ("1999-01-01", LATEST_LEGACY),
    ],
)
def test_initialize_negotiates_and_issues_no_session(
    mcp: McpClient, requested: str, answered: str
) -> None:
    answer = mcp.initialize(requested)
    result = answer.json()["result"]
    assert result["protocolVersion"] == answered
    assert result["capabilities"] == {name: {} for name in SERVED}
    assert result["serverInfo"]["version"]
    assert "resultType" not in result and "ttlMs" not in result
    assert "Mcp-Session-Id" not in answer.headers
    assert not answer.cookies


def test_an_unknown_version_header_without_a_claim_is_400_with_a_legacy_code(
    mcp: McpClient,
) -> None:
    answer = mcp.legacy("tools/list", version="1999-01-01")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32600


@pytest.mark.case(291, 292)
@pytest.mark.parametrize("session", [None, "bogus"])
@pytest.mark.parametrize("version", [None, "2025-03-26", "2025-06-18", "2025-11-25"])
def test_legacy_requests_need_no_session_and_ignore_one(
    mcp: McpClient, session: str | None, version: str | None
) -> None:
    headers = {"Mcp-Session-Id": session}
    assert mcp.legacy("ping", version=version, headers=headers).json()["result"] == {}
    listed = mcp.legacy("tools/list", version=version, headers=headers)
    assert listed.status_code == 200
    called = mcp.legacy("tools/call", WHOAMI, version=version, headers=headers)
    assert called.json()["result"]["structuredContent"]["organization"] == "Acme"
    assert "resultType" not in called.json()["result"]


@pytest.mark.case(286)
@pytest.mark.parametrize("version", [None, LATEST_LEGACY, MODERN])
def test_notifications_are_202_without_a_body(mcp: McpClient, version: str | None) -> None:
    for method in ("notifications/initialized", "notifications/cancelled", "notifications/new"):
        answer = mcp.send(
            {"jsonrpc": "2.0", "method": method}, headers={"MCP-Protocol-Version": version}
        )
        assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.case(286)
def test_a_client_response_is_202_in_the_legacy_era_and_refused_in_the_modern(
    mcp: McpClient,
) -> None:
    response = {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert mcp.send(response).status_code == 202
    answer = mcp.send(response, headers={"MCP-Protocol-Version": MODERN})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)


@pytest.mark.case(295, 296)
@pytest.mark.parametrize("send", ["modern", "legacy"])
def test_wrong_arguments_are_a_result_and_an_unknown_tool_is_an_error(
    mcp: McpClient, send: str
) -> None:
    post = getattr(mcp, send)
    wrong = post("tools/call", {"name": "whoami", "arguments": {"nobody": 1}})
    assert wrong.status_code == 200
    assert wrong.json()["result"]["isError"] is True
    unknown = post("tools/call", {"name": "no_such_tool", "arguments": {}})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (200, -32602)


@pytest.mark.case(282)
@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b"{} {}", b"'a'"])
def test_what_is_not_json_is_a_parse_error_without_an_id(mcp: McpClient, body: bytes) -> None:
    answer = mcp.send(body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32700
    assert answer.json()["id"] is None


@pytest.mark.case(284)
@pytest.mark.parametrize("version", [None, LATEST_LEGACY, MODERN])
def test_batches_are_refused_in_every_era(mcp: McpClient, version: str | None) -> None:
    batch = [{"jsonrpc": "2.0", "id": 1, "method": "ping"}]
    for body in (batch, []):
        answer = mcp.send(body, headers={"MCP-Protocol-Version": version})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/json; charset=utf-16"])
def test_other_content_types_are_415(mcp: McpClient, content_type: str) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert mcp.send(request, content_type=content_type).status_code == 415
    assert mcp.send(request, content_type="application/json; charset=UTF-8").status_code == 200


@pytest.mark.case(291)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"])
def test_other_methods_are_405_and_name_the_allowed_one(mcp: McpClient, method: str) -> None:
    answer = mcp.send(b"", method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize("cursor", ["abc", 7, {}])
def test_a_cursor_that_nobody_was_given_is_invalid(mcp: McpClient, cursor: Any) -> None:
    answer = mcp.modern("tools/list", {"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32602)
    assert mcp.modern("tools/list", {"cursor": None}).json()["result"]["tools"]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"name": 1},
        {"name": None},
        {"name": "whoami", "arguments": []},
        {"name": "whoami", "arguments": "x"},
    ],
)
def test_a_malformed_call_is_an_error_with_status_200(
    mcp: McpClient, params: dict[str, Any]
) -> None:
    answer = mcp.legacy("tools/call", params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32602)


@pytest.mark.case(280)
@pytest.mark.parametrize("accept", ["text/event-stream", "text/*", "application/json;q=0, text/*"])
def test_a_client_that_takes_only_streams_gets_one_event(mcp: McpClient, accept: str) -> None:
    answer = modern_call(mcp, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.content.startswith(b'event: message\ndata: {"jsonrpc":"2.0","id":1,')
    assert answer.content.endswith(b"}\n\n") and answer.content.count(b"\n") == 3


@pytest.mark.case(280)
def test_a_client_that_takes_neither_type_gets_406(mcp: McpClient) -> None:
    assert modern_call(mcp, headers={"Accept": "image/png"}).status_code == 406


def test_discovery_is_complete_and_lists_modern_revisions_only(mcp: McpClient) -> None:
    result = mcp.modern("server/discover").json()["result"]
    assert result["supportedVersions"] == [MODERN]
    assert result["capabilities"] == {name: {} for name in SERVED}
    assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
    assert 0 <= result["ttlMs"] <= 60_000
    assert result["_meta"][SERVER_INFO_KEY]["version"]


@pytest.mark.case(311)
def test_client_info_is_optional_and_only_logged(mcp: McpClient) -> None:
    meta = {key: value for key, value in MODERN_META.items() if not key.endswith("clientInfo")}
    assert mcp.modern("server/discover", meta=meta).status_code == 200
    answer = mcp.modern("server/discover")
    (row,) = rows_of(answer.headers["Reference-Id"])
    assert row.event == "mcp.session.opened"
    assert row.details["claimed_client"]["name"] == "test"


def test_both_spellings_of_the_path_answer_alike_and_nothing_redirects(mcp: McpClient) -> None:
    with_slash = McpClient(mcp.token, path="/mcp/")
    assert modern_call(mcp).status_code == modern_call(with_slash).status_code == 200
    for stranger in (McpClient(None), McpClient(None, path="/mcp/")):
        for method in ("POST", "GET"):
            assert stranger.send(b"{}", method=method).status_code == 401
