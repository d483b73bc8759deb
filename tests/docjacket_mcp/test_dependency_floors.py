"""No dependency is older than the release that mended what is known to be broken before it."""

import re
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
FLOORS = {
    "django": "5.2.19",
    "django-oauth-toolkit": "3.4.1",
    "pyjwt": "2.13",
    "oauthlib": "3.2.2",
    "jwcrypto": "1.5.7",
    "gunicorn": "22",
    "requests": "2.32.4",
    "urllib3": "2.5",
    "cryptography": "44.0.1",
    "sqlparse": "0.5.4",
}
TEST_FLOORS = {"mcp": "1.23"}


def read_locked(name: str) -> dict[str, Version]:
    """The one version of each package that a lock file names."""
    text = (ROOT / name).read_text()
    return {
        package.lower(): Version(version)
        for package, version in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", text, re.M)
    }


@pytest.mark.case(376)
@pytest.mark.parametrize(
    ("file", "package", "floor"),
    [
        *(("requirements.txt", *pair) for pair in FLOORS.items()),
        *(("requirements-dev.txt", *pair) for pair in (FLOORS | TEST_FLOORS).items()),
    ],
)
def test_no_dependency_is_older_than_its_floor(file: str, package: str, floor: str) -> None:
    assert read_locked(file)[package] >= Version(floor)


@pytest.mark.case(376)
def test_every_package_is_locked_to_one_version() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [
            line
            for line in (ROOT / name).read_text().splitlines()
            if line and not line.startswith((" ", "#"))
        ]
        assert lines
        assert [line for line in lines if not re.match(r"[\w.-]+(\[[^\]]*\])?==\S+", line)] == []
