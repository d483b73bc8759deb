"""An OAuth client and the person in front of it, for tests: each step of the way over HTTP."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.http import HttpResponse
from django.test import Client as Browser

from accounts.models import Organization, User
from oauth_ext.authorization_request import AuthorizationRequest, Destination
from oauth_ext.models import Client
from oauth_ext.resources import resolve_resource

CALLBACK = "https://client.example/callback"
VERIFIER = "a-code-verifier-of-at-least-forty-three-characters"
RESOURCE = "http://127.0.0.1:8000/mcp"


def build_challenge(verifier: str = VERIFIER) -> str:
    """The S256 challenge of a verifier."""
    return (
        base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    )


def build_request(client: Client, scopes: tuple[str, ...]) -> AuthorizationRequest:
    """A request that the authorization endpoint would have accepted."""
    destination = Destination(client, client.redirect_uri_list[0], "")
    return AuthorizationRequest(destination, scopes, resolve_resource(()), build_challenge())


@dataclass
class OAuthClient:
    """Sends what it is told, so that a test can change one thing at a time."""

    http: Browser = field(
        default_factory=lambda: Browser(raise_request_exception=False, enforce_csrf_checks=True)
    )
    browser: Browser = field(
        default_factory=lambda: Browser(
            raise_request_exception=False,
            enforce_csrf_checks=True,
            headers={"Accept": "text/html"},
        )
    )
    client_id: str = ""

    def register(self, **metadata: Any) -> HttpResponse:
        """POST /register; keeps the client id of a success."""
        document = {"client_name": "Test client", "redirect_uris": [CALLBACK]} | metadata
        response = self.http.post("/register", json.dumps(document), "application/json")
        if response.status_code == 201:
            self.client_id = response.json()["client_id"]
        return response

    def authorization_url(self, **changes: Any) -> str:
        """/authorize with a good request; a change of None leaves the parameter out."""
        parameters: dict[str, Any] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": "read",
            "state": "a-state",
            "code_challenge": build_challenge(),
            "code_challenge_method": "S256",
            "resource": RESOURCE,
        } | changes
        kept = {name: value for name, value in parameters.items() if value is not None}
        return f"/authorize?{urlencode(kept, doseq=True)}"

    def sign_in(self, user: User) -> None:
        """The person signs in in this browser."""
        self.browser.force_login(user)

    def open_consent(self, **changes: Any) -> HttpResponse:
        """GET /authorize."""
        return self.browser.get(self.authorization_url(**changes))

    def decide(
        self,
        page: HttpResponse,
        organization: Organization | None,
        *,
        decision: str = "allow",
        scopes: tuple[str, ...] = ("read", "draft", "actions"),
        **changes: Any,
    ) -> HttpResponse:
        """Submit the consent page as the browser would."""
        fields = {
            "digest": find_input(page, "digest"),
            "csrfmiddlewaretoken": find_input(page, "csrfmiddlewaretoken"),
            "organization": str(organization.id) if organization else "",
            "scopes": list(scopes),
            "decision": decision,
        } | changes
        request = page.wsgi_request
        return self.browser.post(request.get_full_path(), fields)

    def obtain_code(self, user: User, organization: Organization, **changes: Any) -> str:
        """Sign in, allow, and read the code from the redirect."""
        self.sign_in(user)
        answer = self.decide(self.open_consent(**changes), organization)
        return read_redirect(answer)["code"]

    def token(self, **parameters: Any) -> HttpResponse:
        """POST /token; a parameter of None is left out."""
        fields = {"client_id": self.client_id} | parameters
        kept = {name: value for name, value in fields.items() if value is not None}
        return self.http.post(
            "/token", urlencode(kept, doseq=True), "application/x-www-form-urlencoded"
        )

    def exchange(self, code: str, **changes: Any) -> HttpResponse:
        """Redeem a code."""
        parameters: dict[str, Any] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            "resource": RESOURCE,
        } | changes
        return self.token(**parameters)

    def refresh(self, refresh_token: str, **changes: Any) -> HttpResponse:
        """Refresh."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **changes)

    def revoke(self, token: str, **changes: Any) -> HttpResponse:
        """POST /revoke."""
        fields = {"client_id": self.client_id, "token": token} | changes
        return self.http.post("/revoke", urlencode(fields), "application/x-www-form-urlencoded")

    def call(self, access_token: str, tool: str = "whoami", **arguments: Any) -> HttpResponse:
        """A tools/call of the legacy revision."""
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments},
        }
        return self.http.post(
            "/mcp",
            json.dumps(body),
            "application/json",
            headers={"Authorization": f"Bearer {access_token}"},
        )


def find_input(page: HttpResponse, name: str) -> str:
    """The value of a hidden field."""
    match = re.search(rf'name="{name}" value="([^"]*)"', page.content.decode())
    assert match, f"no field {name} on the page"
    return match[1]


def find_way_back(response: HttpResponse) -> str:
    """Where the browser is sent: by redirect, or by the link of the page for programs."""
    if response.status_code == 200:
        link = re.search(r'<a class="button[^>]*href="([^"]+)"', response.content.decode())
        assert link, response.content
        return unescape(link[1])
    assert response.status_code in (302, 303), response.content
    return response["Location"]


def read_redirect(response: HttpResponse) -> dict[str, str]:
    """The parameters that an answer carries back to the client."""
    query = parse_qs(urlsplit(find_way_back(response)).query, keep_blank_values=True)
    return {name: values[0] for name, values in query.items()}
