"""The authorization server's application."""

from importlib import import_module

from django.apps import AppConfig


class OAuthExtConfig(AppConfig):
    """Registers the swapped toolkit models and our own."""

    name = "oauth_ext"
    verbose_name = "Authorization server"

    def ready(self) -> None:
        """Register the deployment checks."""
        import_module("oauth_ext.checks")
