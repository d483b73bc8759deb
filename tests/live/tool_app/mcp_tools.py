"""Tools whose effects can be counted from outside: an organization, or a file, of a given name."""

import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from accounts.models import Organization
from mcp_endpoint import paced_body, running
from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import tool

# In production it is 15 s and 10 s; nobody wants to wait for that in a test.
running.KEEP_ALIVE_SECONDS = 1.0
paced_body.PIECE_SECONDS = 2.0


class Work(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: str = ""
    steps: int = 0
    pause: float = 0.0
    directory: str = ""
    size: int = 0


class Done(BaseModel):
    key: str
    email: str = ""
    filler: str = ""


def take_steps(context: CallContext, arguments: Work) -> None:
    """Pause before each step but the first, and tell of it."""
    for number in range(1, arguments.steps + 1):
        if number > 1:
            time.sleep(arguments.pause)
        context.report_progress(number, arguments.steps, f"Step {number}")


def found(arguments: Work) -> None:
    """The effect in the database."""
    Organization.objects.create(name=arguments.key, slug=arguments.key)


@tool(scope="read", title="Walk", read_only=True, open_world=False, reports_progress=True)
def walk(context: CallContext, arguments: Work) -> Done:
    """Take steps, and change nothing."""
    take_steps(context, arguments)
    return Done(key=arguments.key, email=context.principal.email, filler="x" * arguments.size)


@tool(
    scope="actions",
    title="Note",
    read_only=False,
    destructive=False,
    idempotent=False,
    open_world=False,
)
def note(context: CallContext, arguments: Work) -> Done:
    """Leave a trace, then pause; runs in the web thread."""
    found(arguments)
    time.sleep(arguments.pause)
    return Done(key=arguments.key)


@tool(
    scope="actions",
    title="Note slowly",
    read_only=False,
    destructive=False,
    idempotent=False,
    open_world=False,
    reports_progress=True,
)
def note_slowly(context: CallContext, arguments: Work) -> Done:
    """Leave a trace, then take steps; runs apart."""
    found(arguments)
    take_steps(context, arguments)
    return Done(key=arguments.key)


@tool(
    scope="actions",
    title="Note too slowly",
    read_only=False,
    destructive=False,
    idempotent=False,
    open_world=False,
    reports_progress=True,
    time_limit=1.0,
)
def note_too_slowly(context: CallContext, arguments: Work) -> Done:
    """Leave a trace, then pause without looking at anything; has a second."""
    found(arguments)
    time.sleep(arguments.pause)
    found(arguments.model_copy(update={"key": f"{arguments.key}-late"}))
    return Done(key=arguments.key)


@tool(
    scope="actions",
    title="Send",
    read_only=False,
    destructive=False,
    idempotent=False,
    open_world=True,
    time_limit=3.0,
)
def send(context: CallContext, arguments: Work) -> Done:
    """Leave a trace outside the database and one inside, then take steps or pause."""
    Path(arguments.directory, arguments.key).touch()
    found(arguments)
    if not arguments.steps:
        time.sleep(arguments.pause)
    take_steps(context, arguments)
    return Done(key=arguments.key)
