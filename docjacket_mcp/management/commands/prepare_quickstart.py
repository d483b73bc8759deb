"""``manage.py prepare_quickstart``: migrations and demo data, the database part of ``make run``."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection


class Command(BaseCommand):
    """Both in one process: Django's own start is the longest part of a second ``make run``."""

    help = "Migrate and load the demo data once; make run calls it."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, then load; both do nothing when there is nothing to do."""
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"The database can't be used: {error}") from error
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        call_command("ensure_partitions", verbosity=0, skip_checks=True)
        call_command("load_demo", verbosity=0, skip_checks=True)
