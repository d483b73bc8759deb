"""A Django admin whose lists cannot be filtered by what is stored of a secret.

Django lets every column of a model be looked up in a list's address, also those that no page
shows: a stored hash could be found out letter by letter.
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest


class GuardedAdmin(admin.ModelAdmin[Any]):
    """Refuses lookups by its ``hidden_columns``; those of other models Django refuses itself."""

    hidden_columns: ClassVar[tuple[str, ...]] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Not by a hidden column, whatever the comparison."""
        hidden = lookup.partition("__")[0] in self.hidden_columns
        return not hidden and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]
