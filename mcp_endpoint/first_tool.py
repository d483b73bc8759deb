"""The text of a first tool and of its test, as ``startmcptool`` writes them.

What is written passes the linter, the type checker and its own test as it stands.
"""

import ast
import keyword
import re
from string import Template

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

TOOLS_HEAD = '"""The MCP tools of this application; they are found when the server starts."""\n'
TESTS_HEAD = '"""The tools of this application, called as a person\'s client calls them."""\n'

TOOL_IMPORTS = {
    "BaseModel": "from pydantic import BaseModel",
    "CallContext": "from mcp_endpoint.context import CallContext",
    "tool": "from mcp_endpoint.registry import tool",
}
# Third-party imports, then ours, as the linter sorts them.
TOOL_START = """
from pydantic import BaseModel

from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import tool
"""
TOOL = Template('''

class ${model}(BaseModel):
    """What ${name} gives back."""

    organization: str
    text: str


@tool(scope="read", title="${title}", read_only=True, open_world=False)
def ${name}(context: CallContext, text: str = "") -> ${model}:
    """Say here what this tool does and when to use it; the model reads it.

    Args:
        text: Say here what belongs into it; the model reads this too.
    """
    return ${model}(organization=context.principal.organization_name, text=text)
''')

TEST_IMPORTS = {
    "pytest": "import pytest",
    "Membership": "from accounts.models import Membership, Organization, Role, User",
    "call_as": "from mcp_endpoint.testing import Caller, call_as",
}
TEST_START = '''
import pytest

from accounts.models import Membership, Organization, Role, User
from mcp_endpoint.testing import Caller, call_as


@pytest.fixture
def caller(db: None) -> Caller:
    """Alice, who owns Acme."""
    acme = Organization.objects.create(name="Acme", slug="acme")
    alice = User.objects.create(email="alice@acme.example", name="Alice")
    Membership.objects.create(user=alice, organization=acme, role=Role.OWNER)
    return call_as(alice, acme)
'''
TEST = Template("""

def test_${name}(caller: Caller) -> None:
    told = caller.call("${name}", text="hello")
    assert (told.organization, told.text) == ("Acme", "hello")
    assert [row.outcome for row in caller.rows] == ["succeeded"]
""")


class FirstToolError(Exception):
    """Nothing can be written under this name; the text says what to do."""


def check_name(name: str) -> str:
    """A name that is a function's and a tool's at once."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise FirstToolError(
            f"{name!r} is no name for a tool. Write one such as count_people: lower-case letters, "
            "digits and underscores, 64 at most."
        )
    return name


def write_tools(existing: str | None, name: str) -> str:
    """``mcp_tools.py`` with one tool more."""
    words = name.replace("_", " ").strip()
    model = "".join(part.capitalize() for part in name.split("_")) + "Result"
    tool = TOOL.substitute(name=name, model=model, title=words.capitalize())
    if existing is None:
        return TOOLS_HEAD + TOOL_START + tool
    names = find_names(existing)
    if taken := {name, model} & names:
        raise FirstToolError(
            f"mcp_tools.py has {', '.join(sorted(taken))} already. Choose another name."
        )
    return add(existing, tool, [line for word, line in TOOL_IMPORTS.items() if word not in names])


def write_tests(existing: str | None, name: str) -> str:
    """The tests of the tools with one test more."""
    test = TEST.substitute(name=name)
    if existing is None:
        return TESTS_HEAD + TEST_START + test
    names = find_names(existing)
    return add(existing, test, [line for word, line in TEST_IMPORTS.items() if word not in names])


def find_names(source: str) -> set[str]:
    """What a module defines or imports at its top."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def add(source: str, end: str, imports: list[str]) -> str:
    """The module with more at its end, and with the imports that it lacks behind its others."""
    lines = source.rstrip("\n").splitlines()
    tree = ast.parse(source)
    last = 0
    for index, node in enumerate(tree.body):
        is_docstring = index == 0 and ast.get_docstring(tree) is not None
        if is_docstring or isinstance(node, ast.Import | ast.ImportFrom):
            last = node.end_lineno or 0
    if imports:
        lines[last:last] = ([""] if last == 1 else []) + imports
    return "\n".join(lines) + "\n" + end
