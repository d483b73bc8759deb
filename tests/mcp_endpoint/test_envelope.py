"""The shape of one JSON-RPC message (MCP basic §Messages), without HTTP."""

from typing import Any

import pytest

from mcp_endpoint.envelope import Kind, find_message_id, parse_envelope
from mcp_endpoint.errors import InvalidRequestError

REQUEST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize("message_id", [0, -1, 2**63 - 1, "", "a", "x" * 256])
def test_string_and_integer_ids_are_accepted(message_id: Any) -> None:
    assert parse_envelope(REQUEST | {"id": message_id}).id == message_id


@pytest.mark.case(285)
@pytest.mark.parametrize("message_id", [None, True, 1.0, 1.5, [], {}, 2**63, "x" * 257])
def test_other_ids_are_refused_and_never_echoed(message_id: Any) -> None:
    document = REQUEST | {"id": message_id}
    assert find_message_id(document) is None
    with pytest.raises(InvalidRequestError):
        parse_envelope(document)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (REQUEST, Kind.REQUEST),
        (REQUEST | {"params": None}, Kind.REQUEST),
        (REQUEST | {"params": {}, "extension": 1}, Kind.REQUEST),
        ({"jsonrpc": "2.0", "method": "notifications/initialized"}, Kind.NOTIFICATION),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, Kind.RESPONSE),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": ""}}, Kind.RESPONSE),
    ],
)
def test_each_kind_of_message_is_recognized(document: Any, kind: Kind) -> None:
    assert parse_envelope(document).kind is kind


@pytest.mark.case(285)
@pytest.mark.parametrize(
    "document",
    [
        [],
        [REQUEST],
        "tools/list",
        1,
        None,
        {},
        REQUEST | {"jsonrpc": "1.0"},
        REQUEST | {"jsonrpc": 2.0},
        {"id": 1, "method": "tools/list"},
        REQUEST | {"method": 1},
        REQUEST | {"method": ""},
        REQUEST | {"method": "x" * 129},
        REQUEST | {"params": []},
        REQUEST | {"params": "x"},
        REQUEST | {"result": {}},
        REQUEST | {"error": {}},
        {"jsonrpc": "2.0", "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "result": {}},
        {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}},
    ],
)
def test_what_is_not_one_message_is_refused(document: Any) -> None:
    with pytest.raises(InvalidRequestError):
        parse_envelope(document)


@pytest.mark.case(283)
@pytest.mark.parametrize("name", ["Method", "METHOD", "JsonRPC", "Id", "Params", "paramſ"])
def test_members_that_another_reader_could_fold_are_refused(name: str) -> None:
    assert parse_envelope(REQUEST | {"unrelated": 1}).method == "tools/list"
    with pytest.raises(InvalidRequestError):
        parse_envelope(REQUEST | {name: "tools/call"})


@pytest.mark.case(284)
def test_a_batch_is_named_in_the_log_reason() -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parse_envelope([REQUEST])
    assert refusal.value.reason == "batch"
