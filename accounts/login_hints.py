"""``login_hint``: whom a client would like to sign in (OpenID Connect Core §3.1.2.1).

It is a stranger's text. It may fill in the sign-in form and be compared with who is signed in;
it is never shown anywhere else and decides nothing.
"""

import re

# Only the plain form of an address: the quoted one can hold whole sentences.
ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
)
MAX_LENGTH = 254


def parse_login_hint(text: str) -> str:
    """The hint if it is an e-mail address of at most 254 characters, or nothing."""
    return text if len(text) <= MAX_LENGTH and ADDRESS.fullmatch(text) else ""
