"""Limits as token buckets in PostgreSQL, each named by the policy it serves.

A bucket holds ``capacity`` tokens and refills evenly over ``seconds``. They are shared by every
process, and a restart forgets nothing. Call these outside transactions: a bucket is one row, and
everybody with the same key waits for it.
"""

import hashlib
import math
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from activity.noise import name_source


@dataclass(frozen=True, slots=True)
class Policy:
    """How often something may happen for one key."""

    name: str
    capacity: int
    seconds: int

    @property
    def retry_after(self) -> int:
        """Seconds until an empty bucket has a token again."""
        return math.ceil(self.seconds / self.capacity)


# A guesser at one account is slowed down where they are; the account's own person, who is
# somewhere else, is not, until the guessing comes from very many places.
SIGN_IN_HERE = Policy("sign_in.account_and_source", 5, 300)
SIGN_IN_SOURCE = Policy("sign_in.source", 30, 300)
SIGN_IN_ACCOUNT = Policy("sign_in.account", 100, 3600)
# Generous: hosted assistants register many people's clients from a few addresses. What they
# register is mostly the same, and that does not count at all.
REGISTRATION_SOURCE = Policy("registration.source", 60, 600)
REGISTRATION_ALL = Policy("registration.all", 1000, 3600)
CONSENT_PAGE = Policy("consent.user", 30, 60)
# A stranger names the host, so no host hears from us often. One failed fetch of a URL empties its
# bucket, which makes the next one wait a minute.
DOCUMENT_USER = Policy("document.user", 20, 60)
DOCUMENT_URL = Policy("document.url", 1, 60)
DOCUMENT_HOST = Policy("document.host", 6, 60)

# The key of a bucket that everybody shares.
EVERYBODY = ""

TAKE = """
INSERT INTO accounts_tokenbucket AS bucket (policy, key, tokens, updated_at, granted)
VALUES (%(policy)s, %(key)s, %(capacity)s - 1, clock_timestamp(), true)
ON CONFLICT (policy, key) DO UPDATE SET
  granted = {refilled} >= 1,
  tokens = {refilled} - CASE WHEN {refilled} >= 1 THEN 1 ELSE 0 END,
  updated_at = clock_timestamp()
RETURNING granted
""".replace(
    "{refilled}",
    "least(%(capacity)s, bucket.tokens + %(rate)s * greatest(0,"
    " extract(epoch FROM clock_timestamp() - bucket.updated_at)))",
)
GIVE_BACK = """
UPDATE accounts_tokenbucket SET tokens = least(%(capacity)s, tokens + 1)
WHERE policy = %(policy)s AND key = %(key)s
"""


def take_token(policy: Policy, key: str) -> bool:
    """Take a token from the bucket of this key; whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, build_parameters(policy, key))
        granted: bool = cursor.fetchone()[0]
    return granted


def give_token_back(policy: Policy, key: str) -> None:
    """Undo a taking: what it was for turned out not to count."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, build_parameters(policy, key))


def build_parameters(policy: Policy, key: str) -> dict[str, str | int | float]:
    """What both statements need; the key is hashed, because it is somebody's input."""
    return {
        "policy": policy.name,
        "key": hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest(),
        "capacity": policy.capacity,
        "rate": policy.capacity / policy.seconds,
    }


def list_sign_in_buckets(email: str, ip: str | None) -> list[tuple[Policy, str]]:
    """The buckets that an attempt to sign in takes from."""
    account, source = email.strip().lower(), name_source(ip)
    return [
        (SIGN_IN_HERE, f"{account} {source}"),
        (SIGN_IN_SOURCE, source),
        (SIGN_IN_ACCOUNT, account),
    ]


def allow_sign_in(email: str, ip: str | None) -> bool:
    """Whether the password may be looked at; the later buckets are spared once one is empty."""
    return all(take_token(policy, key) for policy, key in list_sign_in_buckets(email, ip))


def forgive_sign_in(email: str, ip: str | None) -> None:
    """The password was right, so the attempt does not count."""
    for policy, key in list_sign_in_buckets(email, ip):
        give_token_back(policy, key)


def allow_registration(ip: str | None) -> bool:
    """Whether one more client that is not known yet may be registered."""
    return take_token(REGISTRATION_SOURCE, name_source(ip)) and take_token(
        REGISTRATION_ALL, EVERYBODY
    )


def allow_consent_page(user_id: UUID) -> bool:
    """Whether the person may be asked once more; each page is a row of the log."""
    return take_token(CONSENT_PAGE, str(user_id))


def allow_document_fetch(*, url: str, host: str, user_id: UUID) -> str:
    """Nothing if this document may be fetched for this person, else the reason why not."""
    if not take_token(DOCUMENT_USER, str(user_id)):
        return "cimd_user_limit"
    if not take_token(DOCUMENT_URL, url):
        return "cimd_backoff"
    if not take_token(DOCUMENT_HOST, host):
        give_token_back(DOCUMENT_URL, url)
        return "cimd_host_limit"
    return ""


def forgive_document_fetch(*, url: str) -> None:
    """The fetch succeeded, so the next one need not wait."""
    give_token_back(DOCUMENT_URL, url)
