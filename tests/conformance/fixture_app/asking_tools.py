"""The tools that ask for input, word for word as the runner's scenarios describe them."""

from pydantic import BaseModel

from mcp_endpoint.content import Text
from mcp_endpoint.context import CallContext
from mcp_endpoint.input_requests import Elicitation, InputRequest, ListRoots, Sampling
from mcp_endpoint.registry import tool
from oauth_ext.scopes import READ


class Name(BaseModel):
    name: str


class Color(BaseModel):
    color: str


class Ok(BaseModel):
    ok: bool


class Contact(BaseModel):
    username: str
    email: str


@tool(scope=READ, title="Ask for a name", read_only=True, open_world=False)
def test_input_required_result_elicitation(context: CallContext) -> Text:
    """Asks for a name; takes one also unasked."""
    question = Elicitation("What is your name?", schema=Name)
    answer = context.require_input({"user_name": question}, accept_unasked=True)["user_name"]
    return Text(f"Hello, {answer.content.name}!" if answer.content else "Hello!")


@tool(scope=READ, title="Ask the model", read_only=True, open_world=False)
def test_input_required_result_sampling(context: CallContext) -> Text:
    """Asks the client's model."""
    question = Sampling("What is the capital of France?", max_tokens=100)
    return Text(context.ask("capital_question", question).text)


@tool(scope=READ, title="Ask for folders", read_only=True, open_world=False)
def test_input_required_result_list_roots(context: CallContext) -> Text:
    """Asks for the client's folders."""
    answer = context.ask("client_roots", ListRoots())
    return Text(", ".join(root.uri for root in answer.roots))


@tool(scope=READ, title="Keep state", read_only=True, open_world=False)
def test_input_required_result_request_state(context: CallContext) -> Text:
    """Asks, and finds again what it kept."""
    kept = context.kept_state
    context.require_input({"confirm": Elicitation("Please confirm", schema=Ok)}, state="state-ok")
    return Text(str(kept))


@tool(scope=READ, title="Several questions", read_only=True, open_world=False)
def test_input_required_result_multiple_inputs(context: CallContext) -> Text:
    """Asks three things at once."""
    answers = context.require_input(
        {
            "user_name": Elicitation("What is your name?", schema=Name),
            "greeting": Sampling("Generate a greeting", max_tokens=50),
            "client_roots": ListRoots(),
        }
    )
    return Text(answers["greeting"].text)


@tool(scope=READ, title="Several rounds", read_only=True, open_world=False)
def test_input_required_result_multi_round(context: CallContext) -> Text:
    """Asks one thing after the other."""
    name = context.ask("step1", Elicitation("Step 1: What is your name?", schema=Name))
    color = context.ask("step2", Elicitation("Step 2: What is your favorite color?", schema=Color))
    return Text(f"{name.content} {color.content}")


@tool(scope=READ, title="Tampering", read_only=True, open_world=False)
def test_input_required_result_tampered_state(context: CallContext) -> Text:
    """Asks; the runner bends the state."""
    context.ask("confirm", Elicitation("Please confirm", schema=Ok))
    return Text("state-ok")


@tool(scope=READ, title="What can be asked", read_only=True, open_world=False)
def test_input_required_result_capabilities(context: CallContext) -> Text:
    """Asks only what the client declared."""
    questions: dict[str, InputRequest[object]] = {
        "name": Elicitation("What is your name?", schema=Name),
        "greeting": Sampling("Generate a greeting", max_tokens=50),
    }
    able = {key: each for key, each in questions.items() if context.can_ask(type(each))}
    context.require_input(able)
    return Text("asked")


@tool(scope=READ, title="Missing capability", read_only=True, open_world=False)
def test_missing_capability(context: CallContext) -> Text:
    """Needs sampling, declared or not."""
    return Text(context.ask("sampled", Sampling("Say something", max_tokens=10)).text)


@tool(scope=READ, title="Streaming elicitation", read_only=True, open_world=False)
def test_streaming_elicitation(context: CallContext) -> Text:
    """Asks; never by a request of its own in the stream."""
    context.ask("confirm", Elicitation("Please confirm", schema=Ok))
    return Text("confirmed")


@tool(scope=READ, title="Sampling", read_only=True, open_world=False)
def test_sampling(context: CallContext, prompt: str) -> Text:
    """Asks the client's model what it is told to."""
    return Text(f"LLM response: {context.ask('llm', Sampling(prompt, max_tokens=100)).text}")


@tool(scope=READ, title="Elicitation", read_only=True, open_world=False)
def test_elicitation(context: CallContext, message: str) -> Text:
    """Asks the person what it is told to."""
    answer = context.ask("user", Elicitation(message, schema=Contact))
    return Text(f"User response: {answer.action}, content: {answer.content}")
