"""Why the start failed, in one sentence: which file of a host application, which line, what.

Django's start is twenty frames deep; what its author has to mend would be at the end of them.
"""

import sysconfig
import traceback
from pathlib import Path

# The interpreter's own files, installed packages and ours are where an error surfaced, not where
# it was written.
NOT_THEIRS = (sysconfig.get_path("stdlib"), str(Path(__file__).parent), "<frozen")


def describe_failure(error: Exception) -> str:
    """The place in the host application's code, and what is wrong there."""
    kind = type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{name_place(error.filename, error.lineno)}: {kind}: {error.msg}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(NOT_THEIRS) and "site-packages" not in frame.filename
    ]
    # Without one of theirs the error is in what they imported.
    frame = (frames or traceback.extract_tb(error.__traceback__))[-1]
    what = str(error).partition("\n")[0]
    return f"{name_place(frame.filename, frame.lineno)}: {kind}: {what}"


def name_place(file: str | None, line: int | None) -> str:
    """File and line, short if the file lies below the working directory."""
    if file is None:
        return "somewhere"
    path = Path(file)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}, line {line}"
