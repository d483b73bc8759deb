"""The tools that the runner's server scenarios call, word for word as they describe them."""

import time
from collections.abc import Generator
from typing import Annotated

from mcp_endpoint.content import Audio, EmbeddedResource, Image, Text
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.parameter_headers import MirroredInHeader
from mcp_endpoint.progress import Progress
from mcp_endpoint.registry import tool
from oauth_ext.scopes import ACTIONS, READ
from tests.conformance.fixture_app import asking_tools
from tests.conformance.fixture_app.media import RED_PIXEL, SILENCE

__all__ = ["asking_tools"]

# What the scenario waits between two steps.
STEP_SECONDS = 0.05


@tool(scope=READ, title="Text", read_only=True, open_world=False)
def test_simple_text(context: CallContext) -> Text:
    """Says one sentence."""
    return Text("This is a simple text response for testing.")


@tool(scope=READ, title="Image", read_only=True, open_world=False)
def test_image_content(context: CallContext) -> Image:
    """Shows one pixel."""
    return Image(RED_PIXEL, "image/png")


@tool(scope=READ, title="Audio", read_only=True, open_world=False)
def test_audio_content(context: CallContext) -> Audio:
    """Plays nothing."""
    return Audio(SILENCE, "audio/wav")


@tool(scope=READ, title="Embedded resource", read_only=True, open_world=False)
def test_embedded_resource(context: CallContext) -> EmbeddedResource:
    """Embeds a resource."""
    text = "This is an embedded resource content."
    return EmbeddedResource("test://embedded-resource", text, "text/plain")


@tool(scope=READ, title="Mixed content", read_only=True, open_world=False)
def test_multiple_content_types(context: CallContext) -> list[Text | Image | EmbeddedResource]:
    """Says, shows and embeds."""
    document = '{"test":"data","value":123}'
    return [
        Text("Multiple content types test:"),
        Image(RED_PIXEL, "image/png"),
        EmbeddedResource("test://mixed-content-resource", document, "application/json"),
    ]


@tool(scope=READ, title="Error", read_only=True, open_world=False)
def test_error_handling(context: CallContext) -> Text:
    """Always fails."""
    raise ToolError("This tool intentionally returns an error for testing")


@tool(scope=READ, title="Progress", read_only=True, open_world=False)
def test_tool_with_progress(context: CallContext) -> Generator[Progress, None, Text]:
    """Takes three steps."""
    for progress in (0, 50, 100):
        yield Progress(progress, 100)
        time.sleep(STEP_SECONDS)
    return Text("Tool with progress executed")


@tool(scope=READ, title="Logging", read_only=True, open_world=False)
def test_logging_tool(context: CallContext) -> Text:
    """Would log; log messages are not served at all."""
    return Text("done")


@tool(scope=READ, title="Region", read_only=True, open_world=False)
def test_region(context: CallContext, region: Annotated[str, MirroredInHeader("Region")]) -> Text:
    """Has a parameter that modern clients repeat in a header."""
    return Text(region)


@tool(
    scope=ACTIONS,
    title="Act",
    read_only=False,
    destructive=False,
    idempotent=True,
    open_world=False,
)
def test_acting(context: CallContext) -> Text:
    """Needs the highest tier and changes nothing; not the runner's."""
    return Text("acted")
