"""Log lines: JSON in production, readable at the console of the quick start, never a secret."""

import json
import logging.config

import pytest

from docjacket_mcp.log_settings import build_logging


def render(*, is_readable: bool) -> str:
    """The line of a failure whose message quotes a token."""
    settings = build_logging("INFO", is_readable=is_readable)
    configurator = logging.config.DictConfigurator(settings)  # type: ignore[arg-type]
    formatter = configurator.configure_formatter(dict(settings["formatters"]["lines"]))
    try:
        raise ValueError("mcp_at_secret")
    except ValueError as error:
        failure = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("mcp", logging.ERROR, "", 1, "tool %s failed", ("x",), failure)
    return formatter.format(record)


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_traceback_keeps_its_lines_for_people_alone_and_no_secret(is_readable: bool) -> None:
    line = render(is_readable=is_readable)
    assert "mcp_at_secret" not in line and "ValueError: [redacted]" in line
    assert "\x1b" not in line
    assert ("\nTraceback (most recent call last):\n" in line) is is_readable
    if not is_readable:
        assert json.loads(line)["event"] == "tool x failed"
