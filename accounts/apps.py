"""The accounts application."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers users, organizations and memberships."""

    name = "accounts"
    verbose_name = "Accounts"
