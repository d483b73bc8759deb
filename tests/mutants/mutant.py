"""One guard, how to take it away, and who must notice."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class GuardNotFoundError(LookupError):
    """The guard's source text is not, or not exactly once, where the table says."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """``source``, which is once in ``file``, becomes ``replacement``; one of ``tests`` must fail.

    ``tests`` are node ids below ``tests/``. ``cases`` are numbers of ``tests.attack_cases``.
    """

    cases: tuple[int, ...]
    file: str
    source: str
    replacement: str
    tests: tuple[str, ...]

    @property
    def is_race(self) -> bool:
        """Whether it takes a live server to notice, which leaves rows behind."""
        return any(test.startswith(("races/", "live/")) for test in self.tests)

    @property
    def is_quick(self) -> bool:
        """Whether the modules of a running process can be changed for it."""
        is_module = self.file.endswith(".py") and not self.file.startswith("docjacket_mcp/")
        return is_module and not self.is_race and "@" not in self.source

    def mutate(self, tree: Path) -> str:
        """The file of this tree without the guard.

        Raises:
            GuardNotFoundError: the code has changed, so this entry has to follow.
        """
        text = (tree / self.file).read_text()
        if text.count(self.source) != 1:
            raise GuardNotFoundError(f"{text.count(self.source)} times: {self.source!r}")
        return text.replace(self.source, self.replacement)


def mutant(cases: tuple[int, ...], file: str, source: str, replacement: str, *tests: str) -> Mutant:
    """A row of a table."""
    return Mutant(cases, file, source, replacement, tests)
