"""The rules of the house that a machine can hold."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from mcp_endpoint.registry import registry
from tests.conftest import World
from tests.mcp_client import McpClient

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("docjacket_mcp", "rest_api", "mcp_endpoint", "oauth_ext", "accounts", "activity")
NAMELESS = {"utils", "helpers", "common", "services", "mixins", "constants", "signals", "receivers"}


def list_modules() -> list[Path]:
    """Every module of ours but migrations."""
    return [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    ]


def list_patterns(resolver: URLResolver) -> list[URLPattern]:
    """Every path of the deployment."""
    patterns: list[URLPattern] = []
    for entry in resolver.url_patterns:
        patterns += list_patterns(entry) if isinstance(entry, URLResolver) else [entry]
    return patterns


def test_imports_point_down_only() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_is_named_after_nothing() -> None:
    assert [path for path in list_modules() if path.stem in NAMELESS] == []


@pytest.mark.parametrize("path", list_modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_small_and_says_what_it_is(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    assert source.count("\n") <= 400
    assert not source or ast.get_docstring(tree), "every module says what it is"
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for function in functions:
        assert (function.end_lineno or 0) - function.lineno < 60, function.name
        local = [n for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
        assert local == [], f"{function.name} imports locally"


@pytest.mark.case(365)
def test_exactly_the_machine_endpoints_take_posts_without_a_csrf_token() -> None:
    exempt = {
        str(pattern.pattern)
        for pattern in list_patterns(get_resolver())
        if getattr(pattern.callback, "csrf_exempt", False)
    }
    documents = {pattern for pattern in exempt if pattern.startswith(".well-known/")}
    # No cookie is read there: ``ApiMiddleware`` answers before sessions exist.
    api = {pattern for pattern in exempt if pattern.startswith("api/v1/")}
    expected = {"mcp", "mcp/", "register", "token", "revoke", "leaked-tokens"}
    assert exempt - documents - api == expected


def test_every_setting_of_the_environment_is_in_the_table_and_nothing_else() -> None:
    source = (ROOT / "docjacket_mcp/settings.py").read_text()
    readers = r"(?:env\.\w+|read_secret|read_networks|read_applications)"
    read = set(re.findall(readers + r'\(\s*"([A-Z_]+)"', source))
    source = (ROOT / "docjacket_mcp/gunicorn_conf.py").read_text()
    read |= set(re.findall(r'environ\.get\("([A-Z_]+)"', source)) - {"SERVE_AFTER_FD"}
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/operate.md").read_text(), re.M))
    assert read == table


def test_paths_named_in_the_map_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    paths = set(re.findall(r"`([a-z_]+/[\w/]+\.py)`", text))
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_the_readme_s_tool_works_as_it_stands(world: World, connect: Callable[..., Any]) -> None:
    source = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert source
    connected = connect(world.alice, world.acme)
    exec(compile(source[1], "README.md", "exec"), {"__name__": "readme"})  # noqa: S102
    try:
        assert McpClient(connected.access_token).use("count_people") == {"people": 1}
    finally:
        registry.remove("count_people")


def test_mails_are_text_that_nothing_escapes() -> None:
    for path in (ROOT / "templates").rglob("email/*.txt"):
        source = path.read_text()
        # What is included stands where its mail has turned it off already.
        if "{{" in source and not path.name.startswith("_"):
            assert "{% autoescape off %}" in source.partition("{{")[0], path
