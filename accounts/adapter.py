"""How allauth behaves here: people come from the host product, and every sign-in is a row."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.form_limits import (
    list_buckets_of_sign_in,
    refuse_attempt,
    refuse_while_busy,
)
from accounts.hash_slots import HashingBusyError
from accounts.hashers import MAX_PASSWORD_LENGTH
from accounts.known_browsers import remember_browser
from accounts.limits import (
    REAUTHENTICATION,
    SIGN_IN_RIGHT,
    Bucket,
    Policy,
    give_tokens_back,
    take_tokens,
)
from accounts.models import User
from accounts.waiting_requests import carry_over, find_waiting_for
from activity.events import Event
from activity.origin import find_client_address, origin_of
from activity.recorder import record_event
from activity.refusals import record_refusal


class AccountAdapter(DefaultAccountAdapter):
    """Closed sign-up, addresses by our own proxy rule, and the log."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "E-mail address or password is wrong.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are made by the host product or by an operator."""
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """Never: our pages have no script, and allauth's answers to one have no reference."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Whether to go there after a sign-in or sign-out: a path of ours that can be read.

        Two slashes begin a host, also where nothing follows them.
        """
        try:
            return not url.startswith("//") and bool(super().is_safe_url(url))
        except ValueError:
            return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that sign-in limits count by: the one the log names."""
        return find_client_address(request) or "unknown"

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Record the sign-in, then go where the person was headed."""
        record_event(Event.SIGNED_IN, origin=origin_of(request), user_id=user.pk)
        remember_browser(request, user)
        response: HttpResponse = super().post_login(request, user, **kwargs)
        return response

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse and record what is too long for a password, before anything is hashed."""
        if len(str(credentials.get("password") or "")) > MAX_PASSWORD_LENGTH:
            record_refusal(request, Event.SIGN_IN_FAILED, reason="password_too_long")
            raise self.validation_error("email_password_mismatch")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Who has this address and password, while the limits on signing in allow to look."""
        buckets = list_buckets_of_sign_in(request, str(credentials.get("email") or ""))
        return self.authenticate_within(buckets, request, **credentials)

    def authenticate_within(
        self, buckets: list[Bucket], request: HttpRequest, **credentials: Any
    ) -> User | None:
        """Right passwords have a limit of their own; those nobody looked at count for nothing."""
        exhausted = take_tokens(buckets)
        refuse_if(exhausted, request)
        try:
            user: User | None = super().authenticate(request, **credentials)
        except HashingBusyError as error:
            give_tokens_back(buckets)
            raise ImmediateHttpResponse(refuse_while_busy(request)) from error
        if user is None:
            return None
        # What was taken before stays taken then, so that a loop is soon stopped before it hashes.
        refuse_if(take_tokens([(SIGN_IN_RIGHT, str(user.pk))]), request)
        give_tokens_back(buckets)
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record the attempt: under the person's own log when the address is known.

        The page says the same either way; only the log tells the two apart.
        """
        email = str(credentials.get("email") or "")
        user = User.objects.find_by_email(email)
        reason = "unknown_address"
        if user is not None:
            reason = "wrong_password" if user.is_active else "user_inactive"
        record_refusal(
            request, Event.SIGN_IN_FAILED, reason=reason, user_id=user.pk if user else None
        )
        super().authentication_failed(request, **credentials)

    def reauthenticate(self, user: User, password: str) -> bool:
        """Ask for the password again, in a bucket that only somebody signed in takes from."""
        buckets = [(REAUTHENTICATION, str(user.pk))]
        return user == self.authenticate_within(
            buckets, self.request, email=user.email, password=password
        )

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """The link goes to the address on the person, however somebody typed it."""
        super().send_password_reset_mail(user, user.email, context)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """To the address on the person as well; allauth's own table of addresses counts nowhere."""
        super().send_notification_mail(template_prefix, user, context, user.email)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link in a reset mail starts with our own address, whatever the request said."""
        uidb36, _, temporary = key.partition("-")
        path = reverse("account_reset_password_from_key", args=(uidb36, temporary))
        return f"{settings.PUBLIC_URL}{path}"

    def set_password(self, user: User, password: str) -> None:
        """Record a new password, chosen by a change or by a reset mail."""
        super().set_password(user, password)
        record_event(Event.PASSWORD_SET, origin=origin_of(self.request), user_id=user.pk)
        remember_browser(self.request, user)

    def logout(self, request: HttpRequest) -> None:
        """Record the sign-out, then end the session on the server.

        A long request of a client that the person goes back to as somebody else outlives it.
        """
        if request.user.is_authenticated:
            record_event(Event.SIGNED_OUT, origin=origin_of(request), user_id=request.user.pk)
        next_url = request.POST.get("next") or request.GET.get("next") or ""
        waiting = find_waiting_for(request.session, next_url)
        super().logout(request)
        carry_over(request.session, waiting)


def refuse_if(exhausted: Policy | None, request: HttpRequest) -> None:
    """Stop and record an attempt beyond a limit.

    Raises:
        ImmediateHttpResponse: a bucket of this policy was empty.
    """
    if exhausted is not None:
        refusal = refuse_attempt(request, exhausted, event=Event.SIGN_IN_FAILED)
        raise ImmediateHttpResponse(refusal)
