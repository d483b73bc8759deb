"""The endpoint before the official runner: what 2026-07-28 requires, and the revisions before."""

from pathlib import Path

import pytest

from tests.conformance.runner import run

BASELINE = Path(__file__).resolve().parent / "expected-failures.yml"


@pytest.mark.parametrize(
    "selection",
    [
        ("--requirements", "2026-07-28"),
        ("--spec-version", "2026-07-28", "--suite", "all"),
        ("--spec-version", "2025-11-25"),
        ("--spec-version", "2025-06-18"),
    ],
    ids=["required-2026-07-28", "all-2026-07-28", "2025-11-25", "2025-06-18"],
)
def test_server_passes_the_official_runner(
    connected: str, tmp_path: Path, selection: tuple[str, ...]
) -> None:
    arguments = ["server", "--url", connected, *selection, "--expected-failures", str(BASELINE)]
    ended = run(arguments, tmp_path)
    assert ended.exit_status == 0
