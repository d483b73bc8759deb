"""The REST API under ``/api/v1/``: the same tokens and the same rules as ``/mcp``, for scripts.

Above ``mcp_endpoint``, whose bearer check, limits of bodies and refusals it uses. It has no rule
of its own about who may see what: every operation carries the name of the tool that does the same.
"""
