"""A published run, and the command run in this process."""

from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import StringIO

from lazyadam.reports.ending import status_of
from lazyadam.reports.tables import RECORDED as RUN
from lazyadam.suites.commands.app import run

__all__ = ["RUN", "Ran", "lazyadam"]
Command = Callable[..., tuple[int, list[str], list[str]]]


@dataclass
class Ran:
    returncode: int
    stdout: str
    stderr: str


def lazyadam(*arguments: object) -> Ran:
    """`lazyadam`, in this process."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = status_of(partial(run, [*map(str, arguments)]))
    return Ran(int(code or 0), out.getvalue(), err.getvalue())
