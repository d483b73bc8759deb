"""Deployment checks of the whole: addresses, what browsers are told, mail, demo people."""

import ipaddress
import os
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.db import connections

from accounts.models import User
from docjacket_mcp.quickstart_banner import DEMO_PASSWORD, DEMO_PEOPLE

# One year, which preload lists ask for as well.
MIN_HSTS_SECONDS = 31_536_000
OUTERMOST = (
    "docjacket_mcp.proxy_headers.ProxyHeadersMiddleware",
    "docjacket_mcp.response_headers.ResponseHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "activity.middleware.ReferenceMiddleware",
)
LOCAL_MAIL = ("console", "dummy", "locmem", "filebased")
REFERRER_POLICIES = ("no-referrer", "same-origin")


@register(Tags.security, deploy=True)
def check_address(**kwargs: Any) -> list[CheckMessage]:
    """What clients are bound to is https."""
    if settings.ISSUER == settings.PUBLIC_URL and settings.ISSUER.startswith("https://"):
        return []
    return [Error("The issuer is not an https PUBLIC_URL.", id="docjacket_mcp.E001")]


@register(Tags.security, deploy=True)
def check_debug(**kwargs: Any) -> list[CheckMessage]:
    """DEBUG shows settings and source to whoever provokes an error."""
    return [Error("DEBUG is on.", id="docjacket_mcp.E002")] if settings.DEBUG else []


@register(Tags.security, deploy=True)
def check_hosts(**kwargs: Any) -> list[CheckMessage]:
    """Each host is named, and none is taken from a header that anybody can send."""
    problems: list[CheckMessage] = []
    if any(host == "*" or host.startswith(".") for host in settings.ALLOWED_HOSTS):
        problems.append(
            Error(
                "ALLOWED_HOSTS has a wildcard.",
                hint="Name each host in EXTRA_ALLOWED_HOSTS.",
                id="docjacket_mcp.E003",
            )
        )
    if settings.USE_X_FORWARDED_HOST or settings.USE_X_FORWARDED_PORT:
        problems.append(
            Error("The host is read from X-Forwarded-Host or -Port.", id="docjacket_mcp.E004")
        )
    return problems


@register(Tags.security, deploy=True)
def check_content_security(**kwargs: Any) -> list[CheckMessage]:
    """No policy allows inline script, any source, or a frame around us."""
    policies = {
        "CONTENT_SECURITY_POLICY": settings.CONTENT_SECURITY_POLICY["DIRECTIVES"],
        "ADMIN_CONTENT_SECURITY_POLICY": settings.ADMIN_CONTENT_SECURITY_POLICY,
    }
    return [
        Error(f"{name} allows what it is there to forbid.", id="docjacket_mcp.E005")
        for name, policy in policies.items()
        if not is_strict(policy)
    ]


def is_strict(policy: dict[str, list[str]]) -> bool:
    """Whether nothing unsafe is allowed and what has no default is set."""
    sources = [str(source) for values in policy.values() for source in values]
    is_safe = not any("unsafe" in source or source in ("*", "https:") for source in sources)
    return (
        is_safe
        and "default-src" in policy
        and [str(source) for source in policy.get("frame-ancestors", [])] == ["'none'"]
        and [str(source) for source in policy.get("base-uri", [])] == ["'none'"]
    )


@register(Tags.security, deploy=True)
def check_browser_headers(**kwargs: Any) -> list[CheckMessage]:
    """Framing, sniffing, referrers and TLS, on every answer."""
    problems: list[CheckMessage] = []
    if tuple(settings.MIDDLEWARE[: len(OUTERMOST)]) != OUTERMOST:
        problems.append(
            Error(
                "Some answers would lack the security headers.",
                hint=f"MIDDLEWARE must begin with {', '.join(OUTERMOST)}.",
                id="docjacket_mcp.E006",
            )
        )
    if settings.X_FRAME_OPTIONS != "DENY" or not settings.SECURE_CONTENT_TYPE_NOSNIFF:
        problems.append(
            Error("Framing or sniffing of content types is allowed.", id="docjacket_mcp.E007")
        )
    if settings.SECURE_REFERRER_POLICY not in REFERRER_POLICIES:
        problems.append(
            Error(
                "SECURE_REFERRER_POLICY tells other sites where people come from.",
                id="docjacket_mcp.E008",
            )
        )
    if settings.SECURE_HSTS_SECONDS < MIN_HSTS_SECONDS:
        problems.append(Error("SECURE_HSTS_SECONDS is under a year.", id="docjacket_mcp.E009"))
    return problems


@register(Tags.security, deploy=True)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Something terminates TLS in front of us, and only it can reach us."""
    hops = settings.TRUSTED_PROXY_HOPS
    if hops < 0 or hops > 5:
        return [Error("TRUSTED_PROXY_HOPS must be 0 to 5.", id="docjacket_mcp.E010")]
    if hops == 0:
        return [
            Warning(
                "TRUSTED_PROXY_HOPS is 0, but a proxy must terminate TLS: everybody would count "
                "as one address, and no answer would be known to go over TLS.",
                hint="Set it to the number of your proxies.",
                id="docjacket_mcp.W001",
            )
        ]
    if is_open(os.environ.get("BIND") or "127.0.0.1"):
        return [
            Info(
                "BIND is every interface: whoever reaches the port past the proxy can claim any "
                "address.",
                hint="Let only the proxy reach it.",
                id="docjacket_mcp.I001",
            )
        ]
    return []


def is_open(bind: str) -> bool:
    """Whether gunicorn would listen on every interface."""
    host = bind.rpartition(":")[0].strip("[]") if ":" in bind else bind
    try:
        return ipaddress.ip_address(host or "0.0.0.0").is_unspecified  # noqa: S104
    except ValueError:
        return False


@register(Tags.security, deploy=True)
def check_mail(**kwargs: Any) -> list[CheckMessage]:
    """Reset links and theft notices reach people."""
    if not any(f".{kind}." in settings.EMAIL_BACKEND for kind in LOCAL_MAIL):
        return []
    return [
        Error("EMAIL_URL: mails would not leave this host.", id="docjacket_mcp.E011"),
    ]


@register(Tags.database, deploy=True)
def check_demo_people(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Nobody can sign in with a password that is public."""
    problems: list[CheckMessage] = []
    for alias in databases or ():
        if User._meta.db_table not in connections[alias].introspection.table_names():
            continue
        people = User.objects.using(alias).filter(email__in=[email for email, _ in DEMO_PEOPLE])
        problems += [
            Error(
                f"{person.email} has the demo password.",
                hint="Delete the demo people in the admin, or change their passwords.",
                id="docjacket_mcp.E012",
            )
            for person in people
            if person.is_active and person.check_password(DEMO_PASSWORD)
        ]
    return problems
