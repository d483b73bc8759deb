"""``make bench``: what a call costs here, on FastMCP and on the official Python SDK."""
