"""The prompts that the runner's server scenarios get, word for word as they describe them."""

from pydantic import BaseModel

from mcp_endpoint.content import EmbeddedResource, Image
from mcp_endpoint.context import CallContext
from mcp_endpoint.input_requests import Elicitation
from mcp_endpoint.prompts import Message, prompt
from oauth_ext.scopes import READ
from tests.conformance.fixture_app.media import RED_PIXEL

BEGINNINGS = ("paris", "park", "party")


class PromptContext(BaseModel):
    context: str


def suggest(context: CallContext, typed: str) -> list[str]:
    """What begins like this."""
    return [value for value in BEGINNINGS if value.startswith(typed)]


@prompt(scope=READ, title="Simple")
def test_simple_prompt(context: CallContext) -> str:
    """Says one sentence."""
    return "This is a simple prompt for testing."


@prompt(scope=READ, title="Arguments", complete={"arg1": suggest})
def test_prompt_with_arguments(context: CallContext, arg1: str, arg2: str) -> str:
    """Repeats its arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


@prompt(scope=READ, title="Embedded resource")
def test_prompt_with_embedded_resource(context: CallContext, resourceUri: str) -> list[Message]:
    """Embeds a resource under the URI it is given."""
    text = "Embedded resource content for testing."
    return [
        Message(EmbeddedResource(resourceUri, text, "text/plain")),
        Message("Please process the embedded resource above."),
    ]


@prompt(scope=READ, title="Image")
def test_prompt_with_image(context: CallContext) -> list[Message]:
    """Shows one pixel."""
    return [
        Message(Image(RED_PIXEL, "image/png")),
        Message("Please analyze the image above."),
    ]


@prompt(scope=READ, title="Asking")
def test_input_required_result_prompt(context: CallContext) -> str:
    """Asks for its context first."""
    question = Elicitation("What context should the prompt use?", schema=PromptContext)
    answer = context.ask("user_context", question)
    return f"Use this context: {answer.content.context if answer.content else 'none'}"
