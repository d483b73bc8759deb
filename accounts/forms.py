"""allauth's forms, where ours differ."""

from typing import Any

from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.account.forms import ResetPasswordKeyForm as AllauthResetPasswordKeyForm
from allauth.core import context
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.known_browsers import find_known_browser
from accounts.limits import RESET_ACCOUNT, allow_reset_mail
from accounts.login_hints import parse_login_hint
from accounts.models import User
from activity.events import Event
from activity.refusals import record_refusal

ADDRESS = "E-mail address"


class LoginForm(AllauthLoginForm):
    """Signs in by e-mail address; the address may be filled in already."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = ADDRESS
        if self.request is not None and self.request.method == "GET":
            hint = parse_login_hint(self.request.GET.get("login_hint", ""))
            self.fields["login"].initial = hint or None


class ResetPasswordForm(AllauthResetPasswordForm):
    """Asks for a reset mail; it goes to the address on the person and to no other."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = ADDRESS

    def clean_email(self) -> str:
        """The address; whether somebody has it is for the mail to say, not for the page."""
        email: str = self.cleaned_data["email"]
        user = User.objects.find_by_email(email)
        self.users = [user] if user is not None and user.is_active else []
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send the mail, unless the address has had many today: their links work as well.

        The page is the same. A browser that the person uses is counted by itself.
        """
        email: str = self.cleaned_data["email"]
        if find_known_browser(request, email) is None and not allow_reset_mail(email):
            record_refusal(
                request,
                Event.PASSWORD_REFUSED,
                reason="too_many_attempts",
                details={"policy": RESET_ACCOUNT.name},
            )
            return email
        saved: str = super().save(request, **kwargs)
        return saved


class ResetPasswordKeyForm(AllauthResetPasswordKeyForm):
    """A new password from a reset mail: somebody else may have had the old one.

    Everything that acts for the person ends; a change by somebody signed in leaves it alone.
    """

    def save(self) -> None:
        """Both at once."""
        with transaction.atomic():
            self.user.tokens_valid_from = timezone.now()
            self.user.save(update_fields=["tokens_valid_from"])
            super().save()


class ChangePasswordForm(AllauthChangePasswordForm):
    """A new password for somebody signed in, who has to know the old one."""

    def clean_oldpassword(self) -> str:
        """The old password; a wrong one is a row, since whoever has the session may be guessing."""
        try:
            old: str = super().clean_oldpassword()
        except ValidationError:
            record_refusal(
                context.request,
                Event.PASSWORD_REFUSED,
                reason="wrong_password",
                user_id=self.user.pk,
            )
            raise
        return old
