"""The attacks of ``tests/attack_cases.py`` that are no test here, or end otherwise, and why."""

# What cannot be tried here, and why. A number is either here or has a test, never both.
NOT_APPLICABLE: dict[int, str] = {
    95: "No script runs on the consent page, so nothing there can wait; framing is forbidden.",
    104: "Consent is never remembered: every authorization shows the page.",
    192: "The answers are the same text; times would need a quiet machine to be compared.",
    213: "Refresh tokens are never withheld: real clients leave the grant out and still need one.",
    273: "Nothing about permission is kept in a cache; there is no cache to lose.",
    301: "Slow senders are for the buffering proxy to hold that every deployment has in front.",
    321: "Invitations do not exist: memberships are made by the host product or an operator.",
    322: "The only job is pruning, which removes by age and knows no organization.",
    360: "Limits are rows in the one database; there is no second store that could be away.",
    377: "There is no earlier release whose tokens and tables a test could start from.",
}

# Where the outcome differs on purpose from what others answer; each still has its test.
DECIDED_OTHERWISE: dict[int, str] = {
    82: "Not invalid_scope: real clients send whatever they found somewhere (RFC 6749 §3.3).",
    157: "An exchange repeated within ten seconds, verifier and all, is a lost answer, not theft.",
    198: "A hundred repeats of one token in its window are slowed down (429), never punished.",
    256: "400 and not 200: RFC 7009 §2.1 has the request refused, and the holder knows the token.",
}
