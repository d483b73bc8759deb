"""The REST API application."""

from importlib import import_module

from django.apps import AppConfig


class RestApiConfig(AppConfig):
    """Loads the checks; there are no models."""

    name = "rest_api"
    verbose_name = "REST API"

    def ready(self) -> None:
        """Register what ``manage.py check`` asks."""
        import_module("rest_api.checks")
