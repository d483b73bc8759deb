"""A raw HTTP request that can be bent anywhere: in its fields, in its bytes, in its headers."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes
from wsgiref.util import setup_testing_defaults

from django.http import HttpResponse

from docjacket_mcp.wsgi import application

Pairs = tuple[tuple[str, str], ...]
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
# What the server's variables call them; every other header gets a prefix.
BARE = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes put in the place of some others; ``position`` counts round and round."""

    place: str
    position: int
    removed: int
    inserted: bytes

    def apply(self, text: bytes) -> bytes:
        """The text with the edit made."""
        start = self.position % (len(text) + 1)
        return text[:start] + self.inserted + text[start + self.removed :]


@dataclass(frozen=True, slots=True)
class Message:
    """One request; ``who`` names the browser whose cookies it carries, empty for a program.

    ``document`` is sent as JSON, ``form`` as a form; ``edits`` bend the bytes of ``query`` or
    ``body`` after that.
    """

    name: str
    method: str
    path: str
    query: Pairs = ()
    form: Pairs | None = None
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    who: str = ""
    edits: tuple[Edit, ...] = ()

    def render_query(self) -> bytes:
        """The query string as it is sent."""
        return self._edit("query", encode_pairs(self.query))

    def render_body(self) -> bytes:
        """The body as it is sent."""
        if self.form is not None:
            body = encode_pairs(self.form)
        elif self.document is not None:
            body = json.dumps(self.document).encode()
        else:
            body = b""
        return self._edit("body", body)

    def _edit(self, place: str, text: bytes) -> bytes:
        for edit in self.edits:
            if edit.place == place:
                text = edit.apply(text)
        return text

    def build_environ(self, cookies: str) -> dict[str, Any]:
        """What gunicorn would hand to Django for it."""
        body = self.render_body()
        headers = {"COOKIE": cookies} | dict(self.headers)
        if self.form is not None:
            headers = {"CONTENT_TYPE": FORM} | headers
        elif self.document is not None:
            headers = {"CONTENT_TYPE": JSON} | headers
        headers = {"CONTENT_LENGTH": str(len(body))} | headers
        named = {name if name in BARE else f"HTTP_{name}": text for name, text in headers.items()}
        return named | {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": unquote_to_bytes(self.path).decode("latin-1"),
            "QUERY_STRING": self.render_query().decode("latin-1"),
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.input": io.BytesIO(body),
        }


def encode_pairs(pairs: Pairs) -> bytes:
    """Form encoding, also of what is no Unicode."""
    return b"&".join(encode_text(name) + b"=" + encode_text(value) for name, value in pairs)


def encode_text(text: str) -> bytes:
    """Percent-encoded; half a surrogate pair becomes the three bytes that UTF-8 forbids."""
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="").encode()


def serve(environ: dict[str, Any]) -> HttpResponse:
    """What the application itself answers: the very one that gunicorn serves."""
    setup_testing_defaults(environ)
    started: list[Any] = []
    chunks = application(environ, lambda *status_and_headers: started.extend(status_and_headers))
    try:
        body = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    status, headers = started
    return HttpResponse(body, status=int(status.split()[0]), headers=dict(headers))
