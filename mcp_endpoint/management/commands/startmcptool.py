"""``manage.py startmcptool NAME``: a first tool with its test, which pass at once."""

from argparse import ArgumentParser
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from mcp_endpoint.first_tool import FirstToolError, check_name, write_tests, write_tools
from mcp_endpoint.registry import registry

DEFAULT_APP = "host_tools"
PACKAGE = '"""An application of the host product: its MCP tools are in mcp_tools.py."""\n'
PRODUCT = (
    "accounts",
    "activity",
    "docjacket_mcp",
    "mcp_endpoint",
    "oauth_ext",
    "rest_api",
    "tests",
)


class Command(BaseCommand):
    """Writes the files, and says what to do next."""

    help = "Write a first MCP tool and its test into an application of yours."
    # It must work before anything else does.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """NAME and --app."""
        parser.add_argument("name", help="What the tool is called, such as count_people.")
        parser.add_argument(
            "--app", default=DEFAULT_APP, help="The Python package it goes into: %(default)s."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write both files, or neither."""
        name, app = options["name"], options["app"]
        try:
            check_name(name)
            if known := registry.find(name):
                raise FirstToolError(
                    f"There is a tool called {name} already: {known.place}. Choose another name."
                )
            folder = find_folder(app)
            tools, tests = folder / "mcp_tools.py", folder / "test_mcp_tools.py"
            written = {
                folder / "__init__.py": read(folder / "__init__.py") or PACKAGE,
                tools: write_tools(read_module(tools), name),
                tests: write_tests(read_module(tests), name),
            }
        except SyntaxError as error:
            place = f"{error.filename}, line {error.lineno}"
            raise CommandError(f"{place}: {error.msg}. Mend it first.") from None
        except FirstToolError as error:
            raise CommandError(str(error)) from None
        folder.mkdir(exist_ok=True)
        for path, text in written.items():
            if (existing := read(path)) != text:
                path.write_text(text, encoding="utf-8")
                done = "Wrote" if existing is None else "Added to"
                self.stdout.write(f"{done} {shorten(path)}")
        self.stdout.write("Try it:")
        setting = "" if apps.is_installed(app) else f"HOST_APPS={app} "
        self.stdout.write(f"  make test {setting}ARGS={shorten(folder)}")
        self.stdout.write(f"  make run {setting}".rstrip())


def find_folder(app: str) -> Path:
    """Where the application is, or will be.

    Raises:
        FirstToolError: it cannot be one of the host product's.
    """
    if not all(part.isidentifier() and not iskeyword(part) for part in app.split(".")):
        raise FirstToolError(f"{app!r} is no Python package. Write --app such as {DEFAULT_APP}.")
    if app.partition(".")[0] in PRODUCT:
        raise FirstToolError(f"{app} is replaced by upgrades. Write --app with a name of your own.")
    try:
        spec = find_spec(app)
    except ModuleNotFoundError:
        raise FirstToolError(f"There is no package {app.rpartition('.')[0]}.") from None
    if spec is None:
        return Path.cwd().joinpath(*app.split("."))
    folder = Path(spec.origin or "").parent
    if spec.origin is None or not spec.submodule_search_locations:
        raise FirstToolError(f"{app} is no package with an __init__.py. Write another --app.")
    if not folder.is_relative_to(Path.cwd()) or "site-packages" in folder.parts:
        raise FirstToolError(f"{app} is somebody else's. Write --app with a name of your own.")
    return folder


def read(path: Path) -> str | None:
    """The text of a file, or None if there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else None


def read_module(path: Path) -> str | None:
    """The text of a module that Python can read.

    Raises:
        SyntaxError: it cannot, so nothing is added to it.
    """
    text = read(path)
    if text is not None:
        compile(text, str(shorten(path)), "exec")
    return text


def shorten(path: Path) -> Path:
    """The path as somebody in the working directory writes it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
