"""What a run prints: medians over its rounds, and ratios taken within each round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.stage import say

OURS = "DocJacket MCP"
HEADINGS = (
    "server",
    "calls/s",
    "server CPU µs (least)",
    "PostgreSQL CPU µs",
    "median ms",
    "p99 ms",
    "generator, of a core",
    "ours has",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: calls a second; seconds of processor a call; seconds of waiting.

    ``busy`` is the share of one core that the load generator took.
    """

    rate: float
    server: float
    database: float
    load: float
    busy: float
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
        say(f"\n{level} connection{'s' * (level > 1)}; medians of {len(next(iter(rows.values())))}")
        say(f"| {' | '.join(HEADINGS)} |")
        say("|---" * len(HEADINGS) + "|")
        for title, figures in rows.items():
            say(write_row(title, figures, ours))


def write_row(title: str, figures: Sequence[Figure], ours: Sequence[Figure] | None) -> str:
    """One server's line."""
    least = min(figure.server for figure in figures)
    cells = [
        title,
        f"{median(figure.rate for figure in figures):.0f}",
        f"{median(figure.server for figure in figures) * 1e6:.0f} ({least * 1e6:.0f})",
        f"{median(figure.database for figure in figures) * 1e6:.0f}",
        f"{median(figure.median for figure in figures) * 1e3:.1f}",
        f"{median(figure.p99 for figure in figures) * 1e3:.1f}",
        f"{median(figure.busy for figure in figures):.0%}",
        compare(figures, ours),
    ]
    return f"| {' | '.join(cells)} |"


def compare(figures: Sequence[Figure], ours: Sequence[Figure] | None) -> str:
    """How much faster our first revision is, by rate and by processor, within the same rounds."""
    if ours is None or figures is ours:
        return ""
    pairs = list(zip(ours, figures, strict=True))
    rate = median(own.rate / other.rate for own, other in pairs)
    cpu = median(other.server / own.server for own, other in pairs)
    return f"{rate:.2f}x the rate, 1/{cpu:.2f} of the CPU"
