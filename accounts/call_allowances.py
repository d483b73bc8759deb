"""Whether one more call may be made: by its connection's limit and by its organization's.

Drawing from the shared buckets is SQL for the statement that verifies the caller, so a call costs
no round trip more. What is drawn is spent from ``accounts.call_leases``.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection as database

from accounts.call_leases import CallPolicy, Draw, LeaseBook
from accounts.limits import REFILLED

CONNECTION = "connection"
ORGANIZATION = "organization"

# Both limits in one statement. The organization's row is taken after the connection's, whoever
# takes them, so two statements never wait for each other; and not at all without the connection's,
# so that a connection that is over its limit takes nothing from its organization. An empty bucket
# is only read. ``gate`` is what must hold of the caller: who is refused takes nothing.
DRAW = """
{which}_now AS MATERIALIZED (
  SELECT {refilled} AS tokens FROM accounts_tokenbucket AS bucket
  WHERE policy = %({which}_policy)s AND key = %({which}_key)s
),
{which}_ask AS MATERIALIZED (
  SELECT least(%({which}_ask)s,
               floor(coalesce((SELECT tokens FROM {which}_now), %({which}_capacity)s)))::int
         AS tokens
  WHERE %({which}_ask)s > 0 AND {gate}
),
{which}_take AS (
  INSERT INTO accounts_tokenbucket AS bucket (policy, key, tokens, updated_at, granted)
  SELECT %({which}_policy)s, %({which}_key)s, %({which}_capacity)s - tokens,
         clock_timestamp(), true
  FROM {which}_ask CROSS JOIN durability WHERE tokens >= 1
  ON CONFLICT (policy, key) DO UPDATE SET
    granted = {refilled} >= %({which}_capacity)s - excluded.tokens,
    tokens = {refilled} - CASE WHEN {refilled} >= %({which}_capacity)s - excluded.tokens
                               THEN %({which}_capacity)s - excluded.tokens ELSE 0 END,
    updated_at = clock_timestamp()
  RETURNING granted
)"""
# A crash that forgets a few draws is no loss, and nobody need wait for the disk. It holds for the
# rest of the transaction, so inside one (of a caller who writes more) it is left as it was.
DURABILITY = """
durability AS MATERIALIZED (
  SELECT set_config('synchronous_commit',
                    coalesce(%(synchronous_commit)s, current_setting('synchronous_commit')), true)
)"""
DRAWN = ", ".join(
    f"coalesce((SELECT {which}_ask.tokens FROM {which}_ask, {which}_take WHERE granted), 0), "
    f"coalesce((SELECT tokens FROM {which}_now), 0)"
    for which in (CONNECTION, ORGANIZATION)
)
COLUMNS_DRAWN = 4


def build_draw_sql(gate: str) -> str:
    """The common table expressions that draw, for a statement that selects ``DRAWN`` as well.

    Args:
        gate: a condition in SQL on the caller.
    """
    parts = [DURABILITY]
    for which in (CONNECTION, ORGANIZATION):
        refilled = REFILLED.replace("%(", f"%({which}_")
        parts.append(DRAW.format(which=which, refilled=refilled, gate=gate))
        gate += (
            f" AND (%({CONNECTION}_ask)s = 0 OR (SELECT bool_or(granted) FROM {CONNECTION}_take))"
        )
    return ",".join(parts)


DRAW_ALONE = f"WITH {build_draw_sql('true')} SELECT {DRAWN}"


@dataclass(frozen=True, slots=True)
class Share:
    """One limit that a call falls under, and what this process has for it."""

    which: str
    policy: CallPolicy
    key: str
    draw: Draw


@dataclass(frozen=True, slots=True)
class Allowance:
    """What was drawn for one call, or the limit that has nothing left and for how long.

    No shares and no limit: nothing is counted.
    """

    shares: tuple[Share, ...] = ()
    exhausted: CallPolicy | None = None
    wait: float = 0.0

    @property
    def retry_after(self) -> int:
        """Whole seconds until there is a token again."""
        return max(1, math.ceil(self.wait))

    def spend(self) -> None:
        """The call is made."""
        for share in self.shares:
            book.note_spent(share.policy, share.key)

    def give_back(self) -> None:
        """The call is not made, or costs nothing."""
        for share in self.shares:
            book.give_back(share.policy, share.key, share.draw.good_until)


book = LeaseBook()


def list_policies() -> dict[str, CallPolicy]:
    """The limits that are set; zero sets none."""
    policies = {
        CONNECTION: CallPolicy("mcp.connection", settings.MCP_CONNECTION_RATE, 5),
        ORGANIZATION: CallPolicy("mcp.organization", settings.MCP_ORGANIZATION_RATE, 20),
    }
    return {which: policy for which, policy in policies.items() if policy.per_minute}


def open_shares(caller: str, organization_id: UUID) -> tuple[Share, ...]:
    """What this process has for one call.

    Args:
        caller: ``activity.subject.Subject.name_source`` of who is calling.
    """
    keys = {CONNECTION: f"caller {caller}", ORGANIZATION: f"organization {organization_id}"}
    shares: list[Share] = []
    for which, policy in list_policies().items():
        draw = book.draw(policy, keys[which])
        shares.append(Share(which, policy, keys[which], draw))
        if draw.wait:
            break
    return tuple(shares)


def is_asking(shares: Sequence[Share]) -> bool:
    """Whether the shared buckets must be asked; not for a caller who has to wait anyway."""
    return any(share.draw.ask for share in shares) and not any(share.draw.wait for share in shares)


def build_draw_parameters(shares: Sequence[Share]) -> dict[str, Any]:
    """What the statement needs; a limit that is not asked for has an ``ask`` of zero."""
    parameters: dict[str, Any] = {"synchronous_commit": None if database.in_atomic_block else "off"}
    by_name = {share.which: share for share in shares}
    for which in (CONNECTION, ORGANIZATION):
        share = by_name.get(which)
        parameters |= {
            f"{which}_policy": share.policy.name if share else "",
            f"{which}_key": hashlib.sha256(share.key.encode()).hexdigest() if share else "",
            f"{which}_capacity": share.policy.capacity if share else 1,
            f"{which}_rate": share.policy.rate if share else 0.0,
            f"{which}_ask": share.draw.ask if share else 0,
        }
    return parameters


def draw_alone(shares: Sequence[Share]) -> Sequence[Any]:
    """``DRAWN`` by a statement of its own, for a caller who was verified by another."""
    with database.cursor() as cursor:
        cursor.execute(DRAW_ALONE, build_draw_parameters(shares))
        row: Sequence[Any] = cursor.fetchone() or (0,) * COLUMNS_DRAWN
    return row


def settle_allowance(shares: Sequence[Share], drawn: Sequence[Any] | None) -> Allowance:
    """The allowance of a caller who has been verified.

    Args:
        drawn: the columns of ``DRAWN``; None if nothing was asked.
    """
    settled: list[Share] = []
    for share in shares:
        settled.append(settle_share(share, drawn) if drawn and share.draw.ask else share)
        if settled[-1].draw.wait:
            # The ones after it were not asked, and none may lose what the call does not use.
            held = [*settled, *shares[len(settled) :]]
            Allowance(tuple(each for each in held if each.draw.good_until)).give_back()
            return Allowance((), share.policy, settled[-1].draw.wait)
    return Allowance(tuple(settled))


def settle_share(share: Share, drawn: Sequence[Any]) -> Share:
    """The share with what its shared bucket answered: what it gave, and what it had."""
    start = 0 if share.which == CONNECTION else 2
    draw = book.receive(share.policy, share.key, int(drawn[start]), float(drawn[start + 1]))
    return replace(share, draw=draw)
