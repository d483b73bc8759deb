"""What is wrong with the arguments of a call, for a model to correct itself. Pure.

MCP 2025-11-25 server/tools §Error Handling.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mcp_endpoint.near_names import find_near

MAX_PROBLEMS = 10
MAX_ARGUMENT_NAME = 64
# More values than these are not listed again: the schema has them.
MAX_VALUES = 8
MAX_NEAR = 5


def describe_problems(tool_name: str, schema: Mapping[str, Any], error: ValidationError) -> str:
    """Which arguments are wrong and how, with what the schema says of them."""
    problems = error.errors(include_url=False, include_context=False)
    known = schema.get("properties", {})
    lines = [f"The arguments of {tool_name} are not valid. Correct them and call it again:"]
    for problem in problems[:MAX_PROBLEMS]:
        name = ".".join(str(part) for part in problem["loc"])[:MAX_ARGUMENT_NAME] or "arguments"
        argument = known.get(problem["loc"][0], {}) if problem["loc"] else {}
        meant = argument.get("description", "").rstrip(".")
        text = describe_problem(problem, argument)
        lines.append(f"- {name}: {text} ({meant})" if meant else f"- {name}: {text}")
    if len(problems) > MAX_PROBLEMS:
        lines.append(f"- and {len(problems) - MAX_PROBLEMS} more")
    return "\n".join(lines)


def describe_problem(problem: Mapping[str, Any], argument: Mapping[str, Any]) -> str:
    """One problem; what was sent is not repeated."""
    if problem["type"] == "extra_forbidden":
        return "there is no such argument"
    values = list_values(argument)
    if problem["type"] in ("enum", "literal_error") and len(values) > MAX_VALUES:
        near = find_near(problem["input"], values, MAX_NEAR)
        meant = f"; did you mean {' or '.join(near)}?" if near else "; its schema lists them"
        return f"it is none of the {len(values)} values that there are{meant}"
    return str(problem["msg"]).removeprefix("Value error, ")


def list_values(argument: Mapping[str, Any]) -> list[str]:
    """The texts that an argument may be, if its schema lists them."""
    choices = [argument, *argument.get("anyOf", [])]
    return [value for node in choices for value in node.get("enum", []) if isinstance(value, str)]
