"""Limits as token buckets in PostgreSQL, each named by the policy it serves.

A bucket holds ``capacity`` tokens and refills evenly over ``seconds``. They are shared by every
process, and a restart forgets nothing. Call these outside transactions: a bucket is one row, and
everybody with the same key waits for it. An empty bucket is only read, so a flood waits for nobody.

A policy that counts by source is ``HOSTED_FACTOR`` times as wide for the networks of hosted
assistants, where many people share a few addresses.
"""

import hashlib
import ipaddress
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.addresses import fold_email
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


# One bucket: a policy and what it counts by.
Bucket = tuple[Policy, str]

# A guesser at one account is slowed down where they are, much more than the account is: it takes
# many places to keep its person from signing in elsewhere, and none keeps out a browser that they
# used before. Nothing is counted for everybody together: anybody could use that up, and how much
# is hashed is bounded anyway.
SIGN_IN_HERE = Policy("sign_in.account_and_source", 5, 3600)
SIGN_IN_NETWORK = Policy("sign_in.account_and_network", 15, 3600)
SIGN_IN_SOURCE = Policy("sign_in.source", 30, 300)
SIGN_IN_ACCOUNT = Policy("sign_in.account", 100, 3600)
SIGN_IN_KNOWN = Policy("sign_in.known_browser", 10, 3600)
# Right passwords: each is a hash, and mostly a row and a session.
SIGN_IN_RIGHT = Policy("sign_in.user", 60, 3600)
# Each new personal access token is a mail and a row.
PERSONAL_TOKEN = Policy("personal_token.user", 60, 3600)
REAUTHENTICATION = Policy("reauthentication.user", 5, 300)
PASSWORD_CHANGE = Policy("password_change.user", 5, 300)
# Each is a mail to somebody who may not have asked for it. The links in earlier ones go on working.
RESET_HERE = Policy("password_reset.account_here", 5, 86_400)
RESET_ACCOUNT = Policy("password_reset.account", 20, 86_400)
RESET_KNOWN = Policy("password_reset.known_browser", 5, 86_400)
RESET_SOURCE = Policy("password_reset.source", 20, 3600)
RESET_LINK_SOURCE = Policy("password_reset_link.source", 20, 60)
# Generous: hosted assistants register many people's clients from a few addresses. What they
# register is mostly the same, and that does not count at all.
REGISTRATION_SOURCE = Policy("registration.source", 60, 600)
REGISTRATION_ALL = Policy("registration.all", 1000, 3600)
CONSENT_PAGE = Policy("consent.user", 30, 60)
# Twice as many as pages, so that whatever was shown can still be decided, double clicks included.
CONSENT_DECISION = Policy("consent_decision.user", 60, 60)
# A stranger names the host, so no host hears from us often. One failed fetch of a URL empties its
# bucket, which makes the next one wait a minute.
DOCUMENT_USER = Policy("document.user", 20, 60)
DOCUMENT_URL = Policy("document.url", 1, 60)
DOCUMENT_HOST = Policy("document.host", 6, 60)
# Nobody uses up a host's share alone, which would keep everybody else from connecting its clients.
DOCUMENT_USER_AND_HOST = Policy("document.user_and_host", 2, 60)
# Requests of people who are not signed in, as far as each would be a row (a session).
WAITING_AUTHORIZATION = Policy("authorization.source", 60, 60)
# Only refusals count, and only refusals are held back: what is right is never refused for what
# others behind the same address got wrong. Nobody guesses 256 bits; this is against loops. What
# tells a client to register or to ask again is not held back either (``oauth_ext.views.answers``).
TOKEN_REFUSALS = Policy("token.client_and_source", 20, 60)
REVOCATION_REFUSALS = Policy("revocation.client_and_source", 20, 60)
# Two at once and one more an hour: whoever is asked a third time within an hour said no. A client
# that asks on and on would show people one consent page after another.
STEP_UP = Policy("step_up.connection_and_scope", 2, 7200)
# Scanners report from a few addresses, many tokens at a time.
LEAK_REPORT_SOURCE = Policy("leak_report.source", 60, 60)

HOSTED_FACTOR = 20

# The key of a bucket that everybody shares.
EVERYBODY = ""

REFILLED = (
    "least(%(capacity)s, bucket.tokens + %(rate)s * greatest(0,"
    " extract(epoch FROM clock_timestamp() - bucket.updated_at)))"
)
TAKE = """
INSERT INTO accounts_tokenbucket AS bucket (policy, key, tokens, updated_at, granted)
SELECT %(policy)s, %(key)s, %(capacity)s - 1, clock_timestamp(), true
WHERE NOT EXISTS (
  SELECT FROM accounts_tokenbucket AS bucket
  WHERE policy = %(policy)s AND key = %(key)s AND {refilled} < 1
)
ON CONFLICT (policy, key) DO UPDATE SET
  granted = {refilled} >= 1,
  tokens = {refilled} - CASE WHEN {refilled} >= 1 THEN 1 ELSE 0 END,
  updated_at = clock_timestamp()
RETURNING granted
""".replace("{refilled}", REFILLED)
GIVE_BACK = """
UPDATE accounts_tokenbucket SET tokens = least(%(capacity)s, tokens + 1)
WHERE policy = %(policy)s AND key = %(key)s
"""


def take_token(policy: Policy, key: str) -> bool:
    """Take a token from the bucket of this key; whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, build_parameters(policy, key))
        row = cursor.fetchone()
    return row is not None and row[0]


def take_tokens(buckets: Iterable[Bucket]) -> Policy | None:
    """Take one from each in turn; the first policy that had none left, or None.

    The buckets after that one are spared.
    """
    return next((policy for policy, key in buckets if not take_token(policy, key)), None)


def give_token_back(policy: Policy, key: str) -> None:
    """Undo a taking: what it was for turned out not to count."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, build_parameters(policy, key))


def give_tokens_back(buckets: Iterable[Bucket]) -> None:
    """Undo a taking from each."""
    for policy, key in buckets:
        give_token_back(policy, key)


def build_parameters(policy: Policy, key: str) -> dict[str, str | int | float]:
    """What both statements need; the key is hashed, because it is somebody's input."""
    return {
        "policy": policy.name,
        "key": hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest(),
        "capacity": policy.capacity,
        "rate": policy.capacity / policy.seconds,
    }


def widen_for(policy: Policy, ip: str | None) -> Policy:
    """The policy as it counts for this source."""
    if ip is None:
        return policy
    address = ipaddress.ip_address(ip)
    if any(address in network for network in settings.HOSTED_ASSISTANT_NETWORKS):
        return replace(policy, capacity=policy.capacity * HOSTED_FACTOR)
    return policy


def name_bucket_of_source(policy: Policy, ip: str | None) -> Bucket:
    """The bucket of one source: an IPv4 address, or the /64 of an IPv6 one."""
    return widen_for(policy, ip), name_source(ip)


def list_sign_in_buckets(email: str, ip: str | None) -> list[Bucket]:
    """The buckets that an attempt to sign in takes from.

    The source's comes first, so that no flood of invented accounts makes a bucket for each.
    """
    account = fold_email(email)
    return [
        name_bucket_of_source(SIGN_IN_SOURCE, ip),
        (SIGN_IN_HERE, f"{account} {name_source(ip)}"),
        (SIGN_IN_NETWORK, f"{account} {name_network(ip)}"),
        (SIGN_IN_ACCOUNT, account),
    ]


def name_network(ip: str | None) -> str:
    """The /48 of an IPv6 address, which is as easily had as a /64; an IPv4 address as it is."""
    if ip is None or ipaddress.ip_address(ip).version == 4:
        return name_source(ip)
    return str(ipaddress.ip_network((ip, 48), strict=False))


def list_reset_buckets(email: str, ip: str | None) -> list[Bucket]:
    """The buckets that asking for a reset mail takes from, whether or not anybody has the
    address.
    """
    here = f"{fold_email(email)} {name_source(ip)}"
    return [name_bucket_of_source(RESET_SOURCE, ip), (RESET_HERE, here)]


def allow_reset_mail(email: str) -> bool:
    """Whether the address may be sent one more mail, whoever asked for the others."""
    return take_token(RESET_ACCOUNT, fold_email(email))


def allow_registration(ip: str | None) -> bool:
    """Whether one more client that is not known yet may be registered."""
    buckets = [name_bucket_of_source(REGISTRATION_SOURCE, ip), (REGISTRATION_ALL, EVERYBODY)]
    return take_tokens(buckets) is None


def allow_leak_report(ip: str | None) -> bool:
    """Whether one more report of leaked tokens may be looked at."""
    return take_tokens([name_bucket_of_source(LEAK_REPORT_SOURCE, ip)]) is None


def allow_consent_page(user_id: UUID) -> bool:
    """Whether the person may be asked once more; each page is a row of the log."""
    return take_token(CONSENT_PAGE, str(user_id))


def allow_consent_decision(user_id: UUID) -> bool:
    """Whether the person may decide once more; a page can be sent again, and each is a row."""
    return take_token(CONSENT_DECISION, str(user_id))


def allow_personal_token(user_id: UUID) -> bool:
    """Whether the person may make or replace one more personal access token."""
    return take_token(PERSONAL_TOKEN, str(user_id))


def allow_challenge(connection_id: UUID, scope: str) -> bool:
    """Whether a connection may be sent to ask its person for this scope once more."""
    return take_token(STEP_UP, f"{connection_id} {scope}")


def allow_document_request(user_id: UUID) -> bool:
    """Whether the person may ask for a document once more, whoever fetches it in the end."""
    return take_token(DOCUMENT_USER, str(user_id))


def list_document_buckets(*, url: str, host: str, user_id: UUID) -> list[Bucket]:
    """The buckets that a fetch takes from; the host's own comes last, as the one that is shared."""
    return [
        (DOCUMENT_URL, url),
        (DOCUMENT_USER_AND_HOST, f"{user_id} {host}"),
        (DOCUMENT_HOST, host),
    ]


def allow_document_fetch(*, url: str, host: str, user_id: UUID) -> Policy | None:
    """None if this document may be fetched for this person, else what has been used up.

    A refused fetch takes from none of the buckets.
    """
    buckets = list_document_buckets(url=url, host=host, user_id=user_id)
    exhausted = take_tokens(buckets)
    if exhausted is not None:
        policies = [policy for policy, _ in buckets]
        for policy, key in buckets[: policies.index(exhausted)]:
            give_token_back(policy, key)
    return exhausted


def forgive_document_fetch(*, url: str, host: str, user_id: UUID) -> None:
    """The fetch succeeded, or never began: it does not count, and the next one need not wait."""
    for policy, key in list_document_buckets(url=url, host=host, user_id=user_id):
        give_token_back(policy, key)


def allow_waiting_authorization(ip: str | None) -> bool:
    """Whether one more request of somebody unknown may wait in a session."""
    return take_tokens([name_bucket_of_source(WAITING_AUTHORIZATION, ip)]) is None


def allow_refusal(policy: Policy, client_id: str, ip: str | None) -> bool:
    """Whether one more refusal may say why, rather than to slow down.

    Args:
        client_id: of a client that exists; names that anybody makes up would have a bucket each.
    """
    return take_token(widen_for(policy, ip), f"{client_id} {name_source(ip)}")
