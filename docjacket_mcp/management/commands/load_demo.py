"""``manage.py load_demo``: the demo world of the quick start, once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from docjacket_mcp.demo import load_demo_world


class Command(BaseCommand):
    """Refuses to run anywhere but in the quick start: its passwords are public."""

    help = "Load the demo organizations and people (quick start only)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them unless they exist."""
        if not settings.QUICK_START:
            raise CommandError("Demo data has public passwords; it loads in the quick start only.")
        made = load_demo_world()
        if options["verbosity"]:
            self.stdout.write("Demo data loaded." if made else "Demo data was there already.")
