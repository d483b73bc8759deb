"""The official Python SDK as an application: it is given the pasted URL and a person, no more.

It finds, registers, authorizes, refreshes and steps up by itself. Everything it sends is written
down, with what the server answered.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx
import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from tests.live.person import NO_AUTHORITIES

# What the person's browser does with an authorization URL: the address it is sent to.
Decide = Callable[[str], str]


class AuthorizationDeniedError(Exception):
    """The callback brought an error instead of a code."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of the application and its answer."""

    method: str
    path: str
    headers: httpx2.Headers
    parameters: dict[str, str]
    status: int
    answer_headers: httpx2.Headers
    answer: str


class Callback(ThreadingHTTPServer):
    """The loopback address of a native application (RFC 8252 §7.3); keeps the last query."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CallbackHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/callback"
        self.query: dict[str, str] = {}


class CallbackHandler(BaseHTTPRequestHandler):
    """Takes what the browser brings."""

    server: Callback

    def do_GET(self) -> None:
        """Keep the query and say nothing."""
        self.server.query = dict(parse_qsl(urlsplit(self.path).query))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@dataclass
class Storage:
    """Where the application keeps its tokens and its registration between starts."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep them."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """The registration."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep it."""
        self.client = client_info


@dataclass
class SdkApplication:
    """One installation of an application that uses the SDK; ``decide`` is the person."""

    pasted_url: str
    name: str
    decide: Decide
    callback: Callback
    storage: Storage = field(default_factory=Storage)
    sent: list[Sent] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    provider: OAuthClientProvider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = OAuthClientProvider(
            server_url=self.pasted_url,
            client_metadata=OAuthClientMetadata(
                client_name=self.name, redirect_uris=[AnyUrl(self.callback.url)]
            ),
            storage=self.storage,
            redirect_handler=self._open_browser,
            callback_handler=self._wait_for_callback,
        )

    @asynccontextmanager
    async def session(self, mode: str, **options: Any) -> AsyncIterator[Client]:
        """A connected client of this mode, with further options of the SDK's."""
        async with httpx2.AsyncClient(
            auth=self.provider,
            event_hooks={"response": [self._note]},
            timeout=30,
            verify=NO_AUTHORITIES,
        ) as http:
            transport = streamable_http_client(self.pasted_url, http_client=http)
            async with Client(transport, mode=mode, **options) as client:
                yield client

    def take_sent(self) -> list[Sent]:
        """What was sent since the last look."""
        sent, self.sent = self.sent, []
        return sent

    async def _open_browser(self, url: str) -> None:
        self.asked.append(url)
        location = await anyio.to_thread.run_sync(self.decide, url)
        assert location.startswith(f"{self.callback.url}?"), location
        with httpx.Client(trust_env=False, verify=NO_AUTHORITIES) as browser:
            await anyio.to_thread.run_sync(browser.get, location)

    async def _wait_for_callback(self) -> AuthorizationCodeResult:
        query = self.callback.query
        if "error" in query:
            raise AuthorizationDeniedError(query["error"])
        return AuthorizationCodeResult(
            code=query["code"], state=query.get("state"), iss=query.get("iss")
        )

    async def _note(self, response: httpx2.Response) -> None:
        request = response.request
        is_form = request.headers.get("content-type", "").startswith("application/x-www-form")
        await response.aread()
        self.sent.append(
            Sent(
                method=request.method,
                path=request.url.path,
                # A copy: the SDK puts the next token into the same request.
                headers=request.headers.copy(),
                parameters=dict(parse_qsl(request.content.decode())) if is_form else {},
                status=response.status_code,
                answer_headers=response.headers,
                answer=response.text,
            )
        )


@contextmanager
def install(pasted_url: str, name: str, decide: Decide) -> Iterator[SdkApplication]:
    """An application that knows the pasted URL, listening for its callback until the block ends."""
    with Callback() as callback:
        thread = threading.Thread(target=callback.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield SdkApplication(pasted_url, name, decide, callback)
        finally:
            callback.shutdown()
            thread.join()
