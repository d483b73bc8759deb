"""The tools that the runner's server scenarios call, word for word as they describe them."""

from pydantic import BaseModel, ConfigDict

from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolError
from mcp_endpoint.input_requests import Elicitation, InputRequest, ListRoots, Sampling
from mcp_endpoint.registry import tool
from oauth_ext.scopes import READ


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Said(BaseModel):
    text: str


class Name(BaseModel):
    name: str


class Color(BaseModel):
    color: str


class Ok(BaseModel):
    ok: bool


@tool(scope=READ, title="Error", read_only=True, open_world=False)
def test_error_handling(context: CallContext, arguments: Nothing) -> Said:
    """Always fails."""
    raise ToolError("This tool intentionally returns an error for testing")


@tool(scope=READ, title="Ask for a name", read_only=True, open_world=False)
def test_input_required_result_elicitation(context: CallContext, arguments: Nothing) -> Said:
    """Asks for a name; takes one also unasked."""
    question = Elicitation("What is your name?", schema=Name)
    answer = context.require_input({"user_name": question}, accept_unasked=True)["user_name"]
    return Said(text=f"Hello, {answer.content.name}!" if answer.content else "Hello!")


@tool(scope=READ, title="Ask the model", read_only=True, open_world=False)
def test_input_required_result_sampling(context: CallContext, arguments: Nothing) -> Said:
    """Asks the client's model."""
    question = Sampling("What is the capital of France?", max_tokens=100)
    return Said(text=context.ask("capital_question", question).text)


@tool(scope=READ, title="Ask for folders", read_only=True, open_world=False)
def test_input_required_result_list_roots(context: CallContext, arguments: Nothing) -> Said:
    """Asks for the client's folders."""
    answer = context.ask("client_roots", ListRoots())
    return Said(text=", ".join(root.uri for root in answer.roots))


@tool(scope=READ, title="Keep state", read_only=True, open_world=False)
def test_input_required_result_request_state(context: CallContext, arguments: Nothing) -> Said:
    """Asks, and finds again what it kept."""
    kept = context.kept_state
    context.require_input({"confirm": Elicitation("Please confirm", schema=Ok)}, state="state-ok")
    return Said(text=str(kept))


@tool(scope=READ, title="Several questions", read_only=True, open_world=False)
def test_input_required_result_multiple_inputs(context: CallContext, arguments: Nothing) -> Said:
    """Asks three things at once."""
    answers = context.require_input(
        {
            "user_name": Elicitation("What is your name?", schema=Name),
            "greeting": Sampling("Generate a greeting", max_tokens=50),
            "client_roots": ListRoots(),
        }
    )
    return Said(text=answers["greeting"].text)


@tool(scope=READ, title="Several rounds", read_only=True, open_world=False)
def test_input_required_result_multi_round(context: CallContext, arguments: Nothing) -> Said:
    """Asks one thing after the other."""
    name = context.ask("step1", Elicitation("Step 1: What is your name?", schema=Name))
    color = context.ask("step2", Elicitation("Step 2: What is your favorite color?", schema=Color))
    return Said(text=f"{name.content} {color.content}")


@tool(scope=READ, title="Tampering", read_only=True, open_world=False)
def test_input_required_result_tampered_state(context: CallContext, arguments: Nothing) -> Said:
    """Asks; the runner bends the state."""
    context.ask("confirm", Elicitation("Please confirm", schema=Ok))
    return Said(text="state-ok")


@tool(scope=READ, title="What can be asked", read_only=True, open_world=False)
def test_input_required_result_capabilities(context: CallContext, arguments: Nothing) -> Said:
    """Asks only what the client declared."""
    questions: dict[str, InputRequest[object]] = {
        "name": Elicitation("What is your name?", schema=Name),
        "greeting": Sampling("Generate a greeting", max_tokens=50),
    }
    able = {key: each for key, each in questions.items() if context.can_ask(type(each))}
    context.require_input(able)
    return Said(text="asked")


@tool(scope=READ, title="Missing capability", read_only=True, open_world=False)
def test_missing_capability(context: CallContext, arguments: Nothing) -> Said:
    """Needs sampling, declared or not."""
    return Said(text=context.ask("sampled", Sampling("Say something", max_tokens=10)).text)


@tool(scope=READ, title="Streaming elicitation", read_only=True, open_world=False)
def test_streaming_elicitation(context: CallContext, arguments: Nothing) -> Said:
    """Asks; never by a request of its own in the stream."""
    context.ask("confirm", Elicitation("Please confirm", schema=Ok))
    return Said(text="confirmed")


@tool(scope=READ, title="Logging", read_only=True, open_world=False)
def test_logging_tool(context: CallContext, arguments: Nothing) -> Said:
    """Would log; log messages are not served at all."""
    return Said(text="done")
