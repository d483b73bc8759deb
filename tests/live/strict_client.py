"""Walks one row of ``client_habits.py`` against the live server, as strict as real clients are.

A client stops at the first thing it doesn't like, so each step asserts what the strictest one
checks: status, content type, issuer, resource, ``iss``, ``state``, and no cookie anywhere.
"""

import base64
import json
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.live.client_habits import (
    BOTH_TYPES,
    FROM_CHALLENGE,
    Found,
    Habits,
    Opening,
)
from tests.live.wire import Answer, Prepared, Wire, prepare_form, prepare_json
from tests.mcp_client import MODERN_META, NAME_MEMBERS
from tests.oauth_client import build_challenge
from tests.oauth_ext.real_clients import REAL_CLIENTS

CHALLENGE_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')
JSON = "application/json"


@dataclass
class StrictClient:
    """One installation of a client; ``wire`` goes to the server of the pasted URL.

    With a ``client_id`` from the start it is the client of a document, and registers nothing.
    """

    habits: Habits
    mcp_url: str
    wire: Wire
    client_id: str = ""
    found: Found = field(init=False)
    tokens: dict[str, Any] = field(default_factory=dict)
    redirect_uri: str = field(init=False)
    verifier: str = field(init=False)

    def __post_init__(self) -> None:
        port = 49152 + secrets.randbelow(16000)
        by_document = self.client_id and self.habits.document_redirect_uri
        self.redirect_uri = (by_document or self.habits.redirect_uri).format(port=port)
        self.verifier = secrets.token_urlsafe(96)[: self.habits.verifier_length]

    # --- discovery ------------------------------------------------------------------------------

    def discover(self) -> None:
        """From the first 401 to both documents, or to none that an older client knows of."""
        challenge = self.read_challenge(self.probe())
        resource: dict[str, Any] = {}
        if self.habits.resource_metadata:
            resource = self.fetch_first(
                challenge["resource_metadata"] if path == FROM_CHALLENGE else path
                for path in self.habits.resource_metadata
            )
            # Byte for byte what was pasted: Gemini CLI and VS Code stop otherwise.
            assert resource["resource"] == self.mcp_url
            assert resource["bearer_methods_supported"] == ["header"]
        server = self.fetch_first(iter(self.habits.server_metadata))
        origin = self.mcp_url.removesuffix("/mcp")
        # RFC 8414 §3.3: identical, and to the resource's first authorization server as well.
        assert server["issuer"] == resource.get("authorization_servers", [origin])[0] == origin
        assert "S256" in server["code_challenge_methods_supported"]
        assert "none" in server["token_endpoint_auth_methods_supported"]
        assert {"authorization_code", "refresh_token"} <= set(server["grant_types_supported"])
        for name in ("authorize", "token", "register"):
            # Where clients that ignore the metadata look as well.
            assert f"{origin}/{name}" in server.values()
        self.found = Found(self.mcp_url, challenge, resource, server)

    def probe(self) -> Answer:
        """The first request, without a token."""
        if self.habits.probes_with_get:
            return self.get("/mcp", {"Accept": "text/event-stream"})
        return self.open()

    def read_challenge(self, answer: Answer) -> dict[str, str]:
        """RFC 6750 §3.1: without credentials no error code; RFC 9728 §5.1."""
        assert answer.status == 401, answer
        assert answer.headers["content-type"] == JSON
        header = answer.headers["www-authenticate"]
        assert header.startswith("Bearer ")
        challenge = dict(CHALLENGE_PARAMETER.findall(header))
        assert set(challenge) == {"resource_metadata", "scope"}
        assert challenge["resource_metadata"].startswith(self.mcp_url.removesuffix("mcp"))
        return challenge

    def fetch_first(self, addresses: Any) -> dict[str, Any]:
        """The first document there is; whatever isn't there must be a clean 404."""
        for address in addresses:
            answer = self.get(urlsplit(address).path, self.discovery_headers())
            assert answer.headers["content-type"] == JSON, (address, answer)
            if answer.status == 200:
                document: dict[str, Any] = answer.document
                return document
            assert answer.status == 404, (address, answer)
        raise AssertionError("no metadata anywhere")

    def discovery_headers(self) -> dict[str, str]:
        """Some send no header at all."""
        version = self.habits.version_header
        return {**self.habits.headers, **({"MCP-Protocol-Version": version} if version else {})}

    # --- registration ---------------------------------------------------------------------------

    def register(self) -> None:
        """RFC 7591 §3: what comes back is what the client now is."""
        body = REAL_CLIENTS[self.habits.registration]
        answer = self.send(prepare_json("/register", body, self.habits.headers))
        assert answer.status == 201, answer
        assert answer.headers["content-type"] == JSON
        registered = answer.document
        # A secret beside "none" makes clients use it, and fail.
        assert not {"client_secret", "client_secret_expires_at"} & set(registered)
        assert registered["token_endpoint_auth_method"] == "none"
        assert {"authorization_code", "refresh_token"} <= set(registered["grant_types"])
        assert registered["redirect_uris"] == body["redirect_uris"]
        self.client_id = registered["client_id"]

    # --- authorization --------------------------------------------------------------------------

    def build_authorization_url(self) -> str:
        """Where the person's browser is sent."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": build_challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        scope, resource = self.habits.scope(self.found), self.habits.resource(self.found)
        parameters |= {"scope": scope} if scope is not None else {}
        for name, value in (
            ("state", self.habits.state),
            ("resource", resource),
            ("prompt", self.habits.prompt),
        ):
            parameters |= {name: value} if value else {}
        return f"{self.found.server['authorization_endpoint']}?{urlencode(parameters)}"

    def read_code(self, location: str) -> str:
        """RFC 9207 §2.4: everything once, from the issuer that was asked, at the right address."""
        address, _, query = location.partition("?")
        assert address == self.redirect_uri
        answer = parse_qs(query, strict_parsing=True)
        expected = {"code", "iss"} | ({"state"} if self.habits.state else set())
        assert set(answer) == expected, answer
        assert answer["iss"] == [self.found.server["issuer"]]
        assert answer.get("state", [""]) == [self.habits.state]
        (code,) = answer["code"]
        return code

    # --- tokens ---------------------------------------------------------------------------------

    def redeem(self, code: str) -> None:
        """Exchange the code (RFC 6749 §4.1.3)."""
        fields = {"grant_type": "authorization_code", "code": code, "code_verifier": self.verifier}
        if self.habits.repeats_redirect_uri:
            fields["redirect_uri"] = self.redirect_uri
        if resource := self.habits.resource(self.found):
            fields["resource"] = resource
        self.tokens = self.ask_for_tokens(fields)

    def refresh(self) -> None:
        """Refresh (RFC 6749 §6); some do it from two processes at once."""
        fields = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]}
        resource = self.habits.resource(self.found)
        if self.habits.refresh_resource and resource:
            fields["resource"] = resource
        if self.habits.refresh_scope:
            fields["scope"] = self.tokens["scope"]
        refreshed = self.ask_for_tokens(fields)
        assert refreshed["refresh_token"] != self.tokens["refresh_token"]
        if self.habits.refreshes_twice:
            again = self.ask_for_tokens(fields)
            assert again["refresh_token"] == refreshed["refresh_token"]
        self.tokens = refreshed

    def ask_for_tokens(self, fields: dict[str, str]) -> dict[str, Any]:
        """A successful token response (RFC 6749 §5.1)."""
        body, headers = self.habits.authentication(self.client_id)
        path = urlsplit(self.found.server["token_endpoint"]).path
        sent = {**self.habits.headers, **headers}
        answer = self.send(prepare_form(path, (fields | body).items(), sent))
        assert answer.status == 200, answer
        assert answer.headers["content-type"] == JSON
        assert answer.headers["cache-control"] == "no-store"
        tokens: dict[str, Any] = answer.document
        assert tokens["token_type"] == "Bearer"
        assert type(tokens["expires_in"]) is int
        assert tokens["expires_in"] > 0
        assert tokens["access_token"] and tokens["refresh_token"]
        assert tokens["scope"] == "read"
        claims = json.loads(base64.urlsafe_b64decode(tokens["access_token"].split(".")[1] + "=="))
        assert (claims["iss"], claims["aud"]) == (self.found.server["issuer"], self.mcp_url)
        return tokens

    # --- the MCP endpoint -----------------------------------------------------------------------

    def use(self) -> dict[str, Any]:
        """Open the conversation, list the tools, call whoami; what it says."""
        opened = self.open()
        assert opened.status == 200, opened
        if self.habits.opening is Opening.DISCOVER:
            assert Opening.DISCOVER in opened.document["result"]["supportedVersions"]
        else:
            self.finish_handshake(opened)
        tools = self.call("tools/list", {})["tools"]
        assert "whoami" in {tool["name"] for tool in tools}
        told = self.call("tools/call", {"name": "whoami", "arguments": {}})
        assert not told.get("isError")
        structured: dict[str, Any] = told["structuredContent"]
        return structured

    def open(self) -> Answer:
        """``server/discover`` or ``initialize``."""
        if self.habits.opening is Opening.DISCOVER:
            return self.message("server/discover", {})
        hello = {
            "protocolVersion": str(self.habits.opening),
            "capabilities": {},
            "clientInfo": {"name": self.habits.name, "version": "1"},
        }
        return self.message("initialize", hello, is_first=True)

    def finish_handshake(self, opened: Answer) -> None:
        """What the TypeScript SDK insists on: 202 without a body, then 405 for its GET."""
        assert opened.document["result"]["protocolVersion"] == self.habits.opening
        assert "mcp-session-id" not in opened.headers
        noted = self.message("notifications/initialized", None)
        assert (noted.status, noted.body) == (202, b"")
        stream = self.get("/mcp", self.message_headers("", None) | {"Accept": "text/event-stream"})
        assert (stream.status, stream.headers["allow"]) == (405, "POST")

    def call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result of a request."""
        answer = self.message(method, params)
        assert answer.status == 200, answer
        assert answer.headers["content-type"] == JSON
        result: dict[str, Any] = answer.document["result"]
        return result

    def message(
        self, method: str, params: dict[str, Any] | None, *, is_first: bool = False
    ) -> Answer:
        """POST one message; ``params`` of None makes it a notification."""
        body: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            body |= {"id": 1, "params": dict(params)}
            if self.habits.opening is Opening.DISCOVER:
                body["params"]["_meta"] = dict(MODERN_META)
        headers = self.message_headers(method, params)
        if is_first:
            headers.pop("MCP-Protocol-Version", None)
        return self.send(prepare_json("/mcp", body, headers))

    def message_headers(self, method: str, params: dict[str, Any] | None) -> dict[str, str]:
        """What goes with a message of this client's revision."""
        headers = {**self.habits.headers, "Accept": BOTH_TYPES}
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        if self.habits.opening is not Opening.OLDEST:
            headers["MCP-Protocol-Version"] = str(self.habits.opening)
        if self.habits.opening is Opening.DISCOVER:
            headers["Mcp-Method"] = method
            if method in NAME_MEMBERS and params is not None:
                headers["Mcp-Name"] = params[NAME_MEMBERS[method]]
        return headers

    # --- the wire -------------------------------------------------------------------------------

    def get(self, path: str, headers: dict[str, str]) -> Answer:
        """GET."""
        return self.send(Prepared(path, b"", headers, "GET"))

    def send(self, prepared: Prepared) -> Answer:
        """One request as this client sends it; browsers ask first (CORS)."""
        origin = self.habits.origin
        if origin:
            self.ask_first(prepared)
            prepared = replace(prepared, headers={**prepared.headers, "Origin": origin})
        answer = self.wire.post(prepared)
        assert "set-cookie" not in answer.headers
        assert not 300 <= answer.status < 400, answer
        if origin:
            assert answer.headers["access-control-allow-origin"] in ("*", origin)
        return answer

    def ask_first(self, prepared: Prepared) -> None:
        """The preflight of a browser: method and every header must be allowed by name."""
        wanted = {name.lower() for name in prepared.headers} - {"accept", "user-agent"}
        headers = {
            "Origin": self.habits.origin,
            "Access-Control-Request-Method": prepared.method,
            "Access-Control-Request-Headers": ", ".join(sorted(wanted)),
        }
        answer = self.wire.post(Prepared(prepared.path, b"", headers, "OPTIONS"))
        assert answer.status in (200, 204), answer
        assert answer.headers["access-control-allow-origin"] in ("*", self.habits.origin)
        allowed = re.split(r",\s*", answer.headers["access-control-allow-headers"].lower())
        assert wanted <= set(allowed), (wanted, allowed)
        methods = re.split(r",\s*", answer.headers["access-control-allow-methods"])
        assert prepared.method in methods
