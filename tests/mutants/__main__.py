"""Try mutants: ``python -m tests.mutants [number…]``, with the numbers of attacks.

Most are tried in forks of one run, the rest and all survivors on a copy of the tree, each with a
start of its own; the tree itself is never changed. Prints a line for each. Ends with 1 if one
survived, was not found, or broke its tests in another way than by making one fail.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.attack_cases import CASES
from tests.attack_decisions import NOT_APPLICABLE
from tests.mutants.mutant import ROOT, GuardNotFoundError, Mutant
from tests.mutants.quick import Trial
from tests.mutants.table import MUTANTS, WITHOUT_A_GUARD

KILLED, PASSED = 1, 0
SECONDS = 600


def say(text: str) -> None:
    """A line on the terminal, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def choose(numbers: Iterable[int]) -> list[Mutant]:
    """The mutants of these attacks, or all; those that need a server last."""
    wanted = set(numbers)
    chosen = [each for each in MUTANTS if not wanted or wanted & set(each.cases)]
    return sorted(chosen, key=lambda each: each.is_race)


def copy_tree(target: Path) -> None:
    """Everything that git knows of or would, as it is now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def run_tests(tree: Path, tests: Sequence[str], *, fresh: bool) -> tuple[int, str]:
    """pytest's exit status and last line; ``fresh`` makes the test database anew."""
    database = "--create-db" if fresh else "--reuse-db"
    options = ["-q", "-x", "--no-header", "-p", "no:cacheprovider", database]
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *options, *(f"tests/{test}" for test in tests)],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or [""]
    return done.returncode, lines[-1]


def judge(tree: Path, each: Mutant) -> str:
    """What became of a mutant; the tree is as before afterwards."""
    try:
        mutated = each.mutate(tree)
    except GuardNotFoundError as error:
        return f"NOT FOUND {error}"
    path = tree / each.file
    original = path.read_text()
    path.write_text(mutated)
    verdicts = []
    try:
        # Every named test has to notice by itself.
        for test in each.tests:
            status, line = run_tests(tree, [test], fresh=each.is_race)
            if status == PASSED:
                verdicts.append(f"SURVIVED {test}")
            elif status != KILLED or " failed" not in line:
                verdicts.append(f"BROKEN {test}: {line}")
    finally:
        path.write_text(original)
    return "; ".join(verdicts) or "killed"


def list_uncovered() -> list[int]:
    """The urgent attacks of which no mutant speaks."""
    covered = {number for each in MUTANTS for number in each.cases}
    urgent = {number for number, (priority, _) in CASES.items() if priority == 0}
    return sorted(urgent - covered - set(NOT_APPLICABLE) - set(WITHOUT_A_GUARD))


def try_quickly(chosen: Sequence[Mutant]) -> dict[Mutant, str]:
    """Try them in forks of one run, which costs a second each instead of a start of its own."""
    trial = Trial([each for each in chosen if each.is_quick], report)
    tests = sorted({f"tests/{test}" for each in trial.mutants for test in each.tests})
    if tests:
        options = ["-qq", "--no-header", "-p", "no:cacheprovider"]
        if pytest.main([*options, *tests], plugins=[trial]) != pytest.ExitCode.OK:
            raise SystemExit("The tests have to pass as they are.")
    return trial.verdicts


def try_slowly(chosen: Sequence[Mutant]) -> dict[Mutant, str]:
    """Try them on a copy of the tree, each with a new start; says each as it is known."""
    verdicts = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        tree = Path(directory)
        # The database's own account may have to read it.
        tree.chmod(0o755)
        copy_tree(tree)
        tests = sorted({test for each in chosen for test in each.tests})
        status, line = run_tests(tree, tests, fresh=True) if tests else (PASSED, "nothing")
        if status != PASSED:
            raise SystemExit(f"In a copy the tests have to pass as they are: {line}")
        for each in chosen:
            started = time.monotonic()
            verdicts[each] = judge(tree, each)
            say(f"{describe(each, verdicts[each])} | {round(time.monotonic() - started)} s")
    return verdicts


def describe(each: Mutant, verdict: str) -> str:
    """A line about one mutant."""
    cases, what = ", ".join(map(str, each.cases)), " ".join(each.source.split())
    return f"{verdict} | {cases} | {each.file} | {what[:60]}"


def report(each: Mutant, verdict: str) -> None:
    """Say what became of one; a survivor here is tried again."""
    say(describe(each, verdict if verdict == "killed" else f"not yet ({verdict})"))


def main(arguments: Sequence[str]) -> int:
    """Try the chosen mutants; 0 if all were noticed."""
    chosen = choose(map(int, arguments))
    verdicts = try_quickly(chosen)
    # A survivor may only have been out of reach there: a start of its own has the last word.
    verdicts |= try_slowly([each for each in chosen if verdicts.get(each) != "killed"])
    killed = [each for each in chosen if verdicts.get(each) == "killed"]
    say(f"{len(killed)} of {len(chosen)} killed")
    for each in chosen:
        if each not in killed:
            say(f"NOT KILLED {describe(each, verdicts.get(each, 'not tried'))}")
    if not arguments:
        say(f"urgent attacks without a mutant: {list_uncovered()}")
    return int(len(killed) < len(chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
