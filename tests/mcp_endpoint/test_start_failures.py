"""A host application that cannot be loaded: one sentence with its file and line."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mcp_endpoint.start_failures import describe_failure

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = """
from mcp_endpoint.content import Text
from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import tool


@tool(scope="read", title="Greet", read_only=True, open_world=False)
def greet(context: CallContext) -> Text:
    return Text("Hello")
"""


def start(folder: Path, apps: str) -> tuple[int, str]:
    """What a start with these applications comes to."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check"],
        env={**os.environ, "PYTHONPATH": str(folder), "HOST_APPS": apps},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def write(folder: Path, source: str) -> None:
    (folder / "rooms").mkdir(exist_ok=True)
    (folder / "rooms/__init__.py").write_text("")
    (folder / "rooms/mcp_tools.py").write_text(source)


def test_a_start_ends_with_the_line_to_mend_and_no_traceback(tmp_path: Path) -> None:
    write(tmp_path, "import os\n\ndef broken(\n")
    assert start(tmp_path, "rooms") == (
        1,
        "An application could not be loaded. rooms/mcp_tools.py, line 3: SyntaxError: '(' was "
        "never closed\n",
    )
    write(tmp_path, DEFINITION)
    assert start(tmp_path, "rooms") == (
        1,
        "A tool, resource or prompt is not well defined. rooms.mcp_tools.greet: write a "
        "docstring; it is what the model reads.\n",
    )
    write(tmp_path, DEFINITION.replace("    return", '    """Greet."""\n    return'))
    assert start(tmp_path, "rooms") == (0, "")
    assert start(tmp_path, "rooms,roomz") == (
        1,
        "HOST_APPS: there is no package roomz. Write names of Python packages, with commas "
        "between them\n",
    )
    assert start(tmp_path, "rooms.mcp_tools") == (
        1,
        "HOST_APPS: rooms.mcp_tools is a module. Write the package it is in: rooms\n",
    )
    for apps in ("accounts", "rooms,rooms"):
        name = apps.partition(",")[0]
        assert start(tmp_path, apps) == (
            1,
            f"HOST_APPS: {name} is installed already. Leave it out, and name each of your own "
            "once\n",
        )


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import nothing_there", "line 1: ModuleNotFoundError: No module named 'nothing_there'"),
        (
            "from mcp_endpoint.registry import tool\n\ntool(scop='read')",
            "line 3: TypeError: tool() has no scop; did you mean scope?",
        ),
        (
            "from mcp_endpoint.prompts import prompt\n\nprompt(zzz='read')",
            "line 3: TypeError: prompt() has no zzz; it has scope, title, name, redact, complete",
        ),
        (
            "from mcp_endpoint.resources import resource\n\n@resource\ndef f():\n    pass",
            "line 3: TypeError: write @resource(scope=…, title=…, …)",
        ),
        ("import json\njson.loads('x')", "line 2: JSONDecodeError: Expecting value"),
        ("raise ValueError('one\\ntwo')", "line 1: ValueError: one"),
        ("  x = 1", "line 1: IndentationError: unexpected indent"),
    ],
)
def test_the_line_is_the_author_s_and_not_where_the_error_surfaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, sentence: str
) -> None:
    (tmp_path / "broken_module.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Exception) as failure:
        import_module("broken_module")
    assert describe_failure(failure.value).startswith(f"broken_module.py, {sentence}")
    sys.modules.pop("broken_module", None)


def test_two_tools_of_one_name_in_one_file_are_told_apart(tmp_path: Path) -> None:
    source = DEFINITION.replace("    return", '    """Greet."""\n    return')
    write(tmp_path, source + source.partition("import tool")[2])
    code, said = start(tmp_path, "rooms")
    assert (code, said.partition(": ")[2]) == (
        1,
        "rooms.mcp_tools.greet (line 7) and rooms.mcp_tools.greet (line 14). Give one of them "
        "another name=….\n",
    )


def test_an_application_without_any_of_the_files_is_named(tmp_path: Path) -> None:
    write(tmp_path, "")
    assert start(tmp_path, "rooms") == (0, "")
    (tmp_path / "rooms/mcp_tools.py").rename(tmp_path / "rooms/mcp_more.py")
    code, said = start(tmp_path, "rooms")
    assert code == 0
    assert "HOST_APPS: rooms has none of mcp_tools.py, mcp_resources.py, mcp_prompts.py." in said
