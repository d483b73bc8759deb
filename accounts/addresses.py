"""When two spellings of an e-mail address are the same address: when Python's ``lower`` says so.

Whatever compares addresses folds them here, limits included. Databases and ``upper`` take ``ı`` and
``ſ`` for an ``i`` and an ``s``, which makes somebody else's mailbox out of one.
"""


def fold_email(text: str) -> str:
    """The spelling that stands for all spellings of one address."""
    return text.strip().lower()
