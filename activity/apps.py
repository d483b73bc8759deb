"""The activity application."""

from importlib import import_module

from django.apps import AppConfig


class ActivityConfig(AppConfig):
    """Registers the log's model and admin."""

    name = "activity"
    verbose_name = "Activity"

    def ready(self) -> None:
        """Register the deployment checks."""
        import_module("activity.checks")
