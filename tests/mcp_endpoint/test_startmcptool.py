"""``startmcptool``: what it writes works at once, and what it cannot write it says."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from mcp_endpoint.first_tool import write_tests, write_tools
from mcp_endpoint.registry import registry
from mcp_endpoint.testing import call_as
from tests.conftest import World

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty directory that stands for the checkout; what is loaded from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    known = {tool.name for tool in registry.list_tools()}
    yield
    for tool in registry.list_tools():
        if tool.name not in known:
            registry.remove(tool.name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "rooms"]:
        del sys.modules[name]


def write(name: str, app: str = "rooms") -> str:
    """Run the command; what it says."""
    importlib.invalidate_caches()
    said = StringIO()
    call_command("startmcptool", name, "--app", app, stdout=said)
    return said.getvalue()


def test_it_writes_a_tool_and_its_test_and_says_how_to_go_on() -> None:
    assert write("count_rooms") == (
        "Wrote rooms/__init__.py\n"
        "Wrote rooms/mcp_tools.py\n"
        "Wrote rooms/test_mcp_tools.py\n"
        "Try it:\n"
        "  make test HOST_APPS=rooms ARGS=rooms\n"
        "  make run HOST_APPS=rooms\n"
    )


def test_what_was_there_is_added_to() -> None:
    write("count_rooms")
    assert write("open_room").startswith(
        "Added to rooms/mcp_tools.py\nAdded to rooms/test_mcp_tools.py\nTry it:\n"
    )


def test_what_it_writes_satisfies_the_linter_also_when_it_adds_a_second(tmp_path: Path) -> None:
    write("count_rooms")
    write("open_room")
    for arguments in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--config", f"{ROOT}/pyproject.toml"]
            + (["--config", f'src=["{ROOT}"]'] if arguments == ["check"] else [])
            + ["rooms"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.django_db
def test_what_it_writes_runs(world: World) -> None:
    write("count_rooms")
    importlib.invalidate_caches()
    importlib.import_module("rooms.mcp_tools")
    told = call_as(world.alice, world.acme).call("count_rooms", text="hello")
    assert (told.organization, told.text) == ("Acme", "hello")
    tests = importlib.import_module("rooms.test_mcp_tools")
    tests.test_count_rooms(call_as(world.alice, world.acme))


def test_what_is_in_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms/__init__.py").write_text("VERSION = 1\n")
    (tmp_path / "rooms/mcp_tools.py").write_text(
        '"""Mine."""\n\nimport json\n\nX = json.dumps(1)\n'
    )
    write("count_rooms")
    text = (tmp_path / "rooms/mcp_tools.py").read_text()
    assert text.startswith('"""Mine."""\n\nimport json\nfrom pydantic import BaseModel\n')
    assert "X = json.dumps(1)\n\n\nclass CountRoomsResult" in text
    assert (tmp_path / "rooms/__init__.py").read_text() == "VERSION = 1\n"


@pytest.mark.parametrize("existing", ["", "X = 1\n", '"""Doc."""\n', "import os\n", "# Mine.\n"])
def test_any_file_can_be_added_to(existing: str) -> None:
    for written in (write_tools(existing, "a_tool"), write_tests(existing, "a_tool")):
        compile(written, "written", "exec")
        assert "import" in written and existing.strip() in written


@pytest.mark.parametrize("name", ["Count", "count-rooms", "1st", "_x", "class", "ü", "x" * 65])
def test_names_that_no_function_has_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match=r"is no name for a tool\. Write one such as count"):
        write(name)
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_taken_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is a tool called whoami already"):
        write("whoami")
    write("count_rooms")
    before = (tmp_path / "rooms/mcp_tools.py").read_text()
    with pytest.raises(CommandError, match=r"\.py has CountRoomsResult, count_rooms already"):
        write("count_rooms")
    assert (tmp_path / "rooms/mcp_tools.py").read_text() == before


@pytest.mark.parametrize(
    ("app", "advice"),
    [
        ("my-app", "'my-app' is no Python package"),
        ("class", "'class' is no Python package"),
        ("accounts", "accounts is replaced by upgrades"),
        ("tests.live", "tests.live is replaced by upgrades"),
        ("json", "json is somebody else's"),
        ("django.contrib.admin", "django.contrib.admin is somebody else's"),
        ("textwrap", "textwrap is no package with an __init__.py"),
        ("plain", "plain is no package with an __init__.py"),
        ("nothing.here", "There is no package nothing"),
    ],
)
def test_places_that_are_not_the_host_product_s_are_refused(
    tmp_path: Path, app: str, advice: str
) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(CommandError, match=advice):
        write("count_rooms", app)
    assert list(tmp_path.rglob("*.py")) == []


def test_a_file_that_is_broken_already_is_named(tmp_path: Path) -> None:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms/__init__.py").write_text("")
    (tmp_path / "rooms/mcp_tools.py").write_text("def broken(\n")
    with pytest.raises(CommandError, match=r"rooms/mcp_tools\.py, line 1: '\(' was never closed"):
        write("count_rooms")
