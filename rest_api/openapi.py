"""The operations and their models as OpenAPI 3.1 describes them, for drf-spectacular."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from pydantic import BaseModel

from rest_api.arguments import NoFields
from rest_api.calls import Operation
from rest_api.problems import MEDIA_TYPE, Problem

REFUSALS = {
    400: "The request is not valid; errors says which fields.",
    401: "There is no token, or it is refused; WWW-Authenticate says where to get one.",
    403: "The token or the person's role does not suffice.",
    404: "There is nothing here that this token may see.",
    429: "Too many requests; Retry-After says when to come back.",
    503: "The server is not available; nothing was changed.",
}
BEARER, OAUTH = "personalAccessToken", "oauth2"


def describe_operation(operation: Operation) -> dict[str, Any]:
    """The keywords of ``extend_schema``."""
    summary, _, description = (operation.perform.__doc__ or "").strip().partition("\n")
    scope = f"Needs the permission `{operation.scope}`. The same as the tool `{operation.tool}`."
    answered = {(200, "application/json"): operation.answer} if operation.answer else {204: None}
    refused = {
        (status, MEDIA_TYPE): OpenApiResponse(Problem, text) for status, text in REFUSALS.items()
    }
    takes_body = operation.body is not NoFields
    return {
        "operation_id": operation.name,
        "summary": summary.rstrip("."),
        "description": "\n\n".join(part for part in (unfold(description), scope) if part),
        "parameters": list_parameters(operation.query),
        "request": {"application/json": operation.body} if takes_body else None,
        "responses": {**answered, **refused},
        "auth": [{OAUTH: [operation.scope]}, {BEARER: []}],
    }


def list_parameters(model: type[BaseModel]) -> list[OpenApiParameter]:
    """The parameters of the query that a model takes."""
    document = model.model_json_schema()
    definitions = document.get("$defs", {})
    parameters = []
    for name, schema in document.get("properties", {}).items():
        described = simplify(schema, definitions)
        text = described.pop("description", "")
        parameters.append(
            OpenApiParameter(
                name,
                type=described,
                description=text,
                required=name in document.get("required", []),
            )
        )
    return parameters


def simplify(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to put in; a parameter that is left out says null."""
    outer = {name: value for name, value in schema.items() if name not in ("anyOf", "title")}
    inner: dict[str, Any] = next(
        (kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"), {}
    )
    merged = {**inner, **outer}
    if "$ref" in merged:
        merged = {**definitions[merged.pop("$ref").rpartition("/")[2]], **merged}
        merged = {name: value for name, value in merged.items() if name != "title"}
        # What the code says of its vocabulary is not for those who call.
        if "description" not in outer:
            merged.pop("description", None)
    if merged.get("default", "") is None:
        del merged["default"]
    return merged


def unfold(text: str) -> str:
    """The lines of a docstring as one paragraph."""
    return " ".join(text.split())
