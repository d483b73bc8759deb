"""The reference page's content: the OpenAPI document as people read it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from rest_api.problems import TITLES
from rest_api.schema import get_schema

# What each kind of problem means and what to do about it.
MEANINGS = {
    "invalid-request": "A field, the query or the JSON is wrong; errors names the fields.",
    "invalid-token": "No token, or one that has ended. WWW-Authenticate says where to get one.",
    "forbidden": "The web page or the person may not do this; detail says why.",
    "insufficient-scope": "scope names all that is needed. Connect again and tick it, or make "
    "another personal access token.",
    "role": "No token can help: an owner or admin of the organization can change the role.",
    "paused": "The application is paused; somebody has to resume it.",
    "not-found": "Also what this token may not see; both look alike.",
    "method-not-allowed": "Allow names the methods that the path has.",
    "body-too-large": "Send less.",
    "unsupported-media-type": "Send Content-Type: application/json.",
    "misdirected": "Use the address of this page.",
    "too-many-requests": "Wait as many seconds as Retry-After says.",
    "server-error": "Our fault. Nothing was changed. Send us the reference.",
    "unavailable": "Our fault, and it passes. Nothing was changed; try again.",
}
SAMPLE_ID = "3f0c9a52-7f5e-4b0e-9a55-0d7b6f1f7c11"


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a member."""

    name: str
    kind: str
    text: str
    required: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation. ``answer`` is the name of a document, empty if there is none."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    fields: list[Field]
    answer: str
    sample: str


@dataclass(frozen=True, slots=True)
class Document:
    """One kind of answer."""

    name: str
    text: str
    fields: list[Field]


def list_entries() -> list[Entry]:
    """All operations, in the order of their paths."""
    return [
        build_entry(path, method, described)
        for path, methods in get_schema()["paths"].items()
        for method, described in methods.items()
    ]


def build_entry(path: str, method: str, described: dict[str, Any]) -> Entry:
    """One operation of the document."""
    fields = [
        Field(
            parameter["name"],
            f"{parameter['in']}, {name_kind(parameter['schema'])}",
            parameter.get("description", ""),
            parameter.get("required", False),
        )
        for parameter in described.get("parameters", [])
    ]
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    if body:
        fields += list_members(find_schema(body["schema"]), "body, ")
    return Entry(
        name=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described["summary"],
        description=described["description"].rpartition("\n\n")[0],
        scope=next(iter(described["security"][0].values()))[0],
        fields=fields,
        answer=find_answer(described["responses"]),
        sample=build_sample(method.upper(), path, bool(body)),
    )


def find_answer(responses: dict[str, Any]) -> str:
    """The name of the document that a success answers with."""
    content = responses.get("200", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return str(reference).rpartition("/")[2]


def build_sample(method: str, path: str, takes_body: bool) -> str:
    """The request as a command."""
    parts = ["curl"]
    if method != "GET":
        parts.append(f"-X {method}")
    parts.append('-H "Authorization: Bearer $TOKEN"')
    if takes_body:
        parts.append("-H 'Content-Type: application/json' -d '" + '{"label": "Laptop"}' + "'")
    sample_id = "41" if "activity" in path else SAMPLE_ID
    return " ".join([*parts, settings.PUBLIC_URL + path.replace("{id}", sample_id)])


def list_documents() -> list[Document]:
    """All kinds of answers, by name."""
    schemas = get_schema()["components"]["schemas"]
    return [
        Document(name, schema.get("description", ""), list(list_members(schema)))
        for name, schema in schemas.items()
        if name != "NewLabel"
    ]


def list_members(schema: dict[str, Any], prefix: str = "") -> Iterator[Field]:
    """The members of an object."""
    for name, member in schema.get("properties", {}).items():
        required = name in schema.get("required", [])
        yield Field(name, prefix + name_kind(member), member.get("description", ""), required)


def find_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, or the one that it refers to."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: dict[str, Any] = get_schema()["components"]["schemas"][name] if name else schema
    return found


def name_kind(schema: dict[str, Any]) -> str:
    """A type in a word or two."""
    if "anyOf" in schema:
        return " or ".join(name_kind(kind) for kind in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "items" in schema:
        return f"list of {name_kind(schema['items'])}"
    kind = schema.get("format") or schema.get("type", "object")
    if "enum" in schema and len(schema["enum"]) <= 6:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    return str(kind)


def list_problems() -> list[tuple[str, str, str]]:
    """Each kind of problem: the end of its URI, its title, what to do about it."""
    return [(slug, title, MEANINGS[slug]) for slug, title in TITLES.items()]
