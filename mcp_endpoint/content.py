"""What tools and prompts can say besides typed results: text, images, audio, resources.

MCP 2026-07-28 server/tools §Tool Result and server/prompts §Data Types. A block that cannot be
sent is refused where it is made.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(;.*)?")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+")
# Revisions before 2025-06-18 have no links to resources.
WITHOUT_LINKS = frozenset({"2025-03-26"})


@dataclass(frozen=True, slots=True)
class Annotations:
    """For whom a block is, and how much it matters (0 to 1); clients decide what they make of it.

    MCP 2026-07-28 server/resources §Annotations.
    """

    audience: Sequence[Literal["user", "assistant"]] = ()
    priority: float | None = None
    last_modified: datetime | None = None

    def __post_init__(self) -> None:
        if self.priority is not None and not 0 <= self.priority <= 1:
            raise ValueError("priority is between 0 and 1")

    def build(self) -> dict[str, Any]:
        """As it goes over the wire."""
        built: dict[str, Any] = {}
        if self.audience:
            built["audience"] = list(self.audience)
        if self.priority is not None:
            built["priority"] = self.priority
        if self.last_modified is not None:
            built["lastModified"] = self.last_modified.isoformat()
        return built


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    text: str
    annotations: Annotations | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError("text is a string")

    def build(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return {"type": "text", "text": self.text, **build_annotations(self.annotations)}


@dataclass(frozen=True, slots=True)
class Image:
    """An image: its bytes, or a string that is their base64."""

    data: bytes | str
    mime_type: str
    annotations: Annotations | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_media_type(self.mime_type, "image/")
        check_data(self.data)

    def build(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return build_media("image", self.data, self.mime_type, self.annotations)


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound: its bytes, or a string that is their base64."""

    data: bytes | str
    mime_type: str
    annotations: Annotations | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_media_type(self.mime_type, "audio/")
        check_data(self.data)

    def build(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return build_media("audio", self.data, self.mime_type, self.annotations)


@dataclass(frozen=True, slots=True)
class ResourceLink:
    """A pointer to a resource that the client may read when it wants to; ``size`` in bytes."""

    uri: str
    name: str
    title: str = ""
    description: str = ""
    mime_type: str = ""
    size: int | None = None
    annotations: Annotations | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_uri(self.uri)
        if not self.name:
            raise ValueError("a link needs a name")
        if self.mime_type:
            check_media_type(self.mime_type)

    def build(self) -> dict[str, Any]:
        """As it goes over the wire."""
        optional = {
            "title": self.title,
            "description": self.description,
            "mimeType": self.mime_type,
            "size": self.size,
        }
        return {
            "type": "resource_link",
            "uri": self.uri,
            "name": self.name,
            **{name: value for name, value in optional.items() if value not in ("", None)},
            **build_annotations(self.annotations),
        }


@dataclass(frozen=True, slots=True)
class EmbeddedResource:
    """A resource with its contents: a string is sent as text, bytes as base64."""

    uri: str
    contents: str | bytes
    mime_type: str = ""
    annotations: Annotations | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_uri(self.uri)
        if self.mime_type:
            check_media_type(self.mime_type)
        if not isinstance(self.contents, str | bytes):
            raise TypeError("contents are a string or bytes")

    def build(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return {
            "type": "resource",
            "resource": build_resource_contents(self.uri, self.contents, self.mime_type),
            **build_annotations(self.annotations),
        }


Content = Text | Image | Audio | ResourceLink | EmbeddedResource
CONTENT_TYPES = (Text, Image, Audio, ResourceLink, EmbeddedResource)

StructuredResult = TypeVar("StructuredResult", bound=BaseModel)


# Without slots: a frozen class with them cannot be called as ToolResult[Model](…).
@dataclass(frozen=True)
class ToolResult(Generic[StructuredResult]):
    """Content together with a typed result.

    A tool annotated ``-> ToolResult[Model]`` has Model's output schema; a bare ``ToolResult``
    has none, and ``structured`` may stay None.
    """

    content: Sequence[Content] = ()
    structured: StructuredResult | None = None


def build_resource_contents(uri: str, contents: str | bytes, mime_type: str) -> dict[str, Any]:
    """A resource's contents as they go over the wire, embedded or read."""
    known = {"uri": uri, **({"mimeType": mime_type} if mime_type else {})}
    if isinstance(contents, bytes):
        return {**known, "blob": encode(contents)}
    return {**known, "text": contents}


def build_content(blocks: Sequence[Content], protocol_version: str) -> list[dict[str, Any]]:
    """The blocks as the revision knows them; links become text where they were unknown."""
    if protocol_version in WITHOUT_LINKS:
        blocks = [
            Text(f"{block.name}: {block.uri}") if isinstance(block, ResourceLink) else block
            for block in blocks
        ]
    return [block.build() for block in blocks]


def build_media(
    kind: str, data: bytes | str, mime_type: str, annotations: Annotations | None
) -> dict[str, Any]:
    """An image or audio block."""
    return {
        "type": kind,
        "data": encode(data),
        "mimeType": mime_type,
        **build_annotations(annotations),
    }


def build_annotations(annotations: Annotations | None) -> dict[str, Any]:
    """The member ``annotations``, if there is anything in it."""
    built = annotations.build() if annotations else {}
    return {"annotations": built} if built else {}


def encode(data: bytes | str) -> str:
    """Base64 of the bytes; a string is base64 already."""
    return base64.b64encode(data).decode("ascii") if isinstance(data, bytes) else data


def check_data(data: bytes | str) -> None:
    """Bytes, or canonical base64: some clients show nothing where one character is missing."""
    if isinstance(data, bytes):
        return
    try:
        is_canonical = encode(base64.b64decode(data, validate=True)) == data
    except (binascii.Error, ValueError, TypeError):
        is_canonical = False
    if not is_canonical:
        raise ValueError("data is bytes, or a string that is base64 of them")


def check_media_type(mime_type: str, prefix: str = "") -> None:
    """A media type, of this family if one is named (RFC 9110 §8.3.1)."""
    if not MEDIA_TYPE.fullmatch(mime_type) or not mime_type.startswith(prefix):
        raise ValueError(f"mime_type is a media type such as {prefix or 'text/'}…")


def check_uri(uri: str) -> None:
    """An absolute URI, which has a scheme (RFC 3986 §4.3)."""
    if not URI.fullmatch(uri):
        raise ValueError("uri is an absolute URI such as docjacket://…")
