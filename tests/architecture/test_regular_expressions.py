"""Every regular expression of ours against texts that are made to keep one busy."""

import pkgutil
import re
import signal
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from types import FrameType

import pytest

PACKAGES = ("activity", "accounts", "oauth_ext", "mcp_endpoint", "docjacket_mcp")
# The modules that serve or that read settings of their own are programs, not libraries.
PROGRAMS = re.compile(r"\.migrations|gunicorn_conf|quickstart|wsgi|guardian|\.management")
UNITS = (
    *("a", "0", "A", " ", "-", "_", ".", "/", "=", "%", ":", "[", "]", "\\", ",", "+", "~", "@"),
    *("é", "\n", "\t", "\x00", "a.", "a-", "1.", "a:", "::", "%2", "eyJ", "eyJa.", "Bearer "),
    *("mcp_at_", "-----BEGIN ", "=?base64?", "?=", "access_token", "&", "a=", "https://", "{a}"),
)
ENDS = ("", "!", "\x00", "=", " ", "é")
LENGTH = 1200
# Many times what each of them needs; a busy one would need hours.
SECONDS = 30


def find_patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Each pattern that a module holds, by its place."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not PROGRAMS.search(module.name):
                import_module(module.name)
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES:
            for attribute, value in vars(module).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    yield f"{name}.{attribute}", value


def give_up(number: int, frame: FrameType | None) -> None:
    """Python looks for signals also while it matches."""
    raise TimeoutError("a regular expression is still busy")


@pytest.mark.case(297)
def test_no_text_keeps_one_of_ours_busy() -> None:
    patterns = dict(find_patterns())
    assert len(patterns) > 20
    texts = [(unit * LENGTH)[:LENGTH] + end for unit, end in product(UNITS, ENDS)]
    former = signal.signal(signal.SIGALRM, give_up)
    try:
        for place, pattern in patterns.items():
            signal.alarm(SECONDS)
            try:
                for text in texts:
                    pattern.search(text)
                    pattern.fullmatch(text)
            except TimeoutError:
                pytest.fail(f"{place} is kept busy")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)
