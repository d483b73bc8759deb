"""Rotating the signing keys without refusing anybody: publish, activate, retire.

A new key is published a day before it signs, so that whoever caches the key set has it in time.
The old one is accepted until the last token it signed has expired. Each file appears or changes
as a whole, and at no moment is a key missing that somebody's token needs.
"""

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from django.conf import settings

from oauth_ext.keys import build_private_key

PUBLISHED_AHEAD = timedelta(hours=24)
# Beyond the life of the last token signed: clocks differ, and a rotation may take a while.
SPARE = timedelta(hours=1)


class Step(StrEnum):
    """What a run does."""

    PUBLISHED = "A new key is published. Run this again in a day to let it sign."
    ACTIVATED = "The new key signs. Run this again in a few hours to retire the old one."
    RETIRED = "The old key is gone. The rotation is complete."
    WAITING = "Nothing to do yet."
    REPLACED = (
        "The key was replaced at once. Every access token is refused from now on; clients refresh."
    )


@dataclass(frozen=True, slots=True)
class Due:
    """The step that a run would take now, and what it says."""

    step: Step
    said: str

    @classmethod
    def later(cls, what: str, at: datetime) -> "Due":
        """Nothing now; ``what`` may happen at ``at``."""
        when = at.astimezone(UTC)
        said = f"{Step.WAITING} {what} from {when.day} {when:%b %Y, %H:%M} UTC."
        return cls(Step.WAITING, said)


def find_due(directory: Path, now: datetime, *, at_once: bool = False) -> Due:
    """Which step is due; touches nothing. ``at_once`` lets a published key sign without the day."""
    upcoming, previous = directory / "next.pem", directory / "previous.pem"
    step = Step.PUBLISHED
    if previous.exists():
        retires_at = find_written(previous) + timedelta(seconds=settings.ACCESS_TOKEN_TTL) + SPARE
        if now < retires_at:
            return Due.later("The old key may be retired", retires_at)
        step = Step.RETIRED
    elif upcoming.exists():
        signs_at = find_written(upcoming) + PUBLISHED_AHEAD
        if now < signs_at and not at_once:
            return Due.later("The new key may sign", signs_at)
        step = Step.ACTIVATED
    return Due(step, step.value)


def rotate(
    directory: Path, now: datetime, *, algorithm: str = "ES256", at_once: bool = False
) -> Step:
    """Take the step that is due."""
    step = find_due(directory, now, at_once=at_once).step
    upcoming, previous = directory / "next.pem", directory / "previous.pem"
    if step is Step.RETIRED:
        previous.unlink()
    elif step is Step.PUBLISHED:
        write_key(upcoming, build_private_key(algorithm))
    elif step is Step.ACTIVATED:
        current = directory / "current.pem"
        # The old key under both names first, then the new one takes the place of the current.
        write_key(previous, current.read_text())
        os.utime(previous, (now.timestamp(), now.timestamp()))
        upcoming.replace(current)
    return step


def replace_at_once(directory: Path, *, algorithm: str = "ES256") -> Step:
    """For a key that somebody else may have: nothing it signed is accepted any more."""
    for name in ("next", "previous"):
        with contextlib.suppress(FileNotFoundError):
            (directory / f"{name}.pem").unlink()
    write_key(directory / "current.pem", build_private_key(algorithm))
    return Step.REPLACED


def find_written(path: Path) -> datetime:
    """When the file was written."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def write_key(path: Path, text: str) -> None:
    """The file, whole or not at all, for its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
