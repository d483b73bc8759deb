"""What may enter the log: bounded, JSON-safe, and never a secret."""

import json
import math
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

REDACTED = "[redacted]"
MAX_DEPTH = 6
MAX_ITEMS = 50
MAX_STRING = 300
MAX_EXAMINED = 2048
MAX_BYTES = 4096
# A traceback is long, and the time of the expressions grows faster than the text.
MAX_LOGGED = 20_000

SECRET_NAMES = re.compile(
    r"pass(word|wd|phrase)|secret|token|authorization|cookie|credential|api[_-]?key|"
    r"code_verifier|^code$|private[_-]?key|signature",
    re.IGNORECASE,
)
SECRET_VALUES = re.compile(
    r"mcp_(?:at|rt|ac|cs)_[A-Za-z0-9]+|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?|"
    r"Bearer\s+\S+|-----BEGIN [^-]+-----",
    re.IGNORECASE,
)


def encode_redacted(value: Any) -> str:
    """JSON of ``value`` that is safe to keep: secrets replaced, at most 4 KiB, depth 6."""
    encoded = json.dumps(_clean(value, depth=0))
    if len(encoded) > MAX_BYTES:
        return json.dumps({"truncated": True, "bytes": len(encoded)})
    return encoded


def _clean(value: Any, *, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return "[too deep]"
    if isinstance(value, Mapping):
        pairs = list(value.items())[:MAX_ITEMS]
        return {
            clean_text(str(name)): REDACTED
            if SECRET_NAMES.search(str(name)[:MAX_EXAMINED])
            else _clean(member, depth=depth + 1)
            for name, member in pairs
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(member, depth=depth + 1) for member in list(value)[:MAX_ITEMS]]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """Text without secrets, NUL or lone surrogates (PostgreSQL takes neither), bounded.

    It is cut before the expressions see it: their time grows faster than the text.
    """
    text = SECRET_VALUES.sub(REDACTED, text[:MAX_EXAMINED])
    if not text.isascii() or "\x00" in text:
        text = text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= MAX_STRING else text[:MAX_STRING] + "…"


def redact_log_line(logger: Any, method: str, line: MutableMapping[str, Any]) -> Any:
    """Take secrets out of a log line before it is written (a processor of structlog).

    Messages of exceptions quote values, and values can be tokens.
    """
    return {
        name: SECRET_VALUES.sub(REDACTED, value[:MAX_LOGGED]) if isinstance(value, str) else value
        for name, value in line.items()
    }
