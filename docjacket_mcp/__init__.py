"""Composition: settings, URLs and server configuration. Nobody imports this package.

The map, from the top floor down; imports point down only:

    docjacket_mcp   settings, urls, server config, the quick start
    mcp_endpoint    the MCP resource server: bearer check, JSON-RPC, tool registry, tools
    oauth_ext       the OAuth 2.1 authorization server: clients, consent, connections, tokens
    accounts        users, organizations, memberships, sign-in
    activity        the append-only log

Two ways to read it:

* one tool call: ``urls`` → ``mcp_endpoint.views`` → ``mcp_endpoint.authentication`` →
  ``oauth_ext.verification`` → ``mcp_endpoint.protocol`` → ``mcp_endpoint.dispatch`` →
  ``mcp_endpoint.tools`` → ``activity.recorder``
* one sign-in: ``oauth_ext.challenges`` → ``oauth_ext.metadata`` → ``oauth_ext.registration`` →
  ``oauth_ext.authorization_request`` → ``oauth_ext.consents`` → ``oauth_ext.codes`` →
  ``oauth_ext.request_validator`` → ``oauth_ext.refresh`` → ``oauth_ext.tokens``
"""
