"""How to connect each common client, made from the URL that is really served."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

NAME = "docjacket"
TERMINAL = "Run this in a terminal."
ALLOW = "Sign in here, choose your organization and click Allow."
UNREACHABLE = (
    "It connects from its own servers, which cannot reach this address on your computer: "
    "serve at a public https address first (PUBLIC_URL)."
)


@dataclass(frozen=True, slots=True)
class InstallGuide:
    """One client: what to do, and the one line to copy if there is one."""

    name: str
    steps: tuple[str, ...]
    command: str = ""


def is_reachable_from_outside() -> bool:
    """Whether assistants that connect from their own servers can get here."""
    return urlsplit(settings.PUBLIC_URL).hostname not in ("127.0.0.1", "localhost", "::1")


def build_install_guides(*, tokens_are: str = "under AI access") -> list[InstallGuide]:
    """Guides for the common clients, most used first.

    Args:
        tokens_are: where personal access tokens are made, as seen from the page.
    """
    claude, chatgpt = build_hosted_guides()
    claude_code, *others = build_local_guides()
    return [claude, claude_code, chatgpt, *others, build_last_guide(tokens_are)]


def build_hosted_guides() -> list[InstallGuide]:
    """Assistants that connect from their own servers."""
    url = settings.MCP_RESOURCE
    first = () if is_reachable_from_outside() else (UNREACHABLE,)
    return [
        InstallGuide(
            "Claude (web, desktop, mobile)",
            (
                *first,
                "Open Settings, Connectors, Add custom connector.",
                "Paste this address.",
                ALLOW,
            ),
            url,
        ),
        InstallGuide(
            "ChatGPT",
            (
                *first,
                "Open Settings, Connectors, and switch on Developer mode under Advanced.",
                "Choose Create, paste this address and pick OAuth.",
                ALLOW,
            ),
            url,
        ),
    ]


def build_local_guides() -> list[InstallGuide]:
    """Programs on the person's own computer."""
    url = settings.MCP_RESOURCE
    cursor = json.dumps({"mcpServers": {NAME: {"url": url}}})
    code = json.dumps({"name": NAME, "type": "http", "url": url})
    return [
        InstallGuide(
            "Claude Code",
            (TERMINAL, "Type /mcp in Claude Code and choose Authenticate.", ALLOW),
            f"claude mcp add --transport http {NAME} {url}",
        ),
        InstallGuide(
            "Cursor",
            ("Put this into .cursor/mcp.json.", "Click Login beside the server.", ALLOW),
            cursor,
        ),
        InstallGuide("VS Code", (TERMINAL, ALLOW), f"code --add-mcp '{code}'"),
        InstallGuide("Codex", (TERMINAL, ALLOW), f"codex mcp add {NAME} --url {url}"),
        InstallGuide(
            "Gemini CLI",
            (TERMINAL, f"Type /mcp auth {NAME} in Gemini CLI.", ALLOW),
            f"gemini mcp add --transport http {NAME} {url}",
        ),
        InstallGuide(
            "MCP Inspector",
            (TERMINAL, "Choose Connect.", ALLOW),
            f"npx @modelcontextprotocol/inspector --transport http --server-url {url}",
        ),
    ]


def build_last_guide(tokens_are: str) -> InstallGuide:
    """Whatever else speaks MCP, or only HTTP."""
    if not settings.PERSONAL_TOKENS_ENABLED:
        step = "Paste the address wherever a remote MCP server can be added."
        return InstallGuide("Anything else", (step, ALLOW), settings.MCP_RESOURCE)
    return InstallGuide(
        "Anything else",
        (
            "Paste the address wherever a remote MCP server can be added.",
            f"If it cannot open a sign-in page, make a personal access token {tokens_are} "
            "and send it with every call.",
        ),
        "Authorization: Bearer mcp_at_…",
    )
