"""Take a guard away from the modules of this process, without a new start.

A changed file is executed beside its module, and what it defines goes into the functions that are
there: whoever has imported one has the changed one. What this cannot reach (settings, decorators,
templates) stays as it was, so a survivor here still has to be tried in a process of its own.
"""

import inspect
import re
import sys
from datetime import timedelta
from types import CodeType, FunctionType, ModuleType
from typing import Any

CONSTANTS = (str, bytes, int, float, bool, tuple, frozenset, timedelta, re.Pattern)


def replace_module(file: str, source: str) -> None:
    """Give the module of this file the behaviour of this source."""
    name = file.removesuffix(".py").replace("/", ".")
    module = sys.modules[name]
    registry = sys.modules["mcp_endpoint.registry"].registry
    resources = sys.modules["mcp_endpoint.resources"].resource_registry
    prompts = sys.modules["mcp_endpoint.prompts"].prompt_registry
    # Each registers itself under its name or URI, which can be taken once.
    for tool in registry.list_tools():
        if tool.function.__module__ == name:
            registry.remove(tool.name)
    for resource in (*resources.list_direct(), *resources.list_templates()):
        if resource.function.__module__ == name:
            resources.remove(resource.template.text)
    for prompt in prompts.list_prompts():
        if prompt.function.__module__ == name:
            prompts.remove(prompt.name)
    shadow: dict[str, Any] = {"__name__": name, "__file__": module.__file__}
    exec(compile(source, file, "exec"), shadow)  # noqa: S102
    for key, new in shadow.items():
        replace_member(module, key, new, name)


def replace_member(module: ModuleType, key: str, new: Any, name: str) -> None:
    """One name of the module."""
    old = vars(module).get(key)
    if isinstance(new, CONSTANTS) and not key.startswith("__"):
        setattr(module, key, new)
    elif inspect.isclass(new) and new.__module__ == name and inspect.isclass(old):
        for attribute, value in vars(new).items():
            replace_code(vars(old).get(attribute), value)
    else:
        replace_code(old, new)
    if hasattr(old, "cache_clear"):
        old.cache_clear()


def replace_code(old: Any, new: Any) -> None:
    """Let the old function do what the new one does."""
    before, after = find_function(old), find_function(new)
    if before is None or after is None or before.__module__ != after.__module__:
        return
    if names_of(before.__code__) == names_of(after.__code__):
        before.__code__ = after.__code__


def find_function(value: Any) -> FunctionType | None:
    """The function inside a decorated one, a method or a property."""
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    if callable(value) and not inspect.isclass(value):
        value = inspect.unwrap(value)
    return value if isinstance(value, FunctionType) else None


def names_of(code: CodeType) -> tuple[str, ...]:
    """The variables of its surroundings that a function uses; they cannot change."""
    return code.co_freevars
