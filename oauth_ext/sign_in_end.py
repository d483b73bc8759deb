"""When a sign-in must be made anew, however diligently its client refreshes.

The family's own end or the organization's policy, whichever comes first; see ``standing`` and
``policies``, which hold every request to it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from oauth_ext.models import TokenFamily
from oauth_ext.policies import limit_sign_in


@dataclass(frozen=True, slots=True)
class SignInEnd:
    """The end of a sign-in, and how long it may lie unused before that."""

    ends_at: datetime
    max_idle: timedelta


def find_sign_in_end(family_id: UUID) -> SignInEnd | None:
    """When the sign-in of this token family ends; None if there is no such family."""
    family = (
        TokenFamily.objects.select_related("connection__organization__policy")
        .filter(id=family_id)
        .first()
    )
    if family is None:
        return None
    policy = getattr(family.connection.organization, "policy", None)
    limits = limit_sign_in(
        policy.max_idle_days if policy else None, policy.max_sign_in_days if policy else None
    )
    return SignInEnd(min(family.expires_at, family.created_at + limits.total), limits.idle)
