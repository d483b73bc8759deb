"""Which of our own words somebody may have meant, for refusals that help. Pure."""

from collections.abc import Sequence
from difflib import get_close_matches

# Comparing takes time with the length, and nothing of ours is longer.
MAX_LENGTH = 64


def find_near(given: object, known: Sequence[str], most: int) -> list[str]:
    """The known words nearest to what was given, best first; never what was given itself."""
    if not isinstance(given, str) or len(given) > MAX_LENGTH:
        return []
    others = [word for word in known if word != given]
    return get_close_matches(given, others, n=most)
