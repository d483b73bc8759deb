"""What must hold between settings for the API to be safe; run by ``manage.py check``."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

MIDDLEWARE = "rest_api.middleware.ApiMiddleware"
PAGE_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"


@register("api")
def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """The API is answered before sessions exist, so that no cookie can ever authenticate a call."""
    order = list(settings.MIDDLEWARE)
    if MIDDLEWARE in order and (
        PAGE_MIDDLEWARE not in order or order.index(MIDDLEWARE) < order.index(PAGE_MIDDLEWARE)
    ):
        return []
    return [
        Error(f"{MIDDLEWARE} must be in MIDDLEWARE, above {PAGE_MIDDLEWARE}.", id="rest_api.E001")
    ]
