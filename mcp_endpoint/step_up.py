"""When a missing permission is told by a challenge, and when in words.

A challenge (MCP 2026-07-28 authorization §Step-Up) makes a client ask the person, which helps if
they have not been asked just now. A client that is challenged again and again for the same thing
would show them one consent page after another, so from the third time in an hour on it is told in
words that a model can pass on. A personal access token can't be widened by consent at all.
"""

from django.conf import settings

from accounts.limits import allow_challenge
from oauth_ext.scopes import TIERS
from oauth_ext.verification import Principal

AI_ACCESS = "/settings/ai-access"
REPEATED = "step_up_repeated"
MISSING = "insufficient_scope"


def find_reason_for_words(principal: Principal, scope: str) -> str | None:
    """Why this caller is told in words, for the log; None if a challenge may still help."""
    if principal.personal_token_id is not None:
        return MISSING
    assert principal.connection_id is not None
    return None if allow_challenge(principal.connection_id, scope) else REPEATED


def explain_missing_scope(principal: Principal, scope: str) -> str:
    """What is missing and how the person can unlock it, for a model to pass on."""
    title, page = TIERS[scope].title, settings.PUBLIC_URL + AI_ACCESS
    if principal.personal_token_id is not None:
        return (
            f"This personal access token was not made for {title}, and that can't be added to it. "
            f"Tell the person: make a new token with {title} ticked at {page} and use that one "
            "instead."
        )
    return (
        f"This needs the permission {title}, and the person has been asked for it without giving "
        f"it. Don't try again now. Tell the person: to allow it, connect this application again "
        f"and tick {title} on the page that asks; {page} shows what it may do today."
    )
