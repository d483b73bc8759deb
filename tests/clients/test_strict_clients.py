"""Clients that others wrote, on their own terms: no option loosens one of their checks.

``make clients`` installs and runs them. They meet the server of production over TLS, and the
person that they need signs in and allows in the pages.
"""

from collections.abc import Callable

import pytest

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


@pytest.mark.parametrize("sdk", ["typescript-sdk-1", "typescript-sdk-2", "typescript-sdk-2-modern"])
def test_the_typescript_sdk_connects_itself_from_the_pasted_url(
    server: LiveServer, decide: Decide, sdk: str
) -> None:
    assert talk(f"{sdk}.mjs", server, decide) == [
        "connected from the pasted URL",
        "tools listed and called",
        "refreshed by itself after a 401",
    ]


def test_the_pages_behind_them_had_the_cookies_of_production(
    server: LiveServer, decide: Decide, settled: Resident
) -> None:
    talk("openid-client.mjs", server, decide)
    cookies = {cookie.name: cookie for cookie in settled.browser.browser.cookies.jar}
    assert set(cookies) == {"__Host-sessionid", "__Host-csrftoken", "__Host-knownbrowser"}
    assert all(cookie.secure and cookie.path == "/" for cookie in cookies.values())
