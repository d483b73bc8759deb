"""When two spellings of an e-mail address are the same address: when Python's ``lower`` says so.

Whatever compares addresses folds them here, limits included. Databases and ``upper`` take a
dotless i (U+0131) for an i and a long s (U+017F) for an s, which are in somebody else's address.
"""


def fold_email(text: str) -> str:
    """The spelling that stands for all spellings of one address."""
    return text.strip().lower()
