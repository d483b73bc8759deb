"""``manage.py rotate_signing_key``: one step of a rotation; run it until it says complete."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from activity.events import Event
from activity.origin import Origin
from activity.recorder import record_event
from activity.references import new_reference
from oauth_ext.key_rotation import Step, replace_at_once, rotate


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
        """Take the step, leave a row, and say what comes next."""
        directory, algorithm = settings.SIGNING_KEYS_DIR, options["algorithm"]
        if options["emergency"]:
            step = replace_at_once(directory, algorithm=algorithm)
        else:
            step = rotate(directory, timezone.now(), algorithm=algorithm, at_once=options["now"])
        if step is not Step.WAITING:
            record_event(
                Event.SIGNING_KEY_ROTATED,
                origin=Origin(reference=new_reference(), user_agent="rotate_signing_key"),
                reason=step.name.lower(),
            )
        self.stdout.write(step.value)
