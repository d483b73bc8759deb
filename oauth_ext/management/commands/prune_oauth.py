"""``manage.py prune_oauth``: remove what has served its time; run it every hour."""

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from activity.origin import Origin
from activity.references import new_reference
from oauth_ext.peppers import describe_former_pepper_use, find_former_pepper_use
from oauth_ext.pruning import prune

ONE = {
    "clients": "client",
    "codes": "code",
    "families": "family",
    "sealed_copies": "sealed copy",
    "counters": "counter",
}


class Command(BaseCommand):
    """Says how much of what went."""

    help = "Reap unused clients, and remove used codes, ended families and old counters."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prune once, as of now."""
        origin = Origin(reference=new_reference(), user_agent="prune_oauth")
        now = timezone.now()
        pruned = prune(now, origin=origin)
        if options["verbosity"]:
            counts = ", ".join(
                f"{count} {ONE[name] if count == 1 else name.replace('_', ' ')}"
                for name, count in asdict(pruned).items()
            )
            self.stdout.write(f"Removed {counts}.")
        if options["verbosity"] and settings.TOKEN_PEPPER_FALLBACKS:
            self.stdout.write(describe_former_pepper_use(find_former_pepper_use(now)))
