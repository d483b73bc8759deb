"""The home page: the address to paste, and how."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oauth_ext.install_guides import build_install_guides


def home(request: HttpRequest) -> HttpResponse:
    """For everybody."""
    context = {"mcp_url": settings.MCP_RESOURCE, "install_guides": build_install_guides()}
    return render(request, "home.html", context)
