"""Arguments that clients repeat in headers: they agree, or nothing runs."""

import base64
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from mcp.shared.inbound import (
    find_invalid_x_mcp_header,
    mcp_param_headers,
    validate_mcp_param_headers,
    x_mcp_header_map,
)
from pydantic import BaseModel, Field, SecretStr

from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import ToolOptions, define_tool
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.parameter_headers import MirroredInHeader
from mcp_endpoint.registry import registry
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import Register, rows_of


class Told(BaseModel):
    text: str


class Zone(StrEnum):
    EU = "eu"


class Place(BaseModel, extra="forbid"):
    city: Annotated[str, MirroredInHeader("City")] = ""


def route(
    context: CallContext,
    region: Annotated[str, MirroredInHeader("Region")] = "",
    shard: Annotated[int, MirroredInHeader("Shard-Number")] = 0,
    dry: Annotated[bool, MirroredInHeader("Dry")] = False,
    zone: Annotated[Zone, MirroredInHeader("Zone")] = Zone.EU,
    by_hand: Annotated[str, Field(json_schema_extra={"x-mcp-header": "By-Hand"})] = "",
    place: Place = Place(),  # noqa: B008
) -> Told:
    """Tell where it went."""
    return Told(text=f"{region} {shard} {dry} {place.city}")


HEADER = "Mcp-Param-Region"


def wrap(value: str | bytes) -> str:
    raw = value if isinstance(value, bytes) else value.encode()
    return f"=?base64?{base64.b64encode(raw).decode()}?="


CALLS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"region": "eu-1"}, {HEADER: "eu-1"}),
    ({"region": "eu-1"}, {"mcp-param-REGION": "eu-1"}),
    ({"region": "eu-1"}, {HEADER: wrap("eu-1")}),
    ({"region": "eu-1"}, {HEADER: "  eu-1\t"}),
    ({"region": "eu-1"}, {HEADER: "EU-1"}),
    ({"region": "eu-1"}, {HEADER: "eu-2"}),
    ({"region": "eu-1"}, {}),
    ({"region": ""}, {HEADER: ""}),
    ({"region": ""}, {}),
    ({"region": None}, {}),
    ({"region": None}, {HEADER: "null"}),
    ({}, {HEADER: "eu-1"}),
    ({}, {HEADER: ""}),
    ({"region": "Grüße"}, {HEADER: wrap("Grüße")}),
    ({"region": "Grüße"}, {HEADER: wrap("Grüße".encode("latin-1"))}),
    ({"region": " eu "}, {HEADER: wrap(" eu ")}),
    ({"region": " eu "}, {HEADER: " eu "}),
    ({"region": "a\nb"}, {HEADER: wrap("a\nb")}),
    ({"region": "=?base64?ZXU=?="}, {HEADER: wrap("=?base64?ZXU=?=")}),
    ({"region": "=?base64?ZXU=?="}, {HEADER: "=?base64?ZXU=?="}),
    ({"region": "eu"}, {HEADER: "=?base64?ZXU?="}),
    ({"region": "eu"}, {HEADER: "=?BASE64?ZXU=?="}),
    ({"region": "eu"}, {HEADER: "=?base64?ZXV=?="}),
    ({"region": "x,y"}, {HEADER: "x,y"}),
    ({"region": 7}, {HEADER: "7"}),
    ({"region": ["eu"]}, {HEADER: "eu"}),
    ({"region": ["eu"]}, {}),
    ({"shard": 42}, {"Mcp-Param-Shard-Number": "42"}),
    ({"shard": 42}, {"Mcp-Param-Shard-Number": "42.0"}),
    ({"shard": 42.0}, {"Mcp-Param-Shard-Number": "42"}),
    ({"shard": 42}, {"Mcp-Param-Shard-Number": "42.5"}),
    ({"shard": 42}, {"Mcp-Param-Shard-Number": "4.2e1"}),
    ({"shard": 42}, {"Mcp-Param-Shard-Number": "+42"}),
    ({"shard": 42}, {"Mcp-Param-Shard-Number": wrap("42")}),
    ({"shard": -7}, {"Mcp-Param-Shard-Number": "-7"}),
    ({"shard": 2**60 + 1}, {"Mcp-Param-Shard-Number": str(2**60)}),
    ({"shard": "42"}, {"Mcp-Param-Shard-Number": "42.0"}),
    ({"shard": True}, {"Mcp-Param-Shard-Number": "1"}),
    ({"dry": True}, {"Mcp-Param-Dry": "true"}),
    ({"dry": True}, {"Mcp-Param-Dry": "True"}),
    ({"dry": False}, {"Mcp-Param-Dry": "false"}),
    ({"zone": "eu"}, {"Mcp-Param-Zone": "eu"}),
    ({"by_hand": "x"}, {"Mcp-Param-By-Hand": "x"}),
    ({"by_hand": "x"}, {}),
    ({"place": {"city": "Ulm"}}, {"Mcp-Param-City": "Ulm"}),
    ({"place": {"city": "Ulm"}}, {}),
    ({"place": "Ulm"}, {}),
    ({}, {"Mcp-Param-Unknown": "whatever"}),
]


@pytest.mark.django_db
@pytest.mark.case(288)
@pytest.mark.parametrize(("arguments", "headers"), CALLS)
def test_headers_and_arguments_are_compared_as_the_official_sdk_does(
    mcp: McpClient, register: Register, arguments: dict[str, Any], headers: dict[str, str]
) -> None:
    name = register(route)
    defined = registry.find(name)
    assert defined
    seen = {header: value.strip(" \t") for header, value in headers.items()}
    refusal = validate_mcp_param_headers(defined.definition["inputSchema"], arguments, seen)
    answer = mcp.modern("tools/call", {"name": name, "arguments": arguments}, headers=headers)
    rows = rows_of(answer.headers["Reference-Id"])
    if refusal is None:
        assert answer.status_code == 200 and "result" in answer.json()
        assert [row.event for row in rows] == ["mcp.tool.called"]
        return
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == refusal.code == -32020
    (row,) = rows
    assert (row.event, row.reason, row.tool) == ("mcp.request.refused", "header_mismatch", name)


@pytest.mark.django_db
@pytest.mark.case(288)
def test_a_header_with_characters_that_no_header_has_is_refused_also_if_it_agrees(
    mcp: McpClient, register: Register
) -> None:
    name = register(route)
    for value, status in (("\xfc", 400), ("u", 200)):
        answer = mcp.modern(
            "tools/call", {"name": name, "arguments": {"region": value}}, headers={HEADER: value}
        )
        assert answer.status_code == status


@pytest.mark.django_db
def test_what_the_official_client_sends_is_accepted(mcp: McpClient, register: Register) -> None:
    name = register(route)
    defined = registry.find(name)
    assert defined
    schema = defined.definition["inputSchema"]
    assert find_invalid_x_mcp_header(schema) is None
    for arguments in (
        {"region": "=?base64?x?=", "shard": -3, "dry": True, "place": {"city": " Köln\n"}},
        {"region": "a\tb", "zone": "eu"},
        {},
    ):
        headers = mcp_param_headers(x_mcp_header_map(schema), arguments)
        sent = {"name": name, "arguments": arguments}
        answer = mcp.modern("tools/call", sent, headers=headers)
        assert answer.json()["result"]["isError"] is False


@pytest.mark.django_db
def test_earlier_revisions_know_nothing_of_these_headers(
    mcp: McpClient, register: Register
) -> None:
    sent = {"name": register(route), "arguments": {"region": "eu"}}
    for headers in ({}, {HEADER: "us"}):
        assert mcp.legacy("tools/call", sent, headers=headers).status_code == 200


Region = Annotated[str, MirroredInHeader("Region")]


def with_a_number(context: CallContext, size: Annotated[float, MirroredInHeader("Size")]) -> Told:
    """Mirrors what has no one text."""
    return Told(text="")


def with_nothing_perhaps(
    context: CallContext, region: Annotated[str | None, MirroredInHeader("Region")] = None
) -> Told:
    """Mirrors an alternative."""
    return Told(text="")


def with_a_list(context: CallContext, regions: list[Region]) -> Told:
    """Mirrors each of many."""
    return Told(text="")


def with_an_alternative(context: CallContext, place: Place | None = None) -> Told:
    """Mirrors what may not be there."""
    return Told(text="")


def with_two_of_one_name(
    context: CallContext, a: Region, b: Annotated[str, MirroredInHeader("REGION")]
) -> Told:
    """Mirrors two in one."""
    return Told(text="")


def with_a_space(context: CallContext, a: Annotated[str, MirroredInHeader("My Region")]) -> Told:
    """Names no header."""
    return Told(text="")


def with_an_underscore(context: CallContext, a: Annotated[str, MirroredInHeader("a_b")]) -> Told:
    """Names a header that servers drop."""
    return Told(text="")


def with_no_name(context: CallContext, a: Annotated[str, MirroredInHeader("")]) -> Told:
    """Names nothing."""
    return Told(text="")


def with_a_number_for_a_name(
    context: CallContext, a: Annotated[str, Field(json_schema_extra={"x-mcp-header": 7})]
) -> Told:
    """Names a number."""
    return Told(text="")


def with_a_secret(context: CallContext, pin: Annotated[SecretStr, MirroredInHeader("Pin")]) -> Told:
    """Shows a secret."""
    return Told(text="")


def with_a_region(context: CallContext, region: Region) -> Told:
    """Is as it should be."""
    return Told(text="")


OPTIONS: dict[str, Any] = {"scope": "read", "title": "T", "read_only": True, "open_world": False}


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (with_a_number, "size cannot be mirrored in a header. Write its type as str, int or bool"),
        (with_nothing_perhaps, "region cannot be mirrored in a header"),
        (with_a_list, "'Region' is mirrored inside a list or an alternative"),
        (with_an_alternative, "'City' is mirrored inside a list or an alternative"),
        (with_two_of_one_name, "a and b are both mirrored in REGION"),
        (with_a_space, "'My Region' is no header. Write 1 to 64 of"),
        (with_an_underscore, "'a_b' is no header"),
        (with_no_name, "'' is no header"),
        (with_a_number_for_a_name, "7 is no header"),
        (with_a_secret, "pin is secret and headers are seen on the way"),
    ],
)
def test_a_mark_that_would_cost_clients_the_tool_stops_the_start(
    function: Any, advice: str
) -> None:
    with pytest.raises(ToolDefinitionError, match=advice) as refusal:
        define_tool(function, ToolOptions(**OPTIONS))
    assert function.__name__ in str(refusal.value)


def test_what_is_kept_out_of_the_log_is_kept_out_of_headers() -> None:
    accepted = define_tool(with_a_region, ToolOptions(**OPTIONS))
    assert [parameter.name for parameter in accepted.mirrored] == ["Region"]
    with pytest.raises(ToolDefinitionError, match="region is secret"):
        define_tool(with_a_region, ToolOptions(**OPTIONS, redact=frozenset({"region"})))


def test_literals_are_strings_too() -> None:
    def choose(
        context: CallContext, plan: Annotated[Literal["a", "b"], MirroredInHeader("Plan")]
    ) -> Told:
        """Choose."""
        return Told(text="")

    schema = define_tool(choose, ToolOptions(**OPTIONS)).definition["inputSchema"]
    assert find_invalid_x_mcp_header(schema) is None
    assert x_mcp_header_map(schema) == {("plan",): "Plan"}
