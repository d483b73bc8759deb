"""The settings, with the application whose tools, resources and prompts the runner looks for."""

from docjacket_mcp.settings import *  # noqa: F403
from docjacket_mcp.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.conformance.fixture_app"]
