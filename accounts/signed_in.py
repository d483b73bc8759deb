"""The person behind a request that a sign-in guard has let through, and since when."""

import time

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest

from accounts.models import User


def signed_in_user(request: HttpRequest) -> User:
    """The signed-in user; only for views that anonymous visitors cannot reach."""
    user = request.user
    assert isinstance(user, User)
    return user


def is_sign_in_stale(request: HttpRequest) -> bool:
    """Whether the password was last given longer ago than a sensitive step allows."""
    given_at = [record["at"] for record in get_authentication_records(request, request.user)]
    limit = settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return not given_at or time.time() - max(given_at) >= limit
