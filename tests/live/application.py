"""An application of a person's: a public OAuth client that talks to the live server by hand.

What the SDK does for the journey is done here step by step, so that a race can be started at any
of the steps.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.live.person import Person
from tests.live.server import LiveServer
from tests.live.wire import Answer, Prepared, Wire, prepare_form, prepare_json
from tests.oauth_client import CALLBACK, VERIFIER, build_challenge

ACCEPT = "application/json, text/event-stream"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token response carried."""

    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Application:
    """A registered client."""

    server: LiveServer
    name: str
    client_id: str

    @classmethod
    def register(cls, server: LiveServer, name: str) -> "Application":
        """Register dynamically; the name makes it a new one."""
        with Wire(server.address) as wire:
            answer = wire.post(prepare_registration(name))
        assert answer.status == 201, answer
        return cls(server, name, answer.document["client_id"])

    def wire(self) -> Wire:
        """A connection of its own, for one thread."""
        return Wire(self.server.address)

    # --- connecting ---------------------------------------------------------------------------

    def build_authorization_url(self, scope: str = "read") -> str:
        """Where the person's browser is sent."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": scope,
            "state": "a-state",
            "code_challenge": build_challenge(),
            "code_challenge_method": "S256",
            "resource": self.server.mcp_url,
        }
        return f"{self.server.url}/authorize?{urlencode(query)}"

    def obtain_code(self, person: Person, organization: str, scope: str = "read") -> str:
        """The person allows it; the code that comes back."""
        location = person.allow(
            self.build_authorization_url(scope), organization, tuple(scope.split())
        )
        return read_code(location)

    def connect(self, person: Person, organization: str, scope: str = "read") -> Tokens:
        """The whole way to a new token family."""
        code = self.obtain_code(person, organization, scope)
        with self.wire() as wire:
            return read_tokens(self.exchange(wire, code))

    # --- single requests ------------------------------------------------------------------------

    def exchange(self, wire: Wire, code: str, verifier: str = VERIFIER) -> Answer:
        """Redeem a code."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "client_id": self.client_id,
            "code_verifier": verifier,
            "resource": self.server.mcp_url,
        }
        return wire.post(prepare_form("/token", fields.items()))

    def prepare_refresh(self, refresh_token: str) -> Prepared:
        """A refresh."""
        fields = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.client_id,
            "resource": self.server.mcp_url,
        }
        return prepare_form("/token", fields.items())

    def refresh(self, wire: Wire, refresh_token: str) -> Answer:
        """Refresh."""
        return wire.post(self.prepare_refresh(refresh_token))

    def revoke(self, wire: Wire, token: str) -> Answer:
        """Give up a token."""
        fields = {"client_id": self.client_id, "token": token}
        return wire.post(prepare_form("/revoke", fields.items()))

    def call(self, wire: Wire, access_token: str) -> Answer:
        """Call whoami."""
        return wire.post(prepare_call(access_token))


def prepare_call(access_token: str) -> Prepared:
    """A call of whoami."""
    document: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "whoami", "arguments": {}},
    }
    headers = {"Authorization": f"Bearer {access_token}", "Accept": ACCEPT}
    return prepare_json("/mcp", document, headers)


def prepare_registration(name: str) -> Prepared:
    """A registration; the same name means the same client."""
    return prepare_json("/register", {"client_name": name, "redirect_uris": [CALLBACK]})


def read_code(location: str) -> str:
    """The code in the address that the browser was sent to."""
    answer = dict(parse_qsl(urlsplit(location).query))
    assert location.startswith(f"{CALLBACK}?") and "code" in answer, location
    return answer["code"]


def read_tokens(answer: Answer) -> Tokens:
    """The tokens of a success."""
    assert answer.status == 200, answer
    document = answer.document
    return Tokens(document["access_token"], document["refresh_token"])
