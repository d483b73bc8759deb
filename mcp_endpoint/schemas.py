"""JSON Schema of tool arguments and results, from pydantic models (JSON Schema 2020-12).

Self-contained: no ``$ref`` and no generated titles, because several clients translate schemas for
their model and stumble over both.
"""

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

DEFINITION_PREFIX = "#/$defs/"
# Keywords whose members are named by the author and are schemas themselves.
NAMED_SCHEMAS = ("properties", "patternProperties")
# Keywords whose values are data, to be left alone.
DATA = ("default", "const", "enum", "examples")
# Generated names, and a keyword of OpenAPI that points into the definitions.
DROPPED = ("title", "discriminator")


def build_schema(
    model: type[BaseModel], mode: Literal["validation", "serialization"]
) -> dict[str, Any]:
    """The model's schema, an object at the root.

    Raises:
        ValueError: the model contains itself, so it can't be written out; it is no object; or a
            part of it has no schema. The text says which.
    """
    try:
        schema = model.model_json_schema(mode=mode, schema_generator=StrictGenerator)
    except PydanticInvalidForJsonSchema as error:
        raise ValueError(f"{model.__name__} has a part that JSON Schema cannot say") from error
    definitions = schema.pop("$defs", {})
    simplified: dict[str, Any] = simplify(schema, definitions, ())
    if simplified.get("type") != "object":
        raise ValueError(f"{model.__name__} is no object: clients want names and values")
    # MCP 2026-07-28 server/tools §Tool: how a tool without arguments says so.
    if simplified.get("properties") == {}:
        del simplified["properties"]
    return simplified


class StrictGenerator(GenerateJsonSchema):
    """Pydantic's generator; what it leaves out with a warning is a mistake here."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Refuse what would otherwise be missing from the schema."""
        raise ValueError(detail.partition(";")[0])


def simplify(node: Any, definitions: dict[str, Any], path: tuple[str, ...]) -> Any:
    """A schema with its references written out and its generated titles dropped."""
    if isinstance(node, list):
        return [simplify(child, definitions, path) for child in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].removeprefix(DEFINITION_PREFIX)
        if name in path:
            raise ValueError(f"{name} contains itself")
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        return simplify({**definitions[name], **siblings}, definitions, (*path, name))
    simplified: dict[str, Any] = {}
    for key, value in node.items():
        if key in NAMED_SCHEMAS:
            simplified[key] = {
                name: simplify(child, definitions, path) for name, child in value.items()
            }
        elif key in DATA:
            simplified[key] = value
        elif key not in DROPPED:
            simplified[key] = simplify(value, definitions, path)
    return simplified
