"""An environment that is not complete ends a process with one sentence and 1, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-secret-that-only-this-test-has-0123456789"
COMPLETE = {
    "PUBLIC_URL": "https://mcp.example.com",
    "SECRET_KEY": SECRET,
    "TOKEN_PEPPER": SECRET[::-1],
    "DATABASE_URL": "postgres://role@127.0.0.1:1/docjacket",
    "EMAIL_URL": "smtp+tls://mailer:sample@mail.example.com:587",
}
MANAGE = ("manage.py", "prune_oauth")
SERVE = ("-m", "gunicorn", "-c", "docjacket_mcp/gunicorn_conf.py", "docjacket_mcp.wsgi")


def run(arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[int, str]:
    """The exit code and what was said on standard error."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("arguments", [MANAGE, SERVE])
def test_everything_that_is_missing_is_named_at_once(arguments: tuple[str, ...]) -> None:
    given = {name: value for name, value in COMPLETE.items() if name.startswith("S")}
    assert run(arguments, given) == (
        1,
        "These must be set: TOKEN_PEPPER, DATABASE_URL, PUBLIC_URL, EMAIL_URL. "
        "docs/operate.md says what they are.\n",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "password"),
        ("DATABASE_URL", "postgres://role:password@host:port/docjacket"),
        ("EMAIL_URL", "password://host"),
        ("EMAIL_URL", "smtp://host:password"),
        ("PUBLIC_URL", "https://[password"),
        ("ACCESS_TOKEN_TTL", "password"),
        ("LOG_LEVEL", "password"),
        ("SECRET_KEY", "password"),
    ],
)
def test_nonsense_is_named_and_not_repeated(name: str, value: str) -> None:
    code, said = run(MANAGE, COMPLETE | {name: value})
    assert code == 1
    assert name in said
    assert said.count("\n") == 1
    assert "password" not in said
