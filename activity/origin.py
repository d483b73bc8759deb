"""Where a request came from, as every row of the log tells it."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

from activity.redaction import MAX_EXAMINED, clean_text
from activity.references import new_reference

USER_AGENT_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Origin:
    """One request's reference, network address and self-reported user agent."""

    reference: str
    ip: str | None = None
    user_agent: str = ""


def origin_of(request: HttpRequest) -> Origin:
    """The origin of a request; its reference was drawn by the first middleware."""
    return Origin(
        reference=getattr(request, "reference", None) or new_reference(),
        ip=find_client_address(request),
        user_agent=clean_user_agent(request.META.get("HTTP_USER_AGENT", "")),
    )


def find_client_address(request: HttpRequest) -> str | None:
    """The peer's address, or the hop that the configured number of our own proxies vouch for.

    ``X-Forwarded-For`` is anybody's to write; only entries added by trusted proxies count.
    """
    candidate = request.META.get("REMOTE_ADDR", "")
    hops = settings.TRUSTED_PROXY_HOPS
    if hops:
        header = request.META.get("HTTP_X_FORWARDED_FOR", "")
        forwarded = header.split(",") if header.strip() else []
        if len(forwarded) >= hops:
            candidate = forwarded[-hops].strip()
    return parse_address(candidate)


@lru_cache(1024)
def parse_address(text: str) -> str | None:
    """An address in its one spelling: without a port or zone, IPv4 never dressed up as IPv6.

    Every IPv4 address mapped into IPv6 lies in one /64; left alone, they would share one limit.
    """
    host = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def name_network(ip: str | None) -> str:
    """The network an address is in, not the address: an IPv4 /24 or an IPv6 /64; empty if none."""
    if ip is None:
        return ""
    prefix = 24 if ipaddress.ip_address(ip).version == 4 else 64
    return str(ipaddress.ip_network((ip, prefix), strict=False))


def clean_user_agent(text: str) -> str:
    """Printable, without secrets, at most 256 characters: a stranger's text in our log."""
    text = text[:MAX_EXAMINED]
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else "�" for letter in text)
    return clean_text(text)[:USER_AGENT_LIMIT]
