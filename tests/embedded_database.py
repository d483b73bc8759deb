"""The tests' environment: a PostgreSQL of their own and secrets that live as long as the run.

Loaded as a pytest plugin (``-p tests.embedded_database``) because settings are read before any
conftest. With ``DATABASE_URL`` in the environment that database is used. The cluster is separate
from the one of ``make run``, forgets durability for speed, and is stopped even when pytest is
killed; runs at the same time get one each.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from docjacket_mcp.embedded_postgres import EmbeddedPostgres
from docjacket_mcp.guardian import Guardian
from docjacket_mcp.postgres_installation import OWNER_ROLE
from docjacket_mcp.quickstart_secrets import ensure_signing_key

BASE_DIR = Path(__file__).resolve().parent.parent
MOST_CLUSTERS = 20


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Prepare the environment before pytest-django loads the settings."""
    prepare_environment()
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = start_database()
    yield


def prepare_environment() -> None:
    """Fixed and fresh values; nothing a developer has exported leaks into the tests."""
    keys = Path(tempfile.mkdtemp(prefix="docjacket-test-keys-"))
    atexit.register(shutil.rmtree, keys, ignore_errors=True)
    ensure_signing_key(keys)
    os.environ |= {
        "QUICK_START": "1",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "SECRET_KEY": "a-secret-key-that-only-the-tests-have",
        "TOKEN_PEPPER": "a-token-pepper-that-only-the-tests-have",
        "SIGNING_KEYS_DIR": str(keys),
        # Tests of the limits on calls set them; all others call as often as they like.
        "MCP_CONNECTION_RATE": "0",
        "MCP_ORGANIZATION_RATE": "0",
    }


def start_database() -> str:
    """Start the first cluster that no other run is using; its owner may create databases."""
    guardian = Guardian()
    atexit.register(guardian.stop_all)
    for number in range(1, MOST_CLUSTERS + 1):
        name = "test-postgres" if number == 1 else f"test-postgres-{number}"
        database = EmbeddedPostgres(BASE_DIR / "var" / name, guardian, durable=False)
        if database.claim():
            database.start(say=lambda text: None)
            return database.url(OWNER_ROLE)
    raise pytest.UsageError("Every test cluster below var/ is in use; set DATABASE_URL.")
