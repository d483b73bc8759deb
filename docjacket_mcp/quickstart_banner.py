"""What ``make run`` prints once the server answers: where everything is and how to connect."""

import json
from urllib.parse import urlsplit

DEMO_PASSWORD = "demo-password"
DEMO_PEOPLE = (
    ("alice@acme.example", "owner of Acme, member of Borealis"),
    ("ben@acme.example", "member of Acme"),
    ("cleo@borealis.example", "owner of Borealis"),
    ("admin@docjacket.example", "operator, for the admin"),
)


PUBLIC_WARNING = """\
  Careful: this address is public, and so are the demo passwords. Change them under each
  account's menu, or delete the demo people in the admin.

"""


def is_loopback(public_url: str) -> bool:
    """Whether only this computer can open it."""
    return urlsplit(public_url).hostname in ("127.0.0.1", "localhost", "::1")


def build_banner(public_url: str, seconds: float) -> str:
    """The whole text; every address starts with the public URL."""
    mcp_url = f"{public_url}/mcp"
    vs_code = json.dumps({"name": "docjacket", "type": "http", "url": mcp_url})
    cursor = json.dumps({"mcpServers": {"docjacket": {"url": mcp_url}}})
    people = "\n".join(f"    {email:<26}{role}" for email, role in DEMO_PEOPLE)
    warning = "" if is_loopback(public_url) else PUBLIC_WARNING
    return f"""
DocJacket MCP is ready ({seconds:.0f} s).

  Paste this into your AI client:

    {mcp_url}

  Settings          {public_url}/settings/ai-access
  Activity          {public_url}/settings/activity
  Admin             {public_url}/admin/

  Demo sign-ins, password {DEMO_PASSWORD}:
{people}

  Or connect from a terminal:
    Claude Code     claude mcp add --transport http docjacket {mcp_url}
    Codex           codex mcp add docjacket --url {mcp_url}
    Gemini CLI      gemini mcp add --transport http docjacket {mcp_url}
    VS Code         code --add-mcp '{vs_code}'
    Cursor          put into ~/.cursor/mcp.json: {cursor}
    MCP Inspector   npx @modelcontextprotocol/inspector --transport http --server-url {mcp_url}

{warning}  Ctrl-C stops everything and keeps your data."""
