"""The mails about a personal access token: made, replaced, about to end, found by somebody.

They name the token by its label and last four characters. A mail is no place for a secret, nor
for text that a stranger wrote: where somebody says they found a token is in the log only.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string

from oauth_ext.models import Connection, PersonalAccessToken
from oauth_ext.scopes import TIERS

# Days before its end on which a token's owner is warned.
WARNING_DAYS = (14, 7, 1)

logger = logging.getLogger(__name__)


def find_due_warning(remaining: timedelta) -> int | None:
    """Which of the warnings is due when so much time remains; None if none is yet."""
    due = [days for days in WARNING_DAYS if remaining <= timedelta(days=days)]
    return min(due, default=None)


def send_minted_notice(token: PersonalAccessToken) -> None:
    """Tell the owner of a new token, once it is committed."""
    send_after_commit("minted", f"new token “{token.label}”", token)


def send_replaced_notice(token: PersonalAccessToken, replaced: PersonalAccessToken) -> None:
    """Tell the owner of a new token that took another's place, once it is committed."""
    send_after_commit(
        "replaced", f"the token “{token.label}” was replaced", token, replaced=replaced
    )


def send_leaked_notice(
    token: PersonalAccessToken, *, predecessor_until: datetime | None = None
) -> None:
    """Tell the owner that a token was found by somebody and revoked, once that is committed.

    Args:
        predecessor_until: when the token that it replaced stops working, if that still works.
    """
    send_after_commit(
        "leaked",
        f"we revoked the token “{token.label}”",
        token,
        predecessor_until=predecessor_until,
    )


def send_after_commit(name: str, subject: str, token: PersonalAccessToken, **context: Any) -> None:
    """Send it when the transaction is through; a mail server that is away undoes nothing."""
    transaction.on_commit(partial(try_to, partial(send, name, subject, token, **context)))


def try_to(send_it: Callable[[], None]) -> None:
    """Send, or log that it could not be."""
    try:
        send_it()
    except OSError:
        logger.exception("a mail about a personal access token could not be sent")


def send_expiry_warning(token: PersonalAccessToken, expires_at: datetime) -> None:
    """Tell the owner that the token is about to end.

    Raises:
        OSError: the mail server did not take it.
    """
    subject = f"the token “{token.label}” stops working on {expires_at:%-d %B}"
    send("expiring", subject, token, expires_at=expires_at)


def send(name: str, subject: str, token: PersonalAccessToken, **context: Any) -> None:
    """Send one of the four mails about a token."""
    about = {
        "token": token,
        "organization": token.organization,
        "may": ", ".join(TIERS[scope].title for scope in token.scope.split() if scope in TIERS),
        "expires_at": token.expires_at,
    }
    deliver(f"personal_token_{name}", subject, token.user, about | context)


def send_leaked_sign_in_notice(connection: Connection) -> None:
    """Tell the person whose application's token was found by somebody, once that is committed."""
    about = {"client_name": connection.client.name, "organization": connection.organization}
    subject = "we signed an application out of your account"
    send_it = partial(deliver, "leaked_sign_in", subject, connection.user, about)
    transaction.on_commit(partial(try_to, send_it))


def deliver(template: str, subject: str, user: Any, context: dict[str, Any]) -> None:
    """Render and send; raises OSError if the mail server does not take it."""
    everywhere = {
        "product_name": settings.PRODUCT_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "settings_url": f"{settings.PUBLIC_URL}/settings/ai-access",
        "activity_url": f"{settings.PUBLIC_URL}/settings/activity",
        "user": user,
    }
    text = render_to_string(f"oauth_ext/email/{template}.txt", everywhere | context)
    # A label may hold line breaks, which a subject must not.
    line = " ".join(f"{settings.PRODUCT_NAME}: {subject}".split())
    send_mail(line, text, None, [user.email])
