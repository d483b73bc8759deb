"""The MCP resource server: bearer check, JSON-RPC in every revision, the registry and the tools.

One URL, ``/mcp``, answers the revisions 2025-03-26 to 2026-07-28 without sessions. Read it in the
order of a call: ``middleware``, ``views``, ``authentication``, ``http_checks``, ``protocol``,
``dispatch``, ``calls``, ``tools``.
"""

VERSION = "0.1.0"
