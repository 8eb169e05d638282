"""A published run, and the reports made from one."""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import StringIO

from reports.__main__ import main
from reports.command import status_of
from reports.tables import OUT

RUN = OUT.parent / "published" / "cpu"


@dataclass
class Ran:
    returncode: int
    stdout: str
    stderr: str


def reports(*arguments: object) -> Ran:
    """python -m reports, in this process."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = status_of(partial(main, [*map(str, arguments)]))
    return Ran(int(code or 0), out.getvalue(), err.getvalue())
