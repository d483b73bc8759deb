"""The endpoint before the official runner: what 2026-07-28 requires, and the revisions before."""

from pathlib import Path

import pytest

from tests.conformance.runner import run

BASELINE = Path(__file__).resolve().parent / "expected-failures.yml"
# What the revision requires of a server, frozen in the runner, and what it runs besides.
REQUIRED, UNSCORED = 37, 13


def test_server_passes_everything_that_2026_07_28_requires(connected: str, tmp_path: Path) -> None:
    """Nothing may fail here: no list of what is expected to."""
    ended = run(["server", "--url", connected, "--requirements", "2026-07-28"], tmp_path)
    assert ended.exit_status == 0
    # The runner itself forgives what it warns of.
    assert not ended.find("WARNING")
    assert len(list(tmp_path.glob("server-*/checks.json"))) == REQUIRED + UNSCORED


@pytest.mark.parametrize(
    "selection",
    [
        ("--spec-version", "2026-07-28", "--suite", "all"),
        ("--spec-version", "2025-11-25"),
        ("--spec-version", "2025-06-18"),
    ],
    ids=["2026-07-28", "2025-11-25", "2025-06-18"],
)
def test_server_fails_only_what_is_left_out_on_purpose(
    connected: str, tmp_path: Path, selection: tuple[str, ...]
) -> None:
    arguments = ["server", "--url", connected, *selection, "--expected-failures", str(BASELINE)]
    ended = run(arguments, tmp_path)
    assert ended.exit_status == 0
    assert ended.find("SUCCESS")
