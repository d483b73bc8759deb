"""The activity application."""

from django.apps import AppConfig


class ActivityConfig(AppConfig):
    """Registers the log's model and admin."""

    name = "activity"
    verbose_name = "Activity"
