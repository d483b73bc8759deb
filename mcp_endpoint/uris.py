"""URIs of resources and their templates (RFC 3986 §3; RFC 6570 §3.2.2, simple expansion only).

One resource has one spelling. A URI is compared letter by letter with what is registered; only a
template's variables are open, each of them a whole segment that is percent-encoded exactly as an
encoder would. So there is no user part, no port, no query, no fragment, no ``..`` and no ``%2F``
that a reader further down could take for something else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

MAX_LENGTH = 1024
SCHEME = r"[a-z][a-z0-9+.-]{0,31}"
LITERAL = re.compile(r"[A-Za-z0-9._~-]+")
VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,63})\}")
SHAPE = re.compile(rf"(?P<scheme>{SCHEME})://(?P<segments>[^/]+(?:/[^/]+)*)")
# What may be repeated in an answer: printable, nothing that needs care anywhere.
ECHOABLE = re.compile(r"[\x21-\x7e]+")
DOTS = frozenset({".", ".."})


class UriError(ValueError):
    """Not a URI or template of the kind that resources here have; the text says what to write."""


@dataclass(frozen=True, slots=True)
class UriTemplate:
    """``scheme://segment/{variable}/…``; one without variables stands for itself.

    ``segments`` are literals, or variables with their braces.
    """

    text: str
    scheme: str
    segments: tuple[str, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables, from left to right."""
        found = (VARIABLE.fullmatch(segment) for segment in self.segments)
        return tuple(match[1] for match in found if match)

    def match(self, uri: str) -> dict[str, str] | None:
        """The variables' decoded values if this URI is spelled after the template, or None."""
        if len(uri) > MAX_LENGTH or not uri.startswith(f"{self.scheme}://"):
            return None
        given = uri.removeprefix(f"{self.scheme}://").split("/")
        if len(given) != len(self.segments):
            return None
        values: dict[str, str] = {}
        for segment, text in zip(self.segments, given, strict=True):
            variable = VARIABLE.fullmatch(segment)
            if variable is None:
                if segment != text:
                    return None
                continue
            value = decode_segment(text)
            if value is None:
                return None
            values[variable[1]] = value
        return values

    def expand(self, values: Mapping[str, str]) -> str:
        """The URI with these values in the places of the variables."""
        filled = []
        for segment in self.segments:
            variable = VARIABLE.fullmatch(segment)
            filled.append(quote(values[variable[1]], safe="") if variable else segment)
        return f"{self.scheme}://{'/'.join(filled)}"

    def overlaps(self, other: "UriTemplate") -> bool:
        """Whether some URI is spelled after both."""
        if self.scheme != other.scheme or len(self.segments) != len(other.segments):
            return False
        return all(
            one == two or VARIABLE.fullmatch(one) or VARIABLE.fullmatch(two)
            for one, two in zip(self.segments, other.segments, strict=True)
        )


def parse_template(text: str) -> UriTemplate:
    """The template in a text of ours.

    Raises:
        UriError: it is none.
    """
    shape = SHAPE.fullmatch(text)
    if shape is None or len(text) > MAX_LENGTH:
        raise UriError("Write scheme://name, or scheme://name/{variable}, in plain letters")
    segments = tuple(shape["segments"].split("/"))
    for segment in segments:
        if VARIABLE.fullmatch(segment) is None and not is_literal(segment):
            raise UriError(
                f"Write {segment!r} with A-Z a-z 0-9 . _ ~ - only, or as one {{variable}}"
            )
    if VARIABLE.fullmatch(segments[0]):
        raise UriError("Write a fixed name after ://, not a variable")
    template = UriTemplate(text, shape["scheme"], segments)
    if len(set(template.variables)) < len(template.variables):
        raise UriError("Give each variable a name of its own")
    return template


def is_literal(segment: str) -> bool:
    """Whether a segment means nothing but itself."""
    return LITERAL.fullmatch(segment) is not None and segment not in DOTS


def decode_segment(text: str) -> str | None:
    """What a segment stands for; None if there is another spelling, or if it isn't one name.

    A value with a slash, a backslash or a control character is refused, also when encoded: a
    reader that builds a path of it would leave the place that it meant.
    """
    try:
        value = unquote_to_bytes(text).decode("utf-8")
    except UnicodeError:
        return None
    if value in DOTS or not value.isprintable() or "/" in value or "\\" in value:
        return None
    return value if value and quote(value, safe="") == text else None


def find_echo(uri: str) -> dict[str, str]:
    """The URI as data of an error; nothing if it is too long or no URI could look like it."""
    return {"uri": uri} if len(uri) <= MAX_LENGTH and ECHOABLE.fullmatch(uri) else {}
