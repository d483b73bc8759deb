"""Clients that others wrote, on their own terms: no option loosens one of their checks.

``make clients`` installs and runs them. They meet the server of production over TLS, and the
person that they need signs in and allows in the pages.
"""

from collections.abc import Callable

import pytest
from django.utils import timezone

from activity.models import ActivityEvent
from tests.clients.conversation import talk
from tests.live.conftest import Resident
from tests.live.server import LiveServer

Decide = Callable[[str], str]


def test_oauth4webapi_accepts_every_response(server: LiveServer, decide: Decide) -> None:
    assert talk("oauth4webapi.mjs", server, decide) == [
        "WWW-Authenticate of the 401 (RFC 6750)",
        "protected resource metadata (RFC 9728)",
        "authorization server metadata (RFC 8414)",
        "no OpenID provider, said cleanly",
        "registration response (RFC 7591)",
        "authorization response with state and iss (RFC 9207)",
        "token response (RFC 6749, RFC 7636)",
        "JWT access token against the key set (RFC 9068)",
        "protected resource request",
        "refresh with rotation (RFC 6749 §6)",
        "revocation, and nothing works afterwards (RFC 7009)",
    ]


def test_openid_client_accepts_every_response(server: LiveServer, decide: Decide) -> None:
    assert talk("openid-client.mjs", server, decide) == [
        "no OpenID provider, said cleanly",
        "authorization server metadata and registration (RFC 8414, RFC 7591)",
        "authorization response, code and PKCE (RFC 9207, RFC 7636)",
        "protected resource request",
        "refresh with rotation (RFC 6749 §6)",
        "revocation, and nothing works afterwards (RFC 7009)",
    ]


# The first generation refreshes when it should ask for more, so its people connect it again.
ASKED_FOR_MORE = "asked the person for more by itself"
CONNECTED_AGAIN = "went on with what it had, and was connected again for more"
CANNOT_BE_ASKED = "told that it cannot be asked"
ANSWERED = "a question answered in the middle of a call"


@pytest.mark.parametrize(
    ("sdk", "asking", "more"),
    [
        ("typescript-sdk-1", CANNOT_BE_ASKED, CONNECTED_AGAIN),
        ("typescript-sdk-2", CANNOT_BE_ASKED, ASKED_FOR_MORE),
        ("typescript-sdk-2-modern", ANSWERED, ASKED_FOR_MORE),
    ],
)
def test_the_typescript_sdk_connects_itself_from_the_pasted_url(
    server: LiveServer, decide_more: Decide, sdk: str, asking: str, more: str
) -> None:
    begun = timezone.now()
    assert talk(f"{sdk}.mjs", server, decide_more) == [
        "connected from the pasted URL",
        "tools listed and called",
        "a tool's error read",
        "progress heard",
        asking,
        "refreshed by itself after a 401",
        "refreshed by itself after an hour",
        more,
        "used what the person had added",
    ]
    # The token that it was given back had really expired.
    assert ActivityEvent.objects.filter(reason="jwt_expired", at__gte=begun).exists()


def test_the_pages_behind_them_had_the_cookies_of_production(
    server: LiveServer, decide: Decide, settled: Resident
) -> None:
    talk("openid-client.mjs", server, decide)
    cookies = {cookie.name: cookie for cookie in settled.browser.browser.cookies.jar}
    assert set(cookies) == {"__Host-sessionid", "__Host-csrftoken", "__Host-knownbrowser"}
    assert all(cookie.secure and cookie.path == "/" for cookie in cookies.values())
