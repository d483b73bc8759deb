"""What a tool or prompt may ask of the client, and the answers: MCP 2026-07-28 basic/patterns/mrtr.

A form for the person (elicitation), a completion by the client's model (sampling) and the
client's folders (roots). MCP 2026-07-28 client/elicitation: never ask for a password, a key or a
payment in a form; it passes through the client. Sampling and roots are deprecated by the same
revision, so build on elicitation.

An answer is a claim of the client's: it may come from a person or from a program.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.schemas import build_schema

Form = TypeVar("Form", bound=BaseModel)
Answer_co = TypeVar("Answer_co", covariant=True)

# MCP 2026-07-28 client/elicitation §Requested Schema: what clients can draw as a form.
FIELD_KEYWORDS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"minLength", "maxLength", "format", "enum", "oneOf"}),
    "number": frozenset({"minimum", "maximum"}),
    "integer": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
    "array": frozenset({"minItems", "maxItems", "items"}),
}
ANY_FIELD = frozenset({"type", "title", "description", "default"})
FORMATS = frozenset({"email", "uri", "date", "date-time"})


class UnusableAnswerError(Exception):
    """An answer that does not fit its question; it is asked again."""


class InputRequest(ABC, Generic[Answer_co]):
    """One question to the client."""

    method: ClassVar[str]
    # What the client must have declared, as an object of ``ClientCapabilities``.
    required_capabilities: ClassVar[Mapping[str, Any]]

    @classmethod
    def is_declared(cls, capabilities: Mapping[str, Any]) -> bool:
        """Whether a client with these capabilities takes such questions."""
        return all(isinstance(capabilities.get(name), dict) for name in cls.required_capabilities)

    @abstractmethod
    def build_params(self) -> dict[str, Any]:
        """The ``params`` of the question on the wire."""

    @abstractmethod
    def read_answer(self, answer: Mapping[str, Any]) -> Answer_co:
        """The answer, checked.

        Raises:
            UnusableAnswerError: it does not fit the question.
        """

    def name_decision(self, answer: Mapping[str, Any]) -> str:
        """What the log says of an answer that was read; nothing that its sender wrote."""
        return "given"

    def build(self) -> dict[str, Any]:
        """The question as ``inputRequests`` carries it."""
        return {"method": self.method, "params": self.build_params()}


@dataclass(frozen=True, slots=True)
class ElicitationAnswer(Generic[Form]):
    """What became of a form; ``content`` is there if it was accepted."""

    action: Literal["accept", "decline", "cancel"]
    content: Form | None = None


@dataclass(frozen=True, slots=True)
class Elicitation(InputRequest[ElicitationAnswer[Form]]):
    """A form for the person: a message, and a pydantic model whose fields are simple.

    Raises:
        ToolDefinitionError: a field is more than text, a number, a choice or a list of choices.
    """

    message: str
    schema: type[Form]

    method: ClassVar[str] = "elicitation/create"
    required_capabilities: ClassVar[Mapping[str, Any]] = {"elicitation": {"form": {}}}

    def __post_init__(self) -> None:
        build_form_schema(self.schema)

    @classmethod
    def is_declared(cls, capabilities: Mapping[str, Any]) -> bool:
        """An empty object means forms (MCP 2026-07-28 client/elicitation §Capabilities)."""
        declared = capabilities.get("elicitation")
        return isinstance(declared, dict) and (not declared or "form" in declared)

    def build_params(self) -> dict[str, Any]:
        """MCP 2026-07-28 client/elicitation §Form Mode."""
        schema = build_form_schema(self.schema)
        return {"mode": "form", "message": self.message, "requestedSchema": schema}

    def read_answer(self, answer: Mapping[str, Any]) -> ElicitationAnswer[Form]:
        """The person's decision, with their input as the form's model if they accepted."""
        action = answer.get("action")
        if action == "decline" or action == "cancel":
            return ElicitationAnswer(action)
        # A form without fields may come back without content.
        content = answer.get("content", {})
        if action != "accept" or not isinstance(content, dict):
            raise UnusableAnswerError
        try:
            return ElicitationAnswer("accept", self.schema.model_validate(content))
        except ValidationError as error:
            raise UnusableAnswerError from error

    def name_decision(self, answer: Mapping[str, Any]) -> str:
        """One of the three actions; nothing else can be read."""
        return str(answer["action"])


class SamplingAnswer(BaseModel):
    """What the client's model wrote; a stranger's text."""

    model_config = ConfigDict(frozen=True)

    role: Literal["user", "assistant"]
    content: dict[str, Any] | list[dict[str, Any]]
    model: str
    stop_reason: str | None = Field(default=None, alias="stopReason")

    @property
    def text(self) -> str:
        """All text blocks, one after the other."""
        blocks = self.content if isinstance(self.content, list) else [self.content]
        return "".join(str(block.get("text", "")) for block in blocks if block["type"] == "text")


@dataclass(frozen=True, slots=True)
class Sampling(InputRequest[SamplingAnswer]):
    """A question to the client's model; deprecated since MCP 2026-07-28."""

    prompt: str
    max_tokens: int
    system_prompt: str = ""

    method: ClassVar[str] = "sampling/createMessage"
    required_capabilities: ClassVar[Mapping[str, Any]] = {"sampling": {}}

    def build_params(self) -> dict[str, Any]:
        """MCP 2026-07-28 client/sampling."""
        content = {"type": "text", "text": self.prompt}
        system = {"systemPrompt": self.system_prompt} if self.system_prompt else {}
        return {
            "messages": [{"role": "user", "content": content}],
            **system,
            "maxTokens": self.max_tokens,
        }

    def read_answer(self, answer: Mapping[str, Any]) -> SamplingAnswer:
        """The message, whatever kind of content it has."""
        try:
            message = SamplingAnswer.model_validate(answer)
        except ValidationError as error:
            raise UnusableAnswerError from error
        blocks = message.content if isinstance(message.content, list) else [message.content]
        if not all(isinstance(block.get("type"), str) for block in blocks):
            raise UnusableAnswerError
        return message


class Root(BaseModel):
    """A folder that the client works in."""

    model_config = ConfigDict(frozen=True)

    uri: str
    name: str | None = None


class ListRootsAnswer(BaseModel):
    """The client's folders."""

    model_config = ConfigDict(frozen=True)

    roots: list[Root]


@dataclass(frozen=True, slots=True)
class ListRoots(InputRequest[ListRootsAnswer]):
    """Asks for the client's folders; deprecated since MCP 2026-07-28."""

    method: ClassVar[str] = "roots/list"
    required_capabilities: ClassVar[Mapping[str, Any]] = {"roots": {}}

    def build_params(self) -> dict[str, Any]:
        """There are none."""
        return {}

    def read_answer(self, answer: Mapping[str, Any]) -> ListRootsAnswer:
        """The folders, as the client names them."""
        try:
            return ListRootsAnswer.model_validate(answer)
        except ValidationError as error:
            raise UnusableAnswerError from error


@cache
def build_form_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model as a form: one flat object of simple fields.

    Raises:
        ToolDefinitionError: a field can't be drawn by every client.
    """
    schema = build_schema(model, "validation")
    for name, field in schema.get("properties", {}).items():
        if not is_simple(field):
            raise ToolDefinitionError(
                f"{model.__module__}.{model.__qualname__}.{name}: a form has only text, numbers, "
                "yes or no, choices and lists of choices. Write such a type, with a default "
                "instead of None."
            )
    required = {"required": schema["required"]} if "required" in schema else {}
    return {"type": "object", "properties": schema.get("properties", {}), **required}


def is_simple(field: Mapping[str, Any]) -> bool:
    """Whether a field's schema is one of the primitive ones."""
    kind = field.get("type")
    if not isinstance(kind, str) or kind not in FIELD_KEYWORDS:
        return False
    if not set(field) <= ANY_FIELD | FIELD_KEYWORDS[kind]:
        return False
    if kind == "array":
        items = field.get("items")
        return isinstance(items, dict) and ("enum" in items or "anyOf" in items)
    return field.get("format", "email") in FORMATS
