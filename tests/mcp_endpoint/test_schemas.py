"""JSON Schemas of tools, as they go to clients that translate them for their model."""

from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from mcp_endpoint.schemas import build_schema


class Colour(StrEnum):
    """An enumeration, which pydantic writes as a reference."""

    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    """A nested model."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(description="A field that happens to be called title.")
    properties: int = 1


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    colour: Colour = Colour.RED
    inner: Inner
    many: list[Inner] = []
    options: dict[str, str] = {"title": "kept"}
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None


class Node(BaseModel):
    children: list["Node"] = []


def test_schemas_are_self_contained_objects_without_generated_titles() -> None:
    schema = build_schema(Outer, "validation")
    text = repr(schema)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert "$ref" not in text and "$defs" not in text and "discriminator" not in text
    assert schema["properties"]["colour"]["enum"] == ["red", "blue"]
    assert "title" not in schema


def test_fields_and_data_that_look_like_keywords_survive() -> None:
    schema = build_schema(Outer, "validation")
    inner = schema["properties"]["inner"]
    assert set(inner["properties"]) == {"title", "properties"}
    assert inner["required"] == ["title"]
    assert schema["properties"]["options"]["default"] == {"title": "kept"}


def test_a_model_that_contains_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="Node contains itself"):
        build_schema(Node, "validation")
