"""The project's own settings, with one more application: what a host product would add."""

from docjacket_mcp.settings import *  # noqa: F403
from docjacket_mcp.settings import INSTALLED_APPS as PRODUCT_APPS

INSTALLED_APPS = [*PRODUCT_APPS, "tests.live.tool_app"]
