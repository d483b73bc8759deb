"""``manage.py warn_expiring_tokens``: mail the owners of tokens that are about to end; hourly."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize
from django.utils import timezone

from activity.origin import Origin
from activity.references import new_reference
from oauth_ext.personal_token_expiry import warn_about_expiring_tokens


class Command(BaseCommand):
    """Says how many were told; fails if a mail could not be sent, and the next run tries again."""

    help = "Warn people 14, 7 and 1 days before one of their personal access tokens expires."

    def handle(self, *args: Any, **options: Any) -> None:
        """Warn once, as of now."""
        if not settings.PERSONAL_TOKENS_ENABLED:
            return
        origin = Origin(reference=new_reference(), user_agent="warn_expiring_tokens")
        warned = warn_about_expiring_tokens(timezone.now(), origin=origin)
        if options["verbosity"]:
            self.stdout.write(f"Sent {warned.sent} warning{pluralize(warned.sent)}.")
        if warned.failed:
            mails = f"{warned.failed} warning{pluralize(warned.failed)}"
            raise CommandError(f"{mails} could not be sent; run this again.")
