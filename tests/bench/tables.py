"""What a run prints: each server's least disturbed round, medians, and ratios."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.stage import say

OURS = "DocJacket MCP"
HEADINGS = (
    "server",
    "calls/s",
    "server CPU µs",
    "PostgreSQL CPU µs",
    "median ms",
    "p99 ms",
    "generator, of a core",
    "others, of the machine",
    "ours has",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: calls a second; seconds of processor a call; seconds of waiting.

    ``busy`` is the share of one core that the load generator took, ``others`` the share of the
    whole machine that programs took which have no part in it: much of it spoils the rates.
    """

    rate: float
    server: float
    database: float
    busy: float
    others: float
    median: float
    p99: float


Measurements = Mapping[str, Mapping[int, Sequence[Figure]]]


def print_tables(measurements: Measurements, levels: Sequence[int]) -> None:
    """A table for each number of connections."""
    for level in levels:
        rows = {title: found[level] for title, found in measurements.items() if level in found}
        if not rows:
            continue
        ours = next((figures for title, figures in rows.items() if title.startswith(OURS)), None)
        rounds = len(next(iter(rows.values())))
        say(f"\n{level} connection{'s' * (level > 1)}: the calmest of {rounds} rounds (medians)")
        say(f"| {' | '.join(HEADINGS)} |")
        say("|---" * len(HEADINGS) + "|")
        for title, figures in rows.items():
            say(write_row(title, figures, ours))


def write_row(title: str, figures: Sequence[Figure], ours: Sequence[Figure] | None) -> str:
    """One server's line: its least disturbed round, and in brackets the median of all."""
    best = find_calm(figures)
    cells = [
        title,
        f"{best.rate:.0f} ({median(each.rate for each in figures):.0f})",
        f"{best.server * 1e6:.0f} ({median(each.server for each in figures) * 1e6:.0f})",
        f"{best.database * 1e6:.0f} ({median(each.database for each in figures) * 1e6:.0f})",
        f"{best.median * 1e3:.1f}",
        f"{best.p99 * 1e3:.1f}",
        f"{best.busy:.0%}",
        f"{best.others:.0%} ({median(each.others for each in figures):.0%})",
        compare(best, find_calm(ours)) if ours and figures is not ours else "",
    ]
    return f"| {' | '.join(cells)} |"


def compare(other: Figure, ours: Figure) -> str:
    """Our first revision in other's terms: rate, processor, and processor with PostgreSQL's."""
    return (
        f"{ours.rate / other.rate:.2f} × rate, {ours.server / other.server:.2f} × CPU, "
        f"{(ours.server + ours.database) / (other.server + other.database):.2f} × both"
    )


def find_calm(figures: Sequence[Figure]) -> Figure:
    """The round in which other programs took least of the machine."""
    return min(figures, key=lambda figure: figure.others)
