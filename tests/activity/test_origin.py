"""Where a request came from: our own proxies are believed, and nobody else."""

from typing import Any

import pytest
from django.test import RequestFactory

from activity.events import Event
from activity.models import ActivityEvent
from activity.noise import name_source
from activity.origin import origin_of
from activity.recorder import record_event


def ip_of(remote: str, forwarded: str | None = None) -> str | None:
    """The address that the log would name."""
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return origin_of(RequestFactory().get("/", REMOTE_ADDR=remote, headers=headers)).ip


@pytest.mark.parametrize(
    ("hops", "forwarded", "ip"),
    [
        (0, None, "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),
        (1, None, "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6,7.7.7.7,  203.0.113.9 ", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 198.51.100.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "2001:DB8:0:0::1", "2001:db8::1"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "not an address", None),
        (1, "203.0.113.9, unknown", None),
        (1, "203.0.113.9, ' OR 1=1", None),
        (1, "203.0.113.9,", None),
        (1, "127.1", None),
        (1, "1" * 5000, None),
    ],
)
def test_only_what_trusted_proxies_added_counts(
    settings: Any, hops: int, forwarded: str | None, ip: str | None
) -> None:
    settings.TRUSTED_PROXY_HOPS = hops
    assert ip_of("192.0.2.1", forwarded) == ip


@pytest.mark.parametrize(
    ("remote", "ip"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        ("unix:", None),
    ],
)
def test_the_peers_address_has_one_spelling(remote: str, ip: str | None) -> None:
    assert ip_of(remote) == ip


@pytest.mark.parametrize(
    ("ip", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.2", "192.0.2.2"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        (None, "unknown"),
    ],
)
def test_a_source_is_an_address_or_the_64_of_a_customer(ip: str | None, source: str) -> None:
    assert name_source(ip) == source


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("curl/8", "curl/8"),
        ("x" * 1000, "x" * 256),
        ("a\x00b\x1b[31m\r\n", "a\ufffdb\ufffd[31m\ufffd\ufffd"),
        ("bidi \u202e", "bidi \ufffd"),
        ("", ""),
    ],
)
def test_a_user_agent_is_printable_and_short(sent: str, kept: str) -> None:
    origin = origin_of(RequestFactory().get("/", HTTP_USER_AGENT=sent))
    assert origin.user_agent == kept


@pytest.mark.django_db
@pytest.mark.parametrize("remote", ["192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0", "::1", "x"])
def test_every_origin_can_be_recorded(remote: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_USER_AGENT="\ud800\x00" * 300)
    origin = origin_of(request)
    record_event(Event.SIGNED_IN, origin=origin)
    assert ActivityEvent.objects.with_reference(origin.reference).get().ip == origin.ip
