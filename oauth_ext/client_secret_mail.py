"""The mail to the operator when somebody found a client's secret."""

import logging
from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from oauth_ext.models import Client

logger = logging.getLogger(__name__)


def send_leaked_secret_notice(client: Client, hint: str) -> None:
    """Send it once the secret's end is committed; a mail server that is away undoes nothing."""
    transaction.on_commit(partial(_send, client, hint))


def _send(client: Client, hint: str) -> None:
    page = reverse("admin:oauth_ext_client_change", args=(client.pk,))
    context = {
        "product_name": settings.PRODUCT_NAME,
        "client_name": client.name,
        "client_id": client.client_id,
        "hint": hint,
        "client_url": f"{settings.PUBLIC_URL}{page}",
    }
    try:
        send_mail(
            f"{settings.PRODUCT_NAME}: the secret of a client was found by somebody",
            render_to_string("oauth_ext/email/leaked_client_secret.txt", context),
            None,
            [settings.SUPPORT_EMAIL],
        )
    except OSError:
        logger.exception("the notice of a leaked client secret could not be sent")
