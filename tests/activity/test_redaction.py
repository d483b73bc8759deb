"""What may enter the log: a table of what is taken out, and of what stays."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from activity.redaction import MAX_BYTES, REDACTED, clean_text, encode_redacted

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl-_"
SECRETS = [
    "mcp_at_" + "a" * 49,
    "mcp_rt_" + "B" * 49,
    "mcp_ac_" + "0" * 49,
    "mcp_cs_" + "z" * 49,
    "MCP_AT_" + "a" * 49,
    JWT,
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
    "Bearer abcdef",
    "bearer  abcdef",
    "-----BEGIN PRIVATE KEY-----",
]


def redact(value: Any) -> Any:
    """What is kept of a value, as somebody reads it later."""
    return json.loads(encode_redacted(value))


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_taken_out_wherever_it_is(secret: str) -> None:
    for value in (
        secret,
        f"before {secret} after",
        [secret],
        {"note": secret},
        {secret: 1},
        {"deep": [{"er": (secret,)}]},
        {"set": {secret}},
    ):
        kept = json.dumps(redact(value))
        assert secret not in kept
        assert REDACTED in kept
    assert REDACTED in clean_text(f"before {secret} after")
    assert clean_text(f"before {secret}").startswith("before ")


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        "old_passwd",
        "passphrase",
        "client_secret",
        "SECRET",
        "access_token",
        "refreshToken",
        "Authorization",
        "cookie",
        "Set-Cookie",
        "credentials",
        "api_key",
        "apikey",
        "API-Key",
        "code_verifier",
        "code",
        "private_key",
        "signature",
    ],
)
def test_a_member_with_a_telling_name_is_taken_out_whatever_it_holds(name: str) -> None:
    for value in ("x", 7, ["x"], {"x": "y"}, None):
        assert redact({name: value}) == {name: REDACTED}
        assert redact([{"deeper": {name: value}}]) == [{"deeper": {name: REDACTED}}]


@pytest.mark.parametrize(
    "value",
    [
        "plain text",
        "eyJ is how some words begin",
        "code 7",
        {"scope": "read", "codes": 3, "zip_code": "12345", "count": 1.5, "ok": True, "no": None},
        [1, "two", [3]],
        {},
        [],
        0,
        False,
        None,
        "ünïcödé 🙂",
    ],
)
def test_what_is_no_secret_stays(value: Any) -> None:
    assert redact(value) == value


def test_other_types_become_text() -> None:
    identifier, moment = uuid.uuid4(), datetime(2026, 1, 2, tzinfo=UTC)
    assert redact({"id": identifier, "at": moment}) == {"id": str(identifier), "at": str(moment)}
    assert redact(("a", {"b"})) == ["a", ["b"]]
    assert redact({1: "x"}) == {"1": "x"}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_cannot_say_does_not_break_the_row(number: float) -> None:
    json.dumps(redact({"n": number}), allow_nan=False)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\udfffb", "\x00" * 500])
def test_text_that_the_database_cannot_hold_is_replaced(text: str) -> None:
    for kept in (clean_text(text), str(redact([text])), str(redact({text: 1}))):
        assert "\x00" not in kept
        kept.encode("utf-8")


def test_long_and_deep_and_wide_things_are_bounded() -> None:
    assert len(clean_text("x" * 10_000)) == 301
    assert len(redact(list(range(1000)))) == 50
    assert len(redact({str(n): n for n in range(1000)})) == 50
    deep: Any = "bottom"
    for _ in range(100):
        deep = [deep]
    assert "[too deep]" in json.dumps(redact(deep))
    wide = {str(n): ["y" * 300] * 50 for n in range(50)}
    assert redact(wide)["truncated"] is True
    assert len(json.dumps(redact(wide))) < MAX_BYTES


def test_a_secret_at_the_edge_of_what_is_kept_is_not_kept_in_part() -> None:
    secret = "mcp_at_" + "S" * 49
    for lead in range(230, 310):
        assert "SSSS" not in clean_text("x" * lead + secret)
    for lead in range(1990, 2060):
        assert "SSSSSSSS" not in clean_text("x" * lead + secret)


@pytest.mark.case(297)
def test_nothing_that_strangers_send_makes_it_slow() -> None:
    for unit in ("eyJ", "eyJa.", "Bearer ", "mcp_at_", "-----BEGIN ", "a" * 10 + " "):
        assert len(clean_text(unit * 300_000)) <= 301
