"""The three tiers of access (RFC 6749 §3.3). A higher tier does not imply a lower one."""

from collections.abc import Iterable
from dataclasses import dataclass

READ = "read"
DRAFT = "draft"
ACTIONS = "actions"

SUPPORTED = (READ, DRAFT, ACTIONS)
# What a connection always includes, and what a client gets that asks for nothing.
BASELINE = (READ,)
# What a first 401 names. Many clients ask for exactly that and can never ask for more, so it is
# all that a person might want to allow; the consent page is where they choose.
CHALLENGED = SUPPORTED


@dataclass(frozen=True, slots=True)
class Tier:
    """A scope as people read it on the consent page."""

    name: str
    title: str
    description: str


TIERS = {
    READ: Tier(READ, "Read", "Look at your organization's data. Changes nothing."),
    DRAFT: Tier(DRAFT, "Draft", "Prepare changes for you to review. Contacts nobody."),
    ACTIONS: Tier(
        ACTIONS,
        "Actions",
        "Do things that take effect at once, such as sending or disconnecting.",
    ),
}


def parse_scope(scope: str) -> tuple[str, ...]:
    """The supported scopes in a scope string, in our order.

    Unknown ones are dropped: the server may narrow (RFC 6749 §3.3), and clients ask for what
    they find anywhere. ``offline_access`` is among the dropped: everybody gets a refresh token.
    """
    requested = set(scope.split())
    return tuple(name for name in SUPPORTED if name in requested)


def find_unknown_scopes(scope: str) -> tuple[str, ...]:
    """The scopes of a scope string that mean nothing here, in the order that they came."""
    return tuple(dict.fromkeys(name for name in scope.split() if name not in SUPPORTED))


def format_scope(scopes: Iterable[str]) -> str:
    """Scopes as the wire has them: one string, spaces between, in our order."""
    wanted = set(scopes)
    return " ".join(name for name in SUPPORTED if name in wanted)
