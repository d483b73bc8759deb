"""What real clients say of themselves, as captured or as their sources say.

``REAL_CLIENTS`` is what they send to the registration endpoint (RFC 7591); ``REAL_DOCUMENTS`` is
what those with a Client ID Metadata Document publish at the URL that is their client id.
"""

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

CLAUDE_DOCUMENT = "https://claude.ai/oauth/mcp-oauth-client-metadata"
CLAUDE_CODE_DOCUMENT = "https://claude.ai/oauth/claude-code-client-metadata"
CHATGPT_DOCUMENT = "https://chatgpt.com/oauth/Ab-C_d12/client.json"
CODEX_DOCUMENT = "https://chatgpt.com/oauth/codex/client.json"
VS_CODE_DOCUMENT = "https://vscode.dev/oauth/client-metadata.json"
OPENCODE_DOCUMENT = "https://opencode.ai/oauth/opencode/client.json"

REAL_DOCUMENTS: dict[str, dict[str, Any]] = {
    CLAUDE_DOCUMENT: {
        "client_id": CLAUDE_DOCUMENT,
        "client_name": "Claude",
        "client_uri": "https://claude.ai",
        "redirect_uris": [CLAUDE, "https://claude.com/api/mcp/auth_callback"],
        "grant_types": BOTH_GRANTS,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    # Without a port, and without application_type.
    CLAUDE_CODE_DOCUMENT: {
        "client_id": CLAUDE_CODE_DOCUMENT,
        "client_name": "Claude Code",
        "client_uri": "https://claude.ai",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": BOTH_GRANTS,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    # Prefers to sign, and says in another member that it need not.
    CHATGPT_DOCUMENT: {
        "client_id": CHATGPT_DOCUMENT,
        "client_name": "ChatGPT",
        "client_uri": "https://chatgpt.com/",
        "logo_uri": "https://persistent.oaistatic.com/sonic/misc/openai-logo.png",
        "redirect_uris": ["https://chatgpt.com/connector/oauth/Ab-C_d12"],
        "grant_types": BOTH_GRANTS,
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg": "RS256",
        "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
    },
    CODEX_DOCUMENT: {
        "client_id": CODEX_DOCUMENT,
        "client_name": "Codex",
        "redirect_uris": ["http://127.0.0.1/callback/8f2c", "http://localhost/callback/8f2c"],
        "grant_types": BOTH_GRANTS,
        "response_types": ["code"],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
    },
    VS_CODE_DOCUMENT: {
        "client_id": VS_CODE_DOCUMENT,
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "redirect_uris": [
            "http://127.0.0.1:33418/",
            "http://127.0.0.1/",
            "https://vscode.dev/redirect",
            "https://insiders.vscode.dev/redirect",
        ],
        "grant_types": [*BOTH_GRANTS, "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
    },
    OPENCODE_DOCUMENT: {
        "client_id": OPENCODE_DOCUMENT,
        "client_name": "opencode",
        "client_uri": "https://opencode.ai",
        "logo_uri": "https://opencode.ai/web-app-manifest-512x512.png",
        "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
        "grant_types": BOTH_GRANTS,
        "response_types": ["code"],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "token_endpoint_auth_methods_supported": ["none"],
    },
}
