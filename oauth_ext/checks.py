"""Deployment checks (``manage.py check --deploy``): the posture that a reviewer relies on."""

import stat
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from oauth_ext.keys import NAMES, get_key_ring
from oauth_ext.redirect_uris import ForbiddenRedirectUriError, Kind, parse_redirect_uri

MAX_REFRESH_WINDOW = 600
LONGEST_FAMILY = 366 * 86_400
LONGEST_CODE = 600
# A random secret of 32 characters has about 25 different ones.
FEWEST_CHARACTERS = 12
SAMPLES = ("changeme", "change-me", "django-insecure", "example", "password", "sample", "your-")
VALIDATOR = "oauth_ext.request_validator.RequestValidator"
# What the toolkit must not do or offer by itself, whatever a later version's default is.
TOOLKIT = {
    "OAUTH2_VALIDATOR_CLASS": VALIDATOR,
    "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OAUTH2_GRANT_TYPES_SUPPORTED": ["authorization_code", "refresh_token"],
    "PKCE_REQUIRED": True,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "DCR_ENABLED": False,
    "CIMD_ENABLED": False,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}


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
    return [Error("CIMD_ALLOW_LOOPBACK is on.", hint="Unset it.", id="oauth_ext.E012")]


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
    if not 0 < settings.AUTHORIZATION_CODE_TTL <= LONGEST_CODE:
        problems.append(
            Error("AUTHORIZATION_CODE_TTL must be at most ten minutes.", id="oauth_ext.E006")
        )
    if settings.TOKEN_FAMILY_TTL > LONGEST_FAMILY:
        problems.append(
            Warning(
                "TOKEN_FAMILY_TTL is over a year: a forgotten connection lives that long.",
                id="oauth_ext.W001",
            )
        )
    return problems


@register(Tags.security, deploy=True)
def check_key_files(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Whoever reads a signing key can sign tokens."""
    problems: list[CheckMessage] = []
    for name in NAMES:
        path = settings.SIGNING_KEYS_DIR / f"{name}.pem"
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO:
            problems.append(
                Error(
                    f"{path.name} can be read by every account of this host.",
                    hint=f"chmod 600 {path}",
                    id="oauth_ext.E007",
                )
            )
    return problems


@register(Tags.security, deploy=True)
def check_secrets(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """No secret can be guessed, and none does the work of two."""
    secrets = {
        "SECRET_KEY": [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS],
        "TOKEN_PEPPER": [settings.TOKEN_PEPPER, *settings.TOKEN_PEPPER_FALLBACKS],
    }
    problems: list[CheckMessage] = [
        Error(
            f"{name} or one of its fallbacks is short, a sample, or far from random.",
            hint="python -c 'import secrets; print(secrets.token_urlsafe(48))'",
            id="oauth_ext.E008",
        )
        for name, values in secrets.items()
        if any(is_guessable(value) for value in values)
    ]
    values = list(chain.from_iterable(secrets.values()))
    if len(set(values)) < len(values):
        problems.append(
            Error(
                "SECRET_KEY, TOKEN_PEPPER and their fallbacks must all be different.",
                id="oauth_ext.E009",
            )
        )
    return problems


def is_guessable(secret: str) -> bool:
    """Whether a secret is too short, has few different characters, or is somebody's sample."""
    lowered = secret.lower()
    return (
        len(secret) < 32
        or len(set(secret)) < FEWEST_CHARACTERS
        or any(sample in lowered for sample in SAMPLES)
    )


@register(Tags.security, deploy=True)
def check_private_use_uris(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Each allowed private-use redirect URI is one that leads to a program of the person's."""
    return [
        Error(
            f"PRIVATE_USE_REDIRECT_URIS: {uri!r} must not be registered.",
            hint="Name exact URIs with a scheme of the client's own.",
            id="oauth_ext.E010",
        )
        for uri in settings.PRIVATE_USE_REDIRECT_URIS
        if not is_private_use(uri)
    ]


def is_private_use(uri: str) -> bool:
    """Whether registration would take it for a private-use URI."""
    try:
        kind = parse_redirect_uri(uri, private_use=frozenset({uri}))
    except ForbiddenRedirectUriError:
        return False
    return kind is Kind.PRIVATE_USE and "*" not in uri


@register(Tags.security, deploy=True)
def check_toolkit(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The toolkit offers nothing beside our own endpoints, and every gate of RFC 9700 is shut."""
    return [
        Error(f"OAUTH2_PROVIDER[{name!r}] must be {wanted!r}.", id="oauth_ext.E011")
        for name, wanted in TOOLKIT.items()
        if settings.OAUTH2_PROVIDER.get(name) != wanted
    ]
