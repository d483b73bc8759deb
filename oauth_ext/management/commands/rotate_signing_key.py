"""``manage.py rotate_signing_key``: one step of a rotation; run it until it says complete."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, transaction
from django.utils import timezone

from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from activity.references import new_reference
from oauth_ext.key_rotation import Step, find_due, replace_at_once, rotate

AWAY = "the database cannot be reached"


class Command(BaseCommand):
    """Running servers read the new files by themselves."""

    help = "Publish, activate or retire a signing key: whatever is due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which kind of key, and how much of a hurry."""
        parser.add_argument("--algorithm", choices=("ES256", "RS256"), default="ES256")
        hurry = parser.add_mutually_exclusive_group()
        hurry.add_argument(
            "--now", action="store_true", help="Let a published key sign without waiting a day."
        )
        hurry.add_argument(
            "--emergency",
            action="store_true",
            help="Replace the key at once: every access token is refused, and clients refresh.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Take the step, leave a row, and say what comes next.

        Raises:
            CommandError: the database cannot be reached.
        """
        if options["emergency"]:
            self.replace(options["algorithm"])
            return
        directory, now, hurry = settings.SIGNING_KEYS_DIR, timezone.now(), options["now"]
        due = find_due(directory, now, at_once=hurry)
        if due.step is not Step.WAITING:
            try:
                # The row first: where none can be written, no file is touched.
                with transaction.atomic():
                    record(due.step)
                    rotate(directory, now, algorithm=options["algorithm"], at_once=hurry)
            except OperationalError as error:
                raise CommandError(f"Nothing was changed: {AWAY}.") from error
        self.stdout.write(due.said)

    def replace(self, algorithm: str) -> None:
        """Replace the key whatever the database does: it is the key that is in danger."""
        step = replace_at_once(settings.SIGNING_KEYS_DIR, algorithm=algorithm)
        self.stdout.write(step.value)
        try:
            record(step)
        except OperationalError as error:
            raise CommandError(f"No row could be written: {AWAY}. Note it yourself.") from error


def record(step: Step) -> None:
    """The row of a step."""
    record_event(
        Event.SIGNING_KEY_ROTATED,
        origin=Origin(reference=new_reference(), user_agent="rotate_signing_key"),
        reason=step.name.lower(),
    )
