"""The schema and the page that describe the API to everybody."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.test import Client as Browser
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from mcp_endpoint.registry import registry
from rest_api.calls import Operation
from rest_api.problems import TITLES
from rest_api.reference import MEANINGS
from rest_api.schema import build_schema, render_schema
from rest_api.urls import operations
from tests.rest_api.conftest import ApiClient, problem_of

pytestmark = pytest.mark.django_db


def list_operations() -> dict[tuple[str, str], Operation]:
    """Every operation of the API, by method and path."""
    return {
        (method.upper(), str(pattern.pattern)): getattr(pattern.callback.cls, method).operation
        for pattern in operations
        for method in ("get", "post", "patch", "delete")
        if hasattr(pattern.callback.cls, method)
    }


def test_the_schema_is_openapi_3_1_and_has_every_operation() -> None:
    answer = Browser().get("/api/v1/schema")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "public, max-age=3600"
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    validate_schema(document)
    told = {
        (method.upper(), path.lstrip("/").replace("{id}", "<uuid:id>"))
        for path, methods in document["paths"].items()
        for method in methods
    }
    expected = {(method, path.replace("<int:", "<uuid:")) for method, path in list_operations()}
    assert told == expected
    assert len({operation.name for operation in list_operations().values()}) == len(told)
    for methods in document["paths"].values():
        for described in methods.values():
            assert set(described["responses"]) >= {"400", "401", "403", "404", "429", "503"}
            assert {"personalAccessToken": []} in described["security"]
    # Nothing of ours is spelled out that the person who reads it has no use for.
    assert "tests" not in json.dumps(document)


def test_the_schema_is_built_once_by_whoever_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    builds: list[str] = []

    class CountedGenerator(SchemaGenerator):  # type: ignore[misc]
        def get_schema(self, **kwargs: Any) -> Any:
            builds.append("begun")
            return super().get_schema(**kwargs)

    def ask(path: str) -> int:
        start.wait()
        return Browser().get(f"/api/v1/{path}").status_code

    monkeypatch.setattr("rest_api.schema.SchemaGenerator", CountedGenerator)
    render_schema.cache_clear()
    build_schema.cache_clear()
    paths = ["schema", "docs"] * 4
    start = Barrier(len(paths))
    with ThreadPoolExecutor(len(paths)) as pool:
        assert set(pool.map(ask, paths)) == {200}
    assert builds == ["begun"]


def test_answers_are_what_the_schema_says(api: ApiClient) -> None:
    schemas = Browser().get("/api/v1/schema").json()["components"]["schemas"]
    for path, name in [
        ("me", "Me"),
        ("connections", "ConnectionPage"),
        ("personal-access-tokens", "PersonalAccessTokenPage"),
        ("activity", "ActivityPage"),
    ]:
        assert set(api.get(path)) == set(schemas[name]["required"])
    problem = api.send("GET", "nothing").json()
    assert set(schemas["Problem"]["required"]) <= set(problem)


def test_the_page_tells_every_operation_and_problem_and_runs_nothing(settings: Any) -> None:
    for path in ("/api/v1/docs", "/api/v1/"):
        answer = Browser().get(path)
        assert answer.status_code == 200
        text = answer.content.decode()
        for operation in list_operations().values():
            assert f'id="{operation.name}"' in text
        for slug in TITLES:
            assert f'id="{slug}"' in text
        assert "<script" not in text and "style=" not in text
        assert "script-src" not in answer["Content-Security-Policy"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert not answer.cookies
        assert settings.PUBLIC_URL in text
    assert set(MEANINGS) == set(TITLES)


def test_a_method_that_the_page_does_not_have_is_a_problem() -> None:
    answer = Browser().post("/api/v1/docs")
    problem_of(answer, 405, "method-not-allowed")
    assert answer["Allow"] == "GET, HEAD"


def test_an_operation_needs_what_the_tool_of_its_name_needs() -> None:
    for operation in list_operations().values():
        tool = registry.find(operation.tool)
        if tool is not None:
            assert (operation.scope, operation.read_only) == (tool.scope, tool.read_only)
