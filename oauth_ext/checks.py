"""Deployment checks (``manage.py check --deploy``): the posture that a reviewer relies on."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from oauth_ext.keys import get_key_ring

MAX_REFRESH_WINDOW = 600


@register(Tags.security, deploy=True)
def check_quick_start(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The quick start has generated secrets, plain http and public demo passwords."""
    if not settings.QUICK_START:
        return []
    return [Error("QUICK_START is on.", hint="Unset it in production.", id="oauth_ext.E001")]


@register(Tags.security, deploy=True)
def check_document_loopback(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Client documents from this machine would reach its internal services."""
    if not settings.CIMD_ALLOW_LOOPBACK:
        return []
    return [Error("CIMD_ALLOW_LOOPBACK is on.", hint="Unset it.", id="oauth_ext.E010")]


@register(Tags.security, deploy=True)
def check_signing_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without a readable current key no token can be signed."""
    try:
        get_key_ring()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Set SIGNING_KEYS_DIR.", id="oauth_ext.E002")]
    return []


@register(Tags.security, deploy=True)
def check_lifetimes(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Lifetimes that would make revocation or theft detection meaningless."""
    problems: list[CheckMessage] = []
    if not 0 <= settings.REFRESH_WINDOW <= MAX_REFRESH_WINDOW:
        problems.append(
            Error("REFRESH_WINDOW must be 0 to 600 seconds.", id="oauth_ext.E003"),
        )
    if not 60 <= settings.ACCESS_TOKEN_TTL <= 86_400:
        problems.append(
            Error("ACCESS_TOKEN_TTL must be a minute to a day, in seconds.", id="oauth_ext.E004"),
        )
    if settings.REFRESH_TOKEN_TTL > settings.TOKEN_FAMILY_TTL:
        problems.append(
            Error("REFRESH_TOKEN_TTL is longer than TOKEN_FAMILY_TTL.", id="oauth_ext.E005"),
        )
    return problems
