"""How log lines look: one JSON line an event, each with the reference of its request.

At the console of the quick start a traceback is read by a person, so it keeps its lines there.
Secrets are taken out of both forms.
"""

from typing import Any

import structlog

from activity.redaction import redact_log_line

CHAIN = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def build_logging(level: str, *, is_readable: bool) -> dict[str, Any]:
    """Django's ``LOGGING``."""
    renderer = (
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
        if is_readable
        else structlog.processors.JSONRenderer()
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": CHAIN,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact_log_line,
            renderer,
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        # Every refusal is a row in the activity log already; its twin here would only be noise.
        # oauthlib's debug lines quote tokens, so its level is not LOG_LEVEL's to choose.
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "CRITICAL"},
            "oauthlib": {"level": "WARNING"},
            "oauth2_provider": {"level": "WARNING"},
        },
    }
