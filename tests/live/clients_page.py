"""The table of docs/connect-your-client.md, made from the rows that the tests walk."""

from collections.abc import Callable
from typing import Any

from tests.live.client_habits import Habits

HEAD = (
    "| Client | Is known by | Comes back to | Opens with | Names as resource | Asks for |",
    "|---|---|---|---|---|---|",
)


def say(habit: Callable[..., Any]) -> str:
    """A habit's name is what it does."""
    return habit.__name__.replace("_", " ")


def render_row(habits: Habits) -> str:
    """One client."""
    return " | ".join(
        (
            f"| {habits.name}",
            "its document, or registration" if habits.document_url else "registration",
            f"`{habits.redirect_uri.replace('{port}', '*')}`",
            str(habits.opening),
            say(habits.resource),
            f"{say(habits.scope)} |",
        )
    )
