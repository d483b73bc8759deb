"""The mail to a person whose refresh token came from two places."""

import logging
from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string

from oauth_ext.models import Connection

logger = logging.getLogger(__name__)


def send_theft_notice(connection: Connection) -> None:
    """Send it once the end of the family is committed."""
    transaction.on_commit(partial(_send, connection))


def _send(connection: Connection) -> None:
    context = {
        "product_name": settings.PRODUCT_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "client_name": connection.client.name,
        "organization": connection.organization,
        "user": connection.user,
        "settings_url": f"{settings.PUBLIC_URL}/settings/ai-access",
    }
    try:
        send_mail(
            f"{settings.PRODUCT_NAME}: we signed an application out of your account",
            render_to_string("oauth_ext/email/theft_notice.txt", context),
            None,
            [connection.user.email],
        )
    except OSError:
        # The family is dead either way; a mail server that is away must not undo the answer.
        logger.exception("the theft notice could not be sent")
