"""How a command ends: with its own status, or with 2 and a line that says why it could not do its work."""

import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from traceback import extract_tb

from lazyadam.reports.errors import TableError

INTERRUPTED = 130  # as shells say it of SIGINT
UNREAD = 141  # and of SIGPIPE: nobody reads any more what it prints


def status_of(main: Callable[[], int], failed: int = 2) -> int | str | None:
    """Run a command; the exit status: `failed` where it could not do its work, 130 where it was interrupted.

    1 would say that something diverges or got worse, and is what Python exits with after an error.
    """
    try:
        return _ended(main)
    except KeyboardInterrupt:
        why, failed = "interrupted: what was written is whole", INTERRUPTED
    except BrokenPipeError as error:
        if _is_unread():
            _flush()
            return UNREAD
        why = f"a process that it talks to has ended: {error}"
    except TableError as error:
        why = str(error)
    except MemoryError:
        why = "there is not enough memory"
    except OSError as error:
        why = f"{error.filename or _nameless()}: {error.strerror or error}"
    except Exception as error:
        at = extract_tb(error.__traceback__)[-1]
        of = getattr(getattr(error, "obj", None), "__file__", None)  # a module that is not what it is called
        why = f"{type(error).__name__}: {error}{f' of {of}' if of else ''} ({at.filename}:{at.lineno})"
    _say(why)
    return failed


def open_streams() -> None:
    """Standard streams that were closed go nowhere: the next file to be opened would take their place.

    What they can't write is escaped.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout, sys.stderr = sys.stdout or os.fdopen(1, "w"), sys.stderr or os.fdopen(2, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nameless() -> str:
    """Where an error of the system is that names no file."""
    try:
        os.getcwd()
    except OSError:
        return "the folder that this is called in"
    return "what it prints"


def _is_unread() -> bool:
    """Whether whoever read what this prints has closed the pipe."""
    try:
        output = select.poll()
        output.register(sys.stdout.fileno(), 0)  # asks for errors alone
        return bool(output.poll(0))
    except (OSError, ValueError):  # no file
        return False


def _ended(main: Callable[[], int]) -> int | str | None:
    """Its status, after all that it printed has been written: at the end of Python nobody could tell."""
    try:
        status: int | str | None = main()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer and rich make a 1 of it
            return UNREAD
        status = end.code
    sys.stdout.flush()
    return status


def _say(why: str) -> None:
    with suppress(OSError):
        print("".join(c if c.isprintable() else repr(c)[1:-1] for c in why), file=sys.stderr, flush=True)
    _flush()


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError:  # Python would try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
