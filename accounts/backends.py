"""Signing in by e-mail address and password."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User


class EmailBackend(ModelBackend):
    """The address on the person is the only one that counts.

    allauth's own backend also asks its table of addresses, which anybody can add a row to by
    asking for a password reset, and which keeps an address that the person no longer has.
    """

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, **credentials: Any
    ) -> User | None:
        """The active person with this address and password, in the same time as nobody."""
        email, password = credentials.get("email"), credentials.get("password")
        if not email or not password:
            return None
        user = User.objects.find_by_email(email)
        if user is None:
            User().set_password(password)
            return None
        is_right = user.check_password(password)
        return user if is_right and self.user_can_authenticate(user) else None
