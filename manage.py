#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from django.core.management import execute_from_command_line

from docjacket_mcp.settings_or_exit import load_settings_or_exit

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docjacket_mcp.settings")
    load_settings_or_exit()
    execute_from_command_line(sys.argv)
