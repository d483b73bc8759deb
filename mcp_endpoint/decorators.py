"""What @tool, @resource and @prompt say to somebody who writes them wrongly.

Python's own words name neither what was meant nor that a decorator without arguments is none.
"""

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from typing import ParamSpec, TypeVar

Options = ParamSpec("Options")
Register = TypeVar("Register")


def explained(decorator: Callable[Options, Register]) -> Callable[Options, Register]:
    """The same decorator, which takes keyword arguments only.

    Raises:
        TypeError: it was written bare, or has no such argument; the text says what to write.
    """
    name = decorator.__name__
    known = list(inspect.signature(decorator).parameters)

    @wraps(decorator)
    def explain(*arguments: Options.args, **options: Options.kwargs) -> Register:
        if arguments:
            raise TypeError(f"write @{name}(scope=…, title=…, …)")
        for option in options:
            if option not in known:
                close = get_close_matches(option, known, n=1)
                meant = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
                raise TypeError(f"{name}() has no {option}; {meant}")
        return decorator(*arguments, **options)

    return explain
