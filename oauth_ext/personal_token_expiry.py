"""Warning people 14, 7 and 1 days before one of their personal access tokens ends.

Each warning is claimed in the database before it is sent, so that two runs at once send one, and
given back when the mail server does not take it, so that the next run tries again. Days on which
nothing ran are caught up with one mail: the one that is due now.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from oauth_ext.models import PersonalAccessToken
from oauth_ext.personal_token_mail import WARNING_DAYS, find_due_warning, send_expiry_warning
from oauth_ext.standing import find_personal_expiry

# After so many mails in a row were not taken, the server is away; each attempt takes seconds.
PATIENCE = 3

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Warned:
    """How many were told, and how many could not be."""

    sent: int = 0
    failed: int = 0


def warn_about_expiring_tokens(now: datetime, *, origin: Origin) -> Warned:
    """Send every warning that is due at ``now``; safe to run at any time and twice."""
    warned, in_a_row = Warned(), 0
    for token in find_expiring(now).iterator():
        expires_at = find_personal_expiry(token)
        due = find_due_warning(expires_at - now)
        if expires_at <= now or due is None or not claim(token, due):
            continue
        try:
            send_expiry_warning(token, expires_at)
        except OSError:
            logger.exception("an expiry warning could not be sent")
            give_back(token, due)
            warned.failed, in_a_row = warned.failed + 1, in_a_row + 1
            if in_a_row >= PATIENCE:
                break
            continue
        record_warning(token, due, origin=origin)
        warned.sent, in_a_row = warned.sent + 1, 0
    return warned


def find_expiring(now: datetime) -> QuerySet[PersonalAccessToken]:
    """Tokens that work, that nothing has replaced, and that may be about to end.

    An organization's policy may end a token before its own time, so those are looked at as well.
    """
    soon = now + timedelta(days=max(WARNING_DAYS))
    return (
        PersonalAccessToken.objects.filter(
            Q(expires_at__lte=soon)
            | Q(organization__policy__max_personal_token_days__isnull=False),
            revoked_at__isnull=True,
            expires_at__gt=now,
            replacement__isnull=True,
            membership__isnull=False,
            organization__is_active=True,
            user__is_active=True,
        )
        .exclude(user__tokens_valid_from__gt=F("created_at"))
        .select_related("user", "organization__policy")
        .order_by("expires_at", "id")
    )


def claim(token: PersonalAccessToken, due: int) -> bool:
    """Take this warning for ourselves; False if it, or a later one, was sent before."""
    unsent = Q(notified_days__isnull=True) | Q(notified_days__gt=due)
    rows = PersonalAccessToken.objects.filter(unsent, id=token.id, revoked_at__isnull=True)
    return bool(rows.update(notified_days=due))


def give_back(token: PersonalAccessToken, due: int) -> None:
    """It was not sent after all."""
    rows = PersonalAccessToken.objects.filter(id=token.id, notified_days=due)
    rows.update(notified_days=token.notified_days)


def record_warning(token: PersonalAccessToken, due: int, *, origin: Origin) -> None:
    """The row of a mail that was sent."""
    record_event(
        Event.PERSONAL_TOKEN_EXPIRY_WARNED,
        origin=origin,
        user_id=token.user_id,
        organization_id=token.organization_id,
        details={"label": token.label, "id": token.id, "days": due},
    )
