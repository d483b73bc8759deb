"""Figures that a run prints at its end: how many requests, how long, which answers."""

_lines: list[str] = []


def report(line: str) -> None:
    """Have this line printed."""
    _lines.append(line)


def reported() -> list[str]:
    """Everything so far."""
    return list(_lines)
