"""What real clients send to the registration endpoint, as captured or as their sources say."""

from typing import Any

CLAUDE = "https://claude.ai/api/mcp/auth_callback"
CURSOR = "cursor://anysphere.cursor-mcp/oauth/callback"
CURSOR_WEB = "https://www.cursor.com/agents/mcp/oauth/callback"
BOTH_GRANTS = ["authorization_code", "refresh_token"]

REAL_CLIENTS: dict[str, dict[str, Any]] = {
    "typescript sdk 1": {"redirect_uris": ["http://localhost:8090/callback"], "scope": "read"},
    "typescript client 2": {
        "redirect_uris": ["http://localhost:8090/callback"],
        "grant_types": BOTH_GRANTS,
        "application_type": "native",
        "scope": "read draft actions",
    },
    "python sdk 2": {
        "redirect_uris": ["http://127.0.0.1:3030/callback"],
        "grant_types": BOTH_GRANTS,
        "response_types": ["code"],
        "application_type": "native",
        "scope": "read",
        "client_uri": None,
        "token_endpoint_auth_method": None,
        "jwks": None,
    },
    "gemini cli": {
        "client_name": "Gemini CLI MCP Client",
        "redirect_uris": ["http://localhost:7777/oauth/callback"],
        "grant_types": BOTH_GRANTS,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "",
    },
    "claude.ai": {
        "client_name": "Claude",
        "redirect_uris": [CLAUDE, "https://claude.com/api/mcp/auth_callback"],
        "grant_types": BOTH_GRANTS,
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "claudeai",
    },
    "claude code": {
        "client_name": "Claude Code (docjacket)",
        "redirect_uris": ["http://localhost:3118/callback"],
        "token_endpoint_auth_method": "none",
    },
    "chatgpt": {
        "client_name": "ChatGPT",
        "redirect_uris": ["https://chatgpt.com/connector/oauth/Ab-C_d12"],
        "token_endpoint_auth_method": "client_secret_basic",
        "logo_uri": "https://chatgpt.com/logo.png",
    },
    "cursor": {
        "client_name": "Cursor",
        "redirect_uris": [CURSOR, CURSOR_WEB, "http://localhost:8787/callback"],
        "application_type": "web",
        "token_endpoint_auth_method": "none",
    },
    "vs code": {
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "redirect_uris": [
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
        "grant_types": [*BOTH_GRANTS, "urn:ietf:params:oauth:grant-type:device_code"],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
    },
    "codex": {
        "client_name": "Codex",
        "redirect_uris": ["http://127.0.0.1:51234/callback/8f2c"],
        "scope": "openid profile offline_access",
    },
    "mcp inspector": {
        "client_name": "MCP Inspector",
        "redirect_uris": [
            "http://localhost:6274/oauth/callback",
            "http://localhost:6274/oauth/callback/debug",
        ],
    },
    "opencode": {"redirect_uris": ["http://127.0.0.1:19876/mcp/oauth/callback"]},
}
