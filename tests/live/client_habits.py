"""The real clients, one row each: in which order they look, what they send, what they insist on.

A habit is a function of what the client found (``Found``), so that a row reads as a sentence.
``strict_client.py`` walks a row; ``docs/connect-your-client.md`` is held to the same rows.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote_plus, urlsplit

from tests.oauth_ext.real_clients import (
    CHATGPT_DOCUMENT,
    CLAUDE,
    CLAUDE_CODE_DOCUMENT,
    CLAUDE_DOCUMENT,
    CODEX_DOCUMENT,
    CURSOR,
    OPENCODE_DOCUMENT,
    VS_CODE_DOCUMENT,
)

PATH_FORM = "/.well-known/oauth-protected-resource/mcp"
ROOT_FORM = "/.well-known/oauth-protected-resource"
APPENDED_FORM = "/mcp/.well-known/oauth-protected-resource"
FROM_CHALLENGE = "challenge"
SERVER_METADATA = "/.well-known/oauth-authorization-server"
SERVER_METADATA_OF_PATH = "/.well-known/oauth-authorization-server/mcp"
OPENID_OF_PATH = "/.well-known/openid-configuration/mcp"
OPENID_APPENDED = "/mcp/.well-known/openid-configuration"
BOTH_TYPES = "application/json, text/event-stream"
# What this server never published, and clients ask for anyway.
FOREIGN_SCOPES = "openid profile offline_access"


@dataclass(frozen=True, slots=True)
class Found:
    """What a client has learned before it asks anybody for anything."""

    mcp_url: str
    challenge: Mapping[str, str]
    resource: Mapping[str, Any]
    server: Mapping[str, Any]

    @property
    def origin(self) -> str:
        """The pasted URL without its path."""
        parts = urlsplit(self.mcp_url)
        return f"{parts.scheme}://{parts.netloc}"


# --- which resource (RFC 8707) --------------------------------------------------------------------
ResourceHabit = Callable[[Found], str]


def the_published_one(found: Found) -> str:
    """Byte for byte."""
    return str(found.resource["resource"])


def none_at_all(found: Found) -> str:
    """Left out."""
    return ""


def the_url_with_a_slash(found: Found) -> str:
    """As URL libraries write it."""
    return f"{found.mcp_url}/"


def the_origin(found: Found) -> str:
    """Without the path."""
    return found.origin


def the_origin_with_a_slash(found: Found) -> str:
    """The same, as URL libraries write it."""
    return f"{found.origin}/"


# --- which scopes ---------------------------------------------------------------------------------
ScopeHabit = Callable[[Found], str | None]


def those_of_the_challenge(found: Found) -> str:
    """What the 401 named."""
    return found.challenge["scope"]


def those_of_the_resource(found: Found) -> str:
    """All that the resource's metadata lists."""
    return " ".join(found.resource["scopes_supported"])


def those_of_the_server(found: Found) -> str:
    """All that the authorization server's metadata lists, in its order."""
    return " ".join(found.server["scopes_supported"])


def those_of_the_server_and_foreign_ones(found: Found) -> str:
    """All of them, and what other servers have."""
    return f"{those_of_the_server(found)} {FOREIGN_SCOPES}"


def offline_access_after_a_blank(found: Found) -> str:
    """Only what this server doesn't have."""
    return " offline_access"


def an_empty_one(found: Found) -> str:
    """Sent, but empty."""
    return ""


def no_scopes(found: Found) -> None:
    """Left out."""


# --- how a public client names itself at the token endpoint ---------------------------------------
AuthenticationHabit = Callable[[str], tuple[dict[str, str], dict[str, str]]]


def client_id_in_the_body(client_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """RFC 6749 §3.2.1."""
    return {"client_id": client_id}, {}


def client_id_and_an_empty_secret(client_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """As client_secret_post without a secret."""
    return {"client_id": client_id, "client_secret": ""}, {}


def basic_with_an_empty_password(client_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """As client_secret_basic without a secret (RFC 6749 §2.3.1)."""
    pair = base64.b64encode(f"{quote_plus(client_id)}:".encode()).decode()
    return {}, {"Authorization": f"Basic {pair}"}


# --- the rows -------------------------------------------------------------------------------------
class Opening(StrEnum):
    """How a client opens the conversation."""

    INITIALIZE = "2025-11-25"
    DISCOVER = "2026-07-28"
    OLDEST = "2025-03-26"


@dataclass(frozen=True, slots=True)
class Habits:
    """One client. ``registration`` is its row in ``REAL_CLIENTS``; {port} is a random port."""

    name: str
    registration: str
    redirect_uri: str
    document_url: str = ""
    document_redirect_uri: str = ""
    opening: Opening = Opening.INITIALIZE
    probes_with_get: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    version_header: str = "2025-11-25"
    resource_metadata: tuple[str, ...] = (FROM_CHALLENGE,)
    server_metadata: tuple[str, ...] = (SERVER_METADATA,)
    resource: ResourceHabit = the_published_one
    scope: ScopeHabit = those_of_the_challenge
    authentication: AuthenticationHabit = client_id_in_the_body
    prompt: str = ""
    state: str = "s3"
    verifier_length: int = 43
    repeats_redirect_uri: bool = True
    refresh_resource: bool = True
    refresh_scope: bool = False
    refreshes_twice: bool = False
    origin: str = ""


CLIENTS = (
    Habits(
        "Claude (web, desktop, mobile)",
        "claude.ai",
        CLAUDE,
        CLAUDE_DOCUMENT,
        opening=Opening.DISCOVER,
        headers={"User-Agent": "Claude-User", "Accept": "*/*"},
        scope=those_of_the_server,
        authentication=client_id_and_an_empty_secret,
        state="long-state-" + "x" * 600,
        # From two of its addresses at once.
        refreshes_twice=True,
    ),
    Habits(
        "Claude Code",
        "claude code",
        "http://localhost:{port}/callback",
        CLAUDE_CODE_DOCUMENT,
        opening=Opening.DISCOVER,
        headers={"User-Agent": "claude-code/2.1.260 (cli)"},
        resource_metadata=(FROM_CHALLENGE, PATH_FORM, ROOT_FORM),
        resource=the_origin_with_a_slash,
        scope=offline_access_after_a_blank,
        prompt="consent",
        refresh_resource=False,
    ),
    Habits(
        "ChatGPT",
        "chatgpt",
        "https://chatgpt.com/connector/oauth/Ab-C_d12",
        CHATGPT_DOCUMENT,
        headers={"User-Agent": "openai-mcp/1.0.0 (ChatGPT)"},
        resource_metadata=(ROOT_FORM,),
        authentication=basic_with_an_empty_password,
        refresh_scope=True,
    ),
    Habits(
        "Cursor",
        "cursor",
        CURSOR,
        headers={"User-Agent": "node", "Accept": "application/json"},
        resource=the_url_with_a_slash,
        scope=no_scopes,
        state="",
    ),
    Habits(
        "VS Code",
        "vs code",
        "http://127.0.0.1:{port}/",
        VS_CODE_DOCUMENT,
        headers={"Accept": "application/json"},
        resource_metadata=(FROM_CHALLENGE, PATH_FORM, ROOT_FORM),
        scope=those_of_the_resource,
    ),
    Habits(
        "Codex",
        "codex",
        "http://127.0.0.1:{port}/callback/8f2c",
        CODEX_DOCUMENT,
        probes_with_get=True,
        resource_metadata=(APPENDED_FORM, PATH_FORM, ROOT_FORM),
        server_metadata=(SERVER_METADATA_OF_PATH, OPENID_OF_PATH, OPENID_APPENDED, SERVER_METADATA),
        resource=none_at_all,
        scope=those_of_the_server_and_foreign_ones,
        refresh_resource=False,
        refresh_scope=True,
    ),
    Habits(
        "Gemini CLI",
        "gemini cli",
        "http://localhost:{port}/oauth/callback",
        headers={"User-Agent": "node", "Accept": "*/*"},
        version_header="",
        resource_metadata=(PATH_FORM, ROOT_FORM),
        scope=those_of_the_server,
        verifier_length=64,
        refresh_scope=True,
    ),
    Habits(
        "MCP Inspector",
        "mcp inspector",
        "http://localhost:6274/oauth/callback",
        headers={"User-Agent": "Mozilla/5.0", "Accept": "*/*"},
        origin="http://localhost:6274",
        state="",
    ),
    Habits(
        "opencode",
        "opencode",
        "http://127.0.0.1:19876/mcp/oauth/callback",
        OPENCODE_DOCUMENT,
        "http://127.0.0.1:{port}/callback",
        headers={"User-Agent": "Bun/1.3.0"},
        scope=an_empty_one,
    ),
    Habits(
        "Python SDK 2",
        "python sdk 2",
        "http://127.0.0.1:{port}/callback",
        opening=Opening.DISCOVER,
        version_header="2026-07-28",
        resource_metadata=(FROM_CHALLENGE, PATH_FORM, ROOT_FORM),
        verifier_length=128,
    ),
    Habits(
        "TypeScript SDK 1",
        "typescript sdk 1",
        "http://localhost:8090/callback",
        headers={"User-Agent": "node", "Accept": "application/json"},
    ),
    Habits(
        "TypeScript SDK 2",
        "typescript client 2",
        "http://localhost:8090/callback",
        headers={"User-Agent": "node", "Accept": "application/json"},
    ),
    # Knows no resource metadata: the server is its own authorization server, at the root.
    Habits(
        "Older clients (2025-03-26)",
        "typescript sdk 1",
        "http://localhost:8090/callback",
        opening=Opening.OLDEST,
        version_header="",
        resource_metadata=(),
        resource=the_origin,
        scope=no_scopes,
        repeats_redirect_uri=False,
        refresh_resource=False,
    ),
)
