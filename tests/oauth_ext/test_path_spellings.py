"""Odd spellings of our paths: whatever a proxy in front makes of them, no view answers."""

import pytest

from oauth_ext.models import Client
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db

PATHS = ["/token", "/register", "/revoke", "/authorize", "/mcp", "/settings/ai-access"]
SPELLINGS = [
    lambda path: f"/{path}",
    lambda path: f"/x/..{path}",
    lambda path: f"/.{path}",
    lambda path: f"/%2F{path[1:]}",
    lambda path: f"{path};x=1",
    lambda path: path.upper(),
    lambda path: f"{path}%00",
    lambda path: f"{path}\\",
]


@pytest.mark.case(10)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("spelling", range(len(SPELLINGS)))
def test_a_path_spelled_another_way_reaches_no_view(
    oauth: OAuthClient, path: str, spelling: int
) -> None:
    odd = SPELLINGS[spelling](path)
    for method in ("GET", "POST"):
        answer = oauth.http.generic(method, "/", b"{}", "application/json", PATH_INFO=odd)
        # Without a CSRF token a POST to an unknown path is refused before anybody looks for it.
        assert answer.status_code in ((404,) if method == "GET" else (403, 404)), odd
        assert "Location" not in answer
        assert "WWW-Authenticate" not in answer
        assert answer.json()["reference"] == answer["Reference-Id"]
    assert not Client.objects.exists()


def test_the_neighbours_of_those_spellings_are_served(oauth: OAuthClient) -> None:
    statuses = {path: oauth.http.get(path).status_code for path in PATHS}
    assert statuses == {
        "/token": 405,
        "/register": 405,
        "/revoke": 405,
        "/authorize": 400,
        "/mcp": 401,
        "/settings/ai-access": 302,
    }
