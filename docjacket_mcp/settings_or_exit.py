"""Ends a process with a sentence, not a traceback, when the environment is not complete."""

import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def load_settings_or_exit() -> None:
    """Load the settings now; what is wrong with them goes to standard error, and the code is 1."""
    try:
        _ = settings.DEBUG
    except ImproperlyConfigured as error:
        sys.exit(str(error))
