"""Sign-in, sign-out and password reset, by allauth. No cache keeps any of these pages."""

from allauth.account import views
from django.urls import path, re_path
from django.views.decorators.cache import never_cache

from accounts.form_limits import (
    limit_posts,
    list_buckets_of_change,
    list_buckets_of_reset,
    list_buckets_of_reset_link,
)
from accounts.opener import keep_opener

urlpatterns = [
    path("login", keep_opener(never_cache(views.login)), name="account_login"),
    path("logout", keep_opener(never_cache(views.logout)), name="account_logout"),
    path("signup", never_cache(views.signup), name="account_signup"),
    path("inactive", never_cache(views.account_inactive), name="account_inactive"),
    path("reauthenticate", never_cache(views.reauthenticate), name="account_reauthenticate"),
    path(
        "password/change",
        never_cache(limit_posts(views.password_change, list_buckets_of_change)),
        name="account_change_password",
    ),
    path(
        "password/reset",
        never_cache(limit_posts(views.password_reset, list_buckets_of_reset)),
        name="account_reset_password",
    ),
    path(
        "password/reset/done",
        never_cache(views.password_reset_done),
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)$",
        never_cache(limit_posts(views.password_reset_from_key, list_buckets_of_reset_link)),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done",
        never_cache(views.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
]
