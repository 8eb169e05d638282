"""How a command ends: with its own status, or with 2 and a line that says why it could not do its work."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from traceback import extract_tb

from lazyadam.reports.errors import TableError


def status_of(main: Callable[[], int]) -> int | str | None:
    """Run a command; the exit status.

    1 would say that something diverges or got worse, and is what Python exits with after an error.
    """
    try:
        return _ended(main)
    except TableError as error:
        return _broken(str(error))
    except OSError as error:
        return _broken(f"{error.filename or 'what it prints'}: {error.strerror or error}")
    except Exception as error:
        at = extract_tb(error.__traceback__)[-1]
        return _broken(f"{type(error).__name__}: {error} ({at.filename}:{at.lineno})")


def _ended(main: Callable[[], int]) -> int | str | None:
    """Its status, after all that it printed has been written: at the end of Python nobody could tell."""
    try:
        status: int | str | None = main()
    except SystemExit as end:
        status = end.code
    sys.stdout.flush()
    return status


def _broken(why: str) -> int:
    with suppress(OSError):
        print("".join(c if c.isprintable() else repr(c)[1:-1] for c in why), file=sys.stderr, flush=True)
    try:
        sys.stdout.flush()
    except OSError:  # Python would try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 2
