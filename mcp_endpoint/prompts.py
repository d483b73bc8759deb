"""The prompts: one decorator, one registry, one order (MCP 2026-07-28 server/prompts).

A prompt is what a person picks to begin a conversation with. A host application writes
``mcp_prompts.py`` beside its ``models.py``; it is found at start.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from mcp_endpoint.completers import Completer, check_completers
from mcp_endpoint.content import CONTENT_TYPES, Content, Text
from mcp_endpoint.decorators import explained
from mcp_endpoint.definitions import check_name, check_scope, check_title
from mcp_endpoint.docstrings import read_docstring
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.signatures import name_line, name_place
from mcp_endpoint.text_parameters import TextParameters, read_text_parameters

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt and who says it; a plain text may be given as it is."""

    content: Content | str
    role: Role = "user"

    def __post_init__(self) -> None:
        if self.role not in ("user", "assistant"):
            raise ValueError('role is "user" or "assistant"')
        if not isinstance(self.content, (str, *CONTENT_TYPES)):
            raise TypeError("content is a text or one of mcp_endpoint.content")


Said = str | Content | Message
PromptFunction = Callable[..., Said | Sequence[Said]]
Function = TypeVar("Function", bound=PromptFunction)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One registered prompt; ``definition`` is what ``prompts/list`` shows."""

    name: str
    description: str
    scope: str
    tool: str | None
    redact: frozenset[str]
    complete: Mapping[str, Completer]
    parameters: TextParameters
    function: PromptFunction
    definition: dict[str, Any]


class PromptRegistry:
    """All prompts by name; lists them in alphabetical order, whoever registered first."""

    def __init__(self) -> None:
        self._prompts: dict[str, Prompt] = {}

    def add(self, prompt: Prompt) -> None:
        """Register a prompt; a name can be taken once."""
        if prompt.name in self._prompts:
            raise ToolDefinitionError(
                f"Two prompts are called {prompt.name!r}: "
                f"{name_line(self._prompts[prompt.name].function)} and "
                f"{name_line(prompt.function)}. Give one of them another name=…."
            )
        self._prompts[prompt.name] = prompt

    def remove(self, name: str) -> None:
        """Forget a prompt; for tests that add their own."""
        del self._prompts[name]

    def find(self, name: str) -> Prompt | None:
        """The prompt of this name, or None."""
        return self._prompts.get(name)

    def list_prompts(self) -> list[Prompt]:
        """All prompts in alphabetical order."""
        return [self._prompts[name] for name in sorted(self._prompts)]


prompt_registry = PromptRegistry()


@explained
def prompt(
    *,
    scope: str | None = None,
    title: str | None = None,
    name: str | None = None,
    redact: Iterable[str] = (),
    complete: Mapping[str, Completer] | None = None,
    tool: str | None = None,
) -> Callable[[Function], Function]:
    """Register a function as a prompt.

    The function takes ``(context: CallContext)`` and typed parameters, which are the prompt's
    arguments; ``Args:`` in its docstring, or ``Annotated[type, Field(description=…)]``, says what
    each is for. It returns a text, a block of ``mcp_endpoint.content``, a ``Message``, or a list
    of these. Its docstring is what people see. Values of arguments named in ``redact`` never reach
    the log.

    Args:
        complete: who suggests values of an argument, by its name.
        tool: the tool that tells the same; an organization that hides it hides this too.

    Raises:
        ToolDefinitionError: something is missing or wrong; the text says what to write.
    """

    def register(function: Function) -> Function:
        prompt_registry.add(
            define_prompt(
                function,
                name=name or str(getattr(function, "__name__", "")),
                scope=scope,
                title=title,
                redact=frozenset([redact] if isinstance(redact, str) else redact),
                complete=complete or {},
                tool=tool,
            )
        )
        return function

    return register


def define_prompt(
    function: PromptFunction,
    *,
    name: str,
    scope: str | None,
    title: str | None,
    redact: frozenset[str],
    complete: Mapping[str, Completer],
    tool: str | None = None,
) -> Prompt:
    """Check a definition completely and build the prompt."""
    place = name_place(function)
    check_name(name, place)
    title, scope = check_title(title, place), check_scope(scope, place)
    description, descriptions = read_docstring(function, place)
    parameters = read_text_parameters(function, descriptions, place)
    if unknown := redact - set(parameters.names):
        raise ToolDefinitionError(
            f"{place}: redact= names {', '.join(sorted(unknown))}, which the function does not "
            "take. Write names of its parameters."
        )
    return Prompt(
        name=name,
        description=description,
        scope=scope,
        tool=tool,
        redact=redact,
        complete=check_completers(place, complete, parameters.names),
        parameters=parameters,
        function=function,
        definition=build_definition(name, title, description, parameters),
    )


def build_definition(
    name: str, title: str, description: str, parameters: TextParameters
) -> dict[str, Any]:
    """The prompt as ``prompts/list`` shows it."""
    arguments = [
        {
            "name": parameter.name,
            **({"description": parameter.description} if parameter.description else {}),
            "required": parameter.required,
        }
        for parameter in parameters.parameters
    ]
    return {"name": name, "title": title, "description": description, "arguments": arguments}


def list_messages(said: Said | Sequence[Said]) -> list[tuple[Role, Content]]:
    """Who says what, in order.

    Raises:
        TypeError: the prompt returned something else than it may.
    """
    entries = [said] if isinstance(said, (str, Message, *CONTENT_TYPES)) else list(said)
    messages: list[tuple[Role, Content]] = []
    for entry in entries:
        message = entry if isinstance(entry, Message) else Message(entry)
        content = message.content
        messages.append((message.role, Text(content) if isinstance(content, str) else content))
    if not messages:
        raise TypeError("a prompt says at least one thing")
    return messages
