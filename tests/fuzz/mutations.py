"""From a request that is right to one that is wrong in one to three places.

Starting from what works is what leads behind the first check: a code that exists, a token that
is current, a page that this person saw.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from tests.fuzz import poison
from tests.fuzz.messages import Edit, Message, Pairs, encode_pairs
from tests.fuzz.scene import Scene
from tests.oauth_client import CALLBACK, RESOURCE

ACTIONS = ("add", "drop", "repeat", "replace", "replace", "bend", "bend", "rename")

T = TypeVar("T")
# Values that no parameter takes, and for each parameter another one that exists.
WRONG = ("\x00", "\ud800", "\u202e", "é", "a" * 5000, "a" * 20_000, "[]", "null", "\r\nA: b")
SWAPPED = {
    "code": ("foreign_code", "used_code", "refresh"),
    "refresh_token": ("foreign_refresh", "stolen_refresh", "ended_refresh", "access", "code"),
    "token": ("foreign_refresh", "code", "personal"),
    "client_id": ("other_client_id", "unknown", "https://[::1]/client.json"),
    "code_verifier": ("challenge", "x" * 43, "x" * 129),
    "code_challenge": ("verifier", "x" * 42, "x" * 44, "=" * 43),
    "code_challenge_method": ("plain", "s256", "S512"),
    "redirect_uri": ("https://evil.example/", f"{CALLBACK}/../x", f"{CALLBACK}?a=b", "//x"),
    "resource": ("https://evil.example/mcp", f"{RESOURCE}/x", f"{RESOURCE}#x", "http://["),
    "scope": ("read draft actions", "actions", "openid", "read\tdraft"),
    "grant_type": ("password", "client_credentials", "refresh_token", "authorization_code"),
    "response_type": ("token", "code token", "id_token"),
    "organization": ("borealis", "client_id", "0"),
    "decision": ("deny", "maybe"),
    "digest": ("csrf", "nonce"),
    "csrfmiddlewaretoken": ("digest", "csrf_stranger"),
}
MISTAKEN_TYPES: tuple[object, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, [], {}, [[]], [None], ["", "\x00"], {"a": "b"}),
    *(poison.nest(40), poison.nest(900), ["https://client.example/cb"] * 11, ["javascript:1"]),
)
Draw = Callable[[st.SearchStrategy[T]], T]
Operation = Callable[[Draw, Message, Scene], Message]


@st.composite
def mutated(draw: Draw, messages: Sequence[Message], scene: Scene) -> Message:
    """One of the messages, changed in one to three places."""
    message = draw(st.sampled_from(messages))
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        message = draw(st.sampled_from(OPERATIONS))(draw, message, scene)
    return message


def list_neighbours(message: Message, scene: Scene) -> Iterator[Message]:
    """The message with one parameter wrong, each parameter in each of the ways."""
    for place in ("query", "form"):
        pairs: Pairs = getattr(message, place) or ()
        for index, (name, value) in enumerate(pairs):
            before, after = pairs[:index], pairs[index + 1 :]
            others = [*WRONG, *SWAPPED.get(name, ())]
            wrong = [scene.values.get(text, text) for text in others]
            for text in (*wrong, f"{value}\x00", f"{value} ", f" {value}", f"{value}\ud800"):
                changed = (*before, (name, text), *after)
                yield replace(message, **{place: changed})
            yield replace(message, **{place: before + after})
            yield replace(message, **{place: (*pairs, (name, value))})
            start = len(encode_pairs(before)) + len(name) + 2
            for scrap in (b"%", b"%zz", b"%C0%AF", b"%ED%A0%80", b"%00", b"\xff"):
                edit = Edit("query" if place == "query" else "body", start, 1, scrap)
                yield replace(message, edits=(edit,))
    if isinstance(message.document, dict) and len(message.document) > 1:
        for name in (*message.document, *poison.MEMBERS):
            for value in (*WRONG, *MISTAKEN_TYPES):
                yield replace(message, document=message.document | {name: value})


def draw_value(draw: Draw, scene: Scene) -> str:
    """Poison, or what would have been right somewhere else."""
    known = st.sampled_from(sorted(scene.values.values()))
    return draw(st.one_of(poison.texts, known, known))


def change_pairs(draw: Draw, pairs: Pairs, scene: Scene) -> Pairs:
    """One field left out, repeated, replaced, exchanged, renamed, stretched or added."""
    listed = list(pairs)
    action = draw(
        st.sampled_from(("add", "drop", "repeat", "replace", "replace", "bend", "rename"))
    )
    if action == "add" or not listed:
        name = draw(st.one_of(st.sampled_from(poison.NAMES), poison.texts))
        listed.insert(draw(st.integers(0, len(listed))), (name, draw_value(draw, scene)))
        return tuple(listed)
    index = draw(st.integers(0, len(listed) - 1))
    name, value = listed[index]
    if action == "drop":
        del listed[index]
    elif action == "repeat":
        listed.append((name, draw(st.sampled_from((value, draw_value(draw, scene))))))
    elif action == "replace":
        listed[index] = (name, draw_value(draw, scene))
    elif action == "bend":
        listed[index] = (name, bend(draw, value))
    else:
        other = draw(st.sampled_from((name.upper(), f"{name}[]", f" {name}", *poison.NAMES)))
        listed[index] = (other, value)
    return tuple(listed)


def bend(draw: Draw, value: str) -> str:
    """The value with one thing different about it."""
    position = draw(st.integers(0, len(value)))
    return draw(
        st.sampled_from(
            (
                value[:position],
                value[:position] + draw(poison.texts) + value[position:],
                value.swapcase(),
                f"{value} ",
                f" {value}",
                value + value,
                value[::-1],
            )
        )
    )


def change_field(draw: Draw, message: Message, scene: Scene) -> Message:
    """One parameter of the query or of the form, or one member of the document."""
    if message.document is not None:
        return change_member(draw, message, scene)
    if message.form is not None and draw(st.integers(0, 3)):
        return replace(message, form=change_pairs(draw, message.form, scene))
    return replace(message, query=change_pairs(draw, message.query, scene))


def change_member(draw: Draw, message: Message, scene: Scene) -> Message:
    """One member of the document, or all of it."""
    value = draw(st.one_of(poison.documents, poison.documents, st.just(draw_value(draw, scene))))
    document = message.document
    if not isinstance(document, dict) or not draw(st.integers(0, 9)):
        return replace(message, document=[] if value is None else value)
    name = draw(
        st.one_of(st.sampled_from(sorted(document) or [""]), st.sampled_from(poison.MEMBERS))
    )
    if draw(st.booleans()) and isinstance(document.get(name), list):
        return replace(message, document=document | {name: [*document[name], value]})
    return replace(message, document=document | {name: value})


def move_to_query(draw: Draw, message: Message, scene: Scene) -> Message:
    """The form's fields sent in the address."""
    if not message.form:
        return change_field(draw, message, scene)
    return replace(message, query=(*message.query, *message.form), form=())


def edit_bytes(draw: Draw, message: Message, scene: Scene) -> Message:
    """A few bytes of the query or the body."""
    place = draw(st.sampled_from(("query", "body", "body")))
    edit = Edit(place, draw(st.integers(0, 4000)), draw(st.integers(0, 8)), draw(poison.scraps))
    return replace(message, edits=(*message.edits, edit))


def change_header(draw: Draw, message: Message, scene: Scene) -> Message:
    """One header."""
    name = draw(st.sampled_from(sorted(poison.HEADERS)))
    known = st.sampled_from(poison.HEADERS[name])
    text = draw(known if name == "CONTENT_LENGTH" else st.one_of(known, poison.header_texts))
    return replace(message, headers={**message.headers, name: text})


def name_client_by_header(draw: Draw, message: Message, scene: Scene) -> Message:
    """A Basic header in a form that is nearly right, beside or instead of the field."""
    user = draw_value(draw, scene) if draw(st.booleans()) else scene.values["client_id"]
    pair = f"{user}:{draw(poison.texts)}".encode("utf-8", "surrogatepass")
    header = f"Basic {base64.b64encode(pair).decode()}"
    form = message.form
    if form is not None and draw(st.booleans()):
        form = tuple(pair for pair in form if pair[0] != "client_id")
    return replace(message, form=form, headers={**message.headers, "AUTHORIZATION": header})


def change_method(draw: Draw, message: Message, scene: Scene) -> Message:
    """Another method for the same address."""
    return replace(message, method=draw(st.sampled_from(poison.METHODS)))


def change_path(draw: Draw, message: Message, scene: Scene) -> Message:
    """Another address for the same request."""
    return replace(message, path=draw(st.sampled_from(poison.PATHS)))


def change_browser(draw: Draw, message: Message, scene: Scene) -> Message:
    """Somebody else's cookies, or none."""
    return replace(message, who=draw(st.sampled_from(sorted(scene.cookies))))


# The first ones lead deepest, so they come most often.
OPERATIONS: tuple[Operation, ...] = (
    *(change_field,) * 14,
    *(edit_bytes,) * 3,
    *(change_header,) * 3,
    *(change_browser, name_client_by_header, change_method, move_to_query, change_path),
)
