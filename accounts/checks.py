"""Deployment checks of sign-in: cookies, passwords and limits."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import get_hasher
from django.core.checks import CheckMessage, Error, Tags, Warning, register

# OWASP's minimum for Argon2id with one lane: KiB and passes.
MIN_MEMORY_COST = 19_456
MIN_TIME_COST = 2
LONGEST_SESSION = 24 * 3600
NARROWEST_NETWORK = {4: 16, 6: 32}


@register(Tags.security, deploy=True)
def check_cookies(**kwargs: Any) -> list[CheckMessage]:
    """Bound to this very host, out of reach for scripts, never sent in the clear."""
    problems: list[CheckMessage] = []
    for kind in ("SESSION", "CSRF"):
        prefix = f"{kind}_COOKIE"
        is_good = (
            getattr(settings, f"{prefix}_NAME").startswith("__Host-")
            and getattr(settings, f"{prefix}_SECURE")
            and getattr(settings, f"{prefix}_HTTPONLY")
            and getattr(settings, f"{prefix}_SAMESITE") == "Lax"
            and getattr(settings, f"{prefix}_DOMAIN") is None
            and getattr(settings, f"{prefix}_PATH") == "/"
        )
        if not is_good:
            problems.append(
                Error(
                    f"{prefix}: it must be named __Host-…, Secure, HttpOnly and SameSite=Lax, "
                    "for / and without a domain.",
                    id="accounts.E001",
                )
            )
    return problems


@register(Tags.security, deploy=True)
def check_sessions(**kwargs: Any) -> list[CheckMessage]:
    """A session that is left open ends within a day."""
    if 0 < settings.SESSION_COOKIE_AGE <= LONGEST_SESSION:
        return []
    return [Warning("SESSION_COOKIE_AGE is more than a day.", id="accounts.W001")]


@register(Tags.security, deploy=True)
def check_hashing(**kwargs: Any) -> list[CheckMessage]:
    """New passwords are hashed with Argon2id, at least at OWASP's minimum."""
    hasher: Any = get_hasher()
    is_good = (
        hasher.algorithm == "argon2"
        and hasher.memory_cost >= MIN_MEMORY_COST
        and hasher.time_cost >= MIN_TIME_COST
    )
    if is_good:
        return []
    return [
        Error(
            "PASSWORD_HASHERS: the first must be Argon2id with at least 19 MiB and two passes.",
            id="accounts.E002",
        )
    ]


@register(Tags.security, deploy=True)
def check_password_length(**kwargs: Any) -> list[CheckMessage]:
    """New passwords are neither short nor too long to hash."""
    names = {entry["NAME"].rpartition(".")[2] for entry in settings.AUTH_PASSWORD_VALIDATORS}
    missing = {"MinimumLengthValidator", "MaximumLengthValidator"} - names
    if not missing:
        return []
    return [
        Error(f"AUTH_PASSWORD_VALIDATORS lacks {', '.join(sorted(missing))}.", id="accounts.E003")
    ]


@register(Tags.security, deploy=True)
def check_limits(**kwargs: Any) -> list[CheckMessage]:
    """What is limited is counted once for all processes."""
    if settings.ACCOUNT_RATE_LIMITS is False:
        return []
    return [
        Error(
            "ACCOUNT_RATE_LIMITS is on: allauth counts in a cache, which processes need not share.",
            hint="Leave it False; accounts.limits counts in the database.",
            id="accounts.E004",
        )
    ]


@register(Tags.security, deploy=True)
def check_hosted_assistants(**kwargs: Any) -> list[CheckMessage]:
    """Wider limits are for a few networks, not for everybody."""
    return [
        Warning(
            f"HOSTED_ASSISTANT_NETWORKS: {network} is very many people's.",
            hint="Name the networks that the assistants publish.",
            id="accounts.W002",
        )
        for network in settings.HOSTED_ASSISTANT_NETWORKS
        if network.prefixlen < NARROWEST_NETWORK[network.version]
    ]
