"""URIs of resources: one spelling each, and no way out of a template's variables."""

import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import composite

from mcp_endpoint.context import CallContext
from mcp_endpoint.resources import resource_registry
from mcp_endpoint.uris import MAX_LENGTH, UriError, parse_template
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import AddResource, rows_of

FILE = parse_template("test://files/{folder}/{name}")

TRICKS = [
    "%2F",
    "a%2fb",
    "a%2Fb",
    "%2e%2e",
    "%2E%2E",
    "..",
    ".",
    "a%5Cb",
    "a\\b",
    "%00",
    "a%00",
    "%0A",
    "%C0%AF",
    "%E0%80%AF",
    "%ED%A0%80",
    "%25252F%",
    "%",
    "%4",
    "%zz",
    "a+b c",
    "%61",
    "caf%c3%a9",
    "é",
    "a?b",
    "a#b",
    "a;b",
    "user@host",
    "a:b",
    "",
    "%E2%80%AE",
]


@pytest.mark.parametrize("value", TRICKS)
def test_a_variable_takes_one_canonical_name_only(value: str) -> None:
    assert FILE.match("test://files/plans/report.txt") == {"folder": "plans", "name": "report.txt"}
    assert FILE.match(f"test://files/plans/{value}") is None
    assert FILE.match(f"test://files/{value}/report.txt") is None


@pytest.mark.parametrize(
    "uri",
    [
        "test://files/plans/report.txt/",
        "test://files/plans//report.txt",
        "test://files//plans/report.txt",
        "test:///files/plans/report.txt",
        "test://files/plans/../plans/report.txt",
        "test://user@files/plans/report.txt",
        "test://files:80/plans/report.txt",
        "test://files/plans/report.txt?",
        "test://files/plans/report.txt#x",
        "TEST://files/plans/report.txt",
        "test://FILES/plans/report.txt",
        "test:files/plans/report.txt",
        "test:/files/plans/report.txt",
        "test://%66iles/plans/report.txt",
        " test://files/plans/report.txt",
        "test://files/plans/report.txt\n",
        "test://files/plans",
        "test://files/plans/" + "x" * MAX_LENGTH,
    ],
)
def test_the_rest_of_a_uri_is_compared_letter_by_letter(uri: str) -> None:
    assert FILE.match(uri) is None


@given(st.dictionaries(st.sampled_from(["folder", "name"]), st.text(), min_size=2))
@example({"folder": "a/b", "name": "x"})
@example({"folder": "é ü", "name": "100%"})
def test_what_is_expanded_is_matched_or_never_fits(values: dict[str, str]) -> None:
    fits = all(
        value not in ("", ".", "..") and value.isprintable() and not {"/", "\\"} & set(value)
        for value in values.values()
    )
    if not all(is_text(value) for value in values.values()):
        return
    uri = FILE.expand(values)
    assert FILE.match(uri) == (values if fits and len(uri) <= MAX_LENGTH else None)


def is_text(value: str) -> bool:
    try:
        return bool(value.encode()) or True
    except UnicodeEncodeError:
        return False


@composite
def bent_uris(draw: Any) -> str:
    """URIs near the registered ones, bent in one or two places."""
    uri = draw(
        st.sampled_from(
            [
                "docjacket://connections",
                "docjacket://connection/{connection_id}",
                "docjacket://connection/00000000-0000-0000-0000-000000000000",
                "docjacket://activity/1",
                "docjacket://activity/99999999999999999999",
            ]
        )
    )
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(uri)))
        piece = draw(st.sampled_from([*TRICKS, "//", "@", "1", "-", *string.punctuation, "𝔘"]))
        uri = uri[:place] + piece + uri[place + draw(st.integers(0, 3)) :]
    return str(uri)


@given(bent_uris())
def test_a_bent_uri_leads_nowhere_or_to_one_canonical_resource(uri: str) -> None:
    found = resource_registry.find(uri)
    if found is not None:
        entry, variables = found
        assert entry.template.expand(variables) == uri
        assert all(quote(value, safe="") in uri for value in variables.values())


@pytest.mark.django_db
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.one_of(bent_uris(), st.text(st.characters(codec="utf-8"), max_size=80)))
@example("docjacket://activity/" + "9" * 400)
@example(f"docjacket://activity/{2**63}")
def test_no_uri_ends_in_a_fault(mcp: McpClient, uri: str) -> None:
    answer = mcp.legacy("resources/read", {"uri": uri})
    if "\x00" in uri:
        assert answer.status_code == 400
        return
    assert answer.status_code == 200, uri
    body = answer.json()
    if "error" in body:
        assert body["error"]["code"] == -32002
        rows = rows_of(answer["Reference-Id"])
        assert rows[-1].reason == "unknown_resource"
    else:
        assert body["result"]["contents"][0]["uri"] == uri


@pytest.mark.django_db
@pytest.mark.parametrize(
    "number", ["7", "007", "+7", "7_0", "-0", " 7", "7.0", "0x7", "1e3", "٧", "%37"]
)
def test_a_number_has_one_spelling(mcp: McpClient, add_resource: AddResource, number: str) -> None:
    def item(context: CallContext, number: int) -> str:
        """An item."""
        return "here"

    add_resource(item, uri_template="test://item/{number}")
    uri = f"test://item/{quote(number) if not number.startswith('%') else number}"
    answer = mcp.legacy("resources/read", {"uri": uri})
    assert ("result" in answer.json()) is (number == "7")


@pytest.mark.django_db
def test_a_connection_has_one_spelling(mcp: McpClient, alice_acme: Any) -> None:
    own = str(alice_acme.connection.id)
    spelled = f"docjacket://connection/{own}"
    assert "result" in mcp.legacy("resources/read", {"uri": spelled}).json()
    for other in (own.upper(), own.replace("-", ""), f"urn:uuid:{own}", "{" + own + "}", f"%{own}"):
        answer = mcp.legacy("resources/read", {"uri": f"docjacket://connection/{other}"})
        assert answer.json()["error"]["code"] == -32002


@pytest.mark.parametrize(
    "text",
    [
        "",
        "docjacket",
        "docjacket:x",
        "docjacket://",
        "docjacket:///x",
        "docjacket://x/",
        "docjacket://x//y",
        "Docjacket://x",
        "1x://x",
        "x://user@host/x",
        "x://host:80/x",
        "x://a b",
        "x://a?b={c}",
        "x://a#b",
        "x://a/..",
        "x://./a",
        "x://a/%20",
        "x://{a}/b",
        "x://a/{b}{c}",
        "x://a/b{c}",
        "x://a/{+b}",
        "x://a/{b*}",
        "x://a/{b,c}",
        "x://a/{b}/{b}",
        "x://a/{}",
        "x://a/{1b}",
        "x://a/" + "b" * MAX_LENGTH,
    ],
)
def test_a_definition_s_uri_is_held_to_the_same(text: str) -> None:
    with pytest.raises(UriError):
        parse_template(text)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("x://a/{b}", "x://a/{c}", True),
        ("x://a/{b}/c", "x://a/d/{e}", True),
        ("x://a/{b}/c", "x://a/{b}/d", False),
        ("x://a/{b}", "x://a/{b}/c", False),
        ("x://a/{b}", "y://a/{b}", False),
        ("x://a/b", "x://a/b", True),
        ("x://a/b", "x://a/c", False),
    ],
)
def test_templates_that_one_uri_could_mean_both_of_are_told_apart(
    one: str, other: str, expected: bool
) -> None:
    assert parse_template(one).overlaps(parse_template(other)) is expected
    assert parse_template(other).overlaps(parse_template(one)) is expected
