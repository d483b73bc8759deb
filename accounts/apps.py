"""The accounts application."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers users, organizations and memberships."""

    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Register the deployment checks."""
        import_module("accounts.checks")
