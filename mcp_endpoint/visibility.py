"""What a caller sees: exactly what they may use at this moment.

Lists leave out what has an obstacle, and a call of it is refused, by the same answer to the same
question; so what is hidden and what is refused cannot drift apart (MCP 2026-07-28 server/tools).
"""

from dataclasses import dataclass
from enum import StrEnum

from oauth_ext.policies import find_role_scopes
from oauth_ext.verification import Principal


class Hindrance(StrEnum):
    """What stands in the way; the value is the reason in the log."""

    TOKEN_LIST = "tool_not_allowed"
    ORGANIZATION = "organization_policy"
    ROLE = "role_scope"
    SCOPE = "insufficient_scope"


# Refused in the words of something that does not exist: neither a person's consent nor their role
# changes it, and what is hidden must not be told apart from what is absent.
ABSENT = frozenset({Hindrance.TOKEN_LIST, Hindrance.ORGANIZATION})


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a caller may not use something, and the scope that using it takes."""

    hindrance: Hindrance
    scope: str

    @property
    def is_absence(self) -> bool:
        """Whether the refusal must read like that of something that does not exist."""
        return self.hindrance in ABSENT

    @property
    def reason(self) -> str:
        """The slug for the log."""
        return self.hindrance.value


def find_obstacle(principal: Principal, *, scope: str, tool: str | None = None) -> Obstacle | None:
    """What keeps the caller from something that takes this scope, or None.

    Args:
        tool: its name if it is a tool; tokens and organizations can leave out single ones.
    """
    hindrance = find_hindrance(principal, scope, tool)
    return None if hindrance is None else Obstacle(hindrance, scope)


def find_hindrance(principal: Principal, scope: str, tool: str | None) -> Hindrance | None:
    """The first that applies; what no consent can change comes before what one can."""
    if tool is not None:
        if principal.allowed_tools is not None and tool not in principal.allowed_tools:
            return Hindrance.TOKEN_LIST
        if tool in principal.hidden_tools:
            return Hindrance.ORGANIZATION
    if scope not in principal.organization_scopes:
        return Hindrance.ORGANIZATION
    if scope in principal.scopes:
        return None
    if scope not in find_role_scopes(principal.role):
        return Hindrance.ROLE
    return Hindrance.SCOPE
