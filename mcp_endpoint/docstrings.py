"""What a docstring says: a description for the model, and one for each parameter.

Google style: a section ``Args:`` whose entries are ``name: text``. What follows in sections of
its own (``Returns:``, ``Raises:``) is for whoever reads the code, so the model gets neither.
"""

import inspect
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from mcp_endpoint.errors import ToolDefinitionError

SECTION = re.compile(r"(Args|Arguments|Returns|Yields|Raises):\s*")
ARGUMENTS = ("Args", "Arguments")
ENTRY = re.compile(r"(?P<indent>\s+)\*{0,2}(?P<name>\w+)(\s*\([^)]*\))?:\s*(?P<text>.*)")


def read_docstring(function: Callable[..., Any], place: str) -> tuple[str, dict[str, str]]:
    """The description, and the descriptions of parameters by their names.

    Raises:
        ToolDefinitionError: there is no description.
    """
    lines = (inspect.getdoc(function) or "").splitlines()
    sections = [number for number, line in enumerate(lines) if SECTION.fullmatch(line)]
    description = "\n".join(lines[: sections[0]] if sections else lines).strip()
    parameters: dict[str, str] = {}
    for start, end in pairwise([*sections, len(lines)]):
        if lines[start].strip().removesuffix(":") in ARGUMENTS:
            parameters |= read_entries(lines[start + 1 : end])
    if not description:
        raise ToolDefinitionError(f"{place}: write a docstring; it is what the model reads.")
    return description, parameters


def read_entries(lines: list[str]) -> dict[str, str]:
    """The entries of one section; lines that are indented further belong to the one above."""
    entries: dict[str, str] = {}
    name, indent = "", 0
    for line in lines:
        entry = ENTRY.fullmatch(line)
        if entry and (not name or len(entry["indent"]) <= indent):
            name, indent = entry["name"], len(entry["indent"])
            entries[name] = entry["text"].strip()
        elif name and line.strip():
            entries[name] = f"{entries[name]} {line.strip()}".strip()
    return entries
