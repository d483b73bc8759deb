"""What every page may name."""

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, str]:
    """The product's name, where to ask for help, and the URL to paste."""
    return {
        "product_name": settings.PRODUCT_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "mcp_url": settings.MCP_RESOURCE,
    }
