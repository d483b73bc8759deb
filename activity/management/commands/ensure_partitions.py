"""``manage.py ensure_partitions``: the log's partitions for the coming months; run it monthly."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

MONTHS_AHEAD = 12
ENSURE = "SELECT activity_ensure_partition((now() + make_interval(months => %s))::date)"


class Command(BaseCommand):
    """Makes what is missing; as the role that owns the log."""

    help = "Make the activity log's partitions for this month and the coming ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How far ahead."""
        parser.add_argument("--months", type=int, default=MONTHS_AHEAD, choices=range(25))

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask the database for each month."""
        with connection.cursor() as cursor:
            for ahead in range(options["months"] + 1):
                cursor.execute(ENSURE, (ahead,))
        if options["verbosity"]:
            self.stdout.write(f"Partitions are there for {options['months']} months ahead.")
