"""What an author of resources and prompts is told: each mistake stops the start and says why."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, Field

from mcp_endpoint.completers import Suggestions, build_completion
from mcp_endpoint.context import CallContext
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.prompts import Message, PromptRegistry, define_prompt, list_messages
from mcp_endpoint.resource_definitions import Resource, define_resource
from mcp_endpoint.resources import ResourceRegistry, resource, resource_registry
from mcp_endpoint.text_parameters import read_text_parameters


class Weather(BaseModel):
    degrees: float = 20.0


def forecast(context: CallContext, city: str) -> Weather:
    """Tomorrow's weather."""
    return Weather()


def undocumented(context: CallContext, city: str) -> str:
    return city


def contextless(city: str) -> str:
    """No context."""
    return city


def untyped(context: CallContext, city) -> str:  # type: ignore[no-untyped-def]
    """No type."""
    return str(city)


def returnless(context: CallContext, city: str):  # type: ignore[no-untyped-def]
    """No result."""


def unknown_type(context: CallContext, city: "Nowhere") -> str:  # type: ignore[name-defined] # noqa: F821
    """A type that isn't there."""
    return ""


def composed(context: CallContext, city: list[str]) -> str:
    """A list."""
    return ""


def modelled(context: CallContext, city: Weather) -> str:
    """A model."""
    return ""


def foreign_type(context: CallContext, city: Callable[[], int]) -> str:
    """A function."""
    return ""


def starred(context: CallContext, *city: str) -> str:
    """Any number."""
    return ""


def dict_result(context: CallContext, city: str) -> dict[str, str]:
    """A dict."""
    return {}


def byte_result(context: CallContext, city: str) -> bytes:
    """Bytes."""
    return b""


def describes_nothing(context: CallContext, city: str) -> str:
    """Describe.

    Args:
        town: there is none.
    """
    return ""


async def late(context: CallContext, city: str) -> str:
    """Later."""
    return ""


def default_of_another_type(context: CallContext, city: int = "x") -> str:  # type: ignore[assignment]
    """A wrong default."""
    return ""


def one_parameter(typed: str) -> list[str]:
    return []


def define(function: Callable[..., Any] = forecast, **changes: Any) -> Resource:
    options: dict[str, Any] = {
        "name": "forecast",
        "uri": None,
        "uri_template": "weather://forecast/{city}",
        "scope": "read",
        "title": "Forecast",
        "mime_type": None,
        "redact": frozenset(),
        "complete": {},
        "instances": None,
    }
    return define_resource(function, **(options | changes))


def test_a_complete_definition_becomes_a_resource() -> None:
    defined = define()
    assert defined.definition == {
        "uriTemplate": "weather://forecast/{city}",
        "name": "forecast",
        "title": "Forecast",
        "description": "Tomorrow's weather.",
        "mimeType": "application/json",
    }
    assert define(byte_result, mime_type="image/png").mime_type == "image/png"


SHARED_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "Write name= with 1 to 64 of A-Z"),
    ({"name": "a b"}, "Write name= with 1 to 64 of A-Z"),
    ({"scope": None}, "write scope= as one of read, draft, actions"),
    ({"scope": "admin"}, "write scope= as one of read, draft, actions"),
    ({"title": None}, "write title="),
    ({"title": ""}, "write title="),
    ({"function": undocumented}, "write a docstring"),
    ({"function": contextless}, "write the first parameter as context: CallContext"),
    ({"function": untyped}, "write a type for city"),
    ({"function": returnless}, "write what it returns"),
    ({"function": unknown_type}, "write types that exist at run time"),
    ({"function": composed}, "Write a type that a text can be read as"),
    ({"function": modelled}, "Write a type that a text can be read as"),
    ({"function": foreign_type}, "Write a type that a text can be read as"),
    ({"function": starred}, "instead of *city"),
    ({"function": describes_nothing}, "Args: describes town, which is no parameter"),
    ({"function": late}, "write def, not async def"),
    ({"function": default_of_another_type}, "write a default of city that is of its own type"),
    ({"redact": frozenset({"town"})}, "redact= names town"),
    ({"complete": {"town": one_parameter}}, "complete= names town"),
    ({"complete": {"city": one_parameter}}, "function(context, typed_so_far)"),
    ({"complete": {"city": "x"}}, "function(context, typed_so_far)"),
]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        *SHARED_MISTAKES,
        ({"uri_template": None}, "write uri=… or uri_template=…, one of them"),
        ({"uri": "weather://x"}, "write uri=… or uri_template=…, one of them"),
        ({"uri_template": "weather/{city}"}, "is no URI. Write scheme://name"),
        ({"uri_template": "weather://{city}"}, "Write a fixed name after ://"),
        ({"uri_template": "weather://a/{city"}, "or as one {variable}"),
        ({"uri_template": "weather://a/{city}/{city}"}, "Give each variable a name of its own"),
        ({"uri_template": "weather://a"}, "uri= for one without"),
        ({"uri_template": None, "uri": "weather://a/{city}"}, "write uri_template= for a URI with"),
        ({"uri_template": "weather://a/{town}"}, "Write the same names in both"),
        ({"uri_template": None, "uri": "weather://a"}, "Write the same names in both"),
        ({"function": dict_result}, "write -> str, -> bytes or -> a pydantic model"),
        ({"function": byte_result}, "write mime_type="),
        ({"mime_type": "text"}, "is no media type"),
    ],
)
def test_each_mistake_in_a_resource_says_what_to_write(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ToolDefinitionError) as refused:
        define(**changes)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(("changes", "sentence"), SHARED_MISTAKES)
def test_each_mistake_in_a_prompt_says_what_to_write(
    changes: dict[str, Any], sentence: str
) -> None:
    options: dict[str, Any] = {
        "function": undocumented_is_documented,
        "name": "forecast",
        "scope": "read",
        "title": "Forecast",
        "redact": frozenset(),
        "complete": {},
    }
    assert define_prompt(**options).definition["arguments"][0]["name"] == "city"
    with pytest.raises(ToolDefinitionError) as refused:
        define_prompt(**(options | changes))
    assert sentence in str(refused.value)


def undocumented_is_documented(context: CallContext, city: str) -> str:
    """Ask for the weather."""
    return f"How is the weather in {city}?"


def only_one(context: CallContext) -> str:
    """There is one."""
    return ""


def test_instances_belong_to_templates() -> None:
    with pytest.raises(ToolDefinitionError, match="leave out instances="):
        define(only_one, uri="weather://a", uri_template=None, instances=lambda context, key, n: [])


def test_nothing_is_registered_twice() -> None:
    registry = ResourceRegistry()
    registry.add(define())
    with pytest.raises(ToolDefinitionError, match="Two resources are called 'forecast'"):
        registry.add(define(uri_template="weather://other/{city}"))
    with pytest.raises(ToolDefinitionError, match="One URI would be both"):
        registry.add(define(name="other", uri_template="weather://forecast/{city}"))
    registry.add(define(only_one, name="here", uri="weather://forecast/here", uri_template=None))
    with pytest.raises(ToolDefinitionError, match="One URI would be both"):
        registry.add(define(only_one, name="x", uri="weather://forecast/here", uri_template=None))
    # A resource with a URI of its own comes before a template that would take it in.
    assert [
        found[0].name
        for uri in ("here", "there")
        if (found := registry.find(f"weather://forecast/{uri}"))
    ] == ["here", "forecast"]
    prompts = PromptRegistry()
    once = define_prompt(
        undocumented_is_documented,
        name="a",
        scope="read",
        title="A",
        redact=frozenset(),
        complete={},
    )
    prompts.add(once)
    with pytest.raises(ToolDefinitionError, match="Two prompts are called 'a'"):
        prompts.add(once)


def test_a_failed_registration_leaves_nothing_behind() -> None:
    before = [entry.name for entry in resource_registry.list_templates()]
    with pytest.raises(ToolDefinitionError):
        resource(uri_template="weather://forecast/{town}", scope="read", title="x")(forecast)
    assert [entry.name for entry in resource_registry.list_templates()] == before


class Size(Enum):
    SMALL = "small"


def typed(
    context: CallContext,
    number: Annotated[int, Field(ge=1)],
    flag: bool,
    when: datetime,
    identity: UUID,
    size: Size,
    mood: Literal["good", "bad"],
    maybe: int | None = None,
) -> str:
    """Everything."""
    return ""


def test_texts_become_values_of_their_types() -> None:
    parameters = read_text_parameters(typed, {}, "here")
    identity = uuid4()
    texts = {
        "number": "7",
        "flag": "true",
        "when": "2026-11-22T10:00:00Z",
        "identity": str(identity),
        "size": "small",
        "mood": "good",
    }
    expected = {
        "number": 7,
        "flag": True,
        "when": datetime(2026, 11, 22, 10, tzinfo=UTC),
        "identity": identity,
        "size": Size.SMALL,
        "mood": "good",
    }
    assert parameters.read(texts) == expected
    assert parameters.read({**texts, "maybe": "8"}) == {**expected, "maybe": 8}
    assert parameters.read_exactly({**texts, "maybe": "8"}) == {**expected, "maybe": 8}
    for name, other in (
        ("number", "07"),
        ("number", "0"),
        ("flag", "True"),
        ("flag", "1"),
        ("when", "2026-11-22 10:00:00Z"),
        ("identity", str(identity).upper()),
        ("size", "SMALL"),
        ("mood", "ugly"),
    ):
        assert parameters.read_exactly({**texts, "maybe": "8", name: other}) is None, (name, other)


@pytest.mark.parametrize("said", [None, 7, [7], [None], {}, [[]], ["a", 7]])
def test_a_prompt_that_says_something_else_is_a_mistake_of_its_author(said: Any) -> None:
    with pytest.raises(TypeError):
        list_messages(said)


def test_a_message_is_said_by_somebody() -> None:
    with pytest.raises(ValueError, match="role"):
        Message("x", role="system")  # type: ignore[arg-type]


def test_suggestions_may_leave_the_total_open() -> None:
    told = build_completion(Suggestions(["a"], has_more=True))
    assert told == {"values": ["a"], "hasMore": True}
    assert build_completion(("a", "b")) == {"values": ["a", "b"], "hasMore": False, "total": 2}
