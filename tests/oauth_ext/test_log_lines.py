"""No log line has a secret, whatever wrote it."""

import copy
import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from structlog.stdlib import ProcessorFormatter

from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import registry, tool
from tests.conftest import World
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db


class ProbeArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = ""


class ProbeResult(BaseModel):
    text: str


def with_signature(behaviour: Callable[[Any, Any], ProbeResult]) -> Any:
    """The behaviour as a function that can be registered."""

    def probe(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
        """A tool that only this test has."""
        return behaviour(context, arguments)

    return probe


def render(records: Iterable[logging.LogRecord]) -> str:
    """The lines as the deployment's own handler writes them."""
    (formatter,) = {
        handler.formatter
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, ProcessorFormatter)
    }
    assert formatter is not None
    return "\n".join(formatter.format(copy.copy(record)) for record in records)


@pytest.mark.case(251)
def test_no_log_line_has_a_token_even_when_an_exception_quotes_it(
    oauth: OAuthClient, mint: Any, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    secret = mint(world.alice, world.acme)

    def explode(context: Any, arguments: Any) -> ProbeResult:
        logging.getLogger("a.library").debug("sending %s", secret)
        raise RuntimeError(f"could not use {secret}")

    tool(
        name="explode",
        scope="read",
        title="Explode",
        read_only=True,
        open_world=False,
        destructive=False,
        idempotent=True,
    )(with_signature(explode))
    try:
        with caplog.at_level(logging.DEBUG):
            answer = oauth.call(secret, "explode", text=secret)
            oauth.http.get(f"/mcp?access_token={secret}")
    finally:
        registry.remove("explode")
    assert secret[7:] not in answer.content.decode()
    assert any(secret in record.getMessage() for record in caplog.records)
    lines = render(caplog.records)
    assert "could not use [redacted]" in lines and "sending [redacted]" in lines
    assert secret[7:] not in lines
