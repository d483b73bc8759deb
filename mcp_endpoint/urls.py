"""The endpoint's two spellings; ``McpMiddleware`` answers both before the resolver is asked.

They are here so that the paths can be reversed, and so that the endpoint still works in a project
that leaves the middleware out.
"""

from django.urls import path

from mcp_endpoint.views import serve_mcp

urlpatterns = [
    path("mcp", serve_mcp, name="mcp"),
    path("mcp/", serve_mcp, name="mcp-with-slash"),
]
