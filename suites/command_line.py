"""What the commands beside pytest share: options, which backends they run, and where their tables go."""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from reports.tables import OUT, NotWritten, try_to_write
from suites.backends.base import DEVICES, Backend
from suites.backends.declaration import BrokenDeclaration
from suites.backends.process import START_SECONDS
from suites.backends.registry import UnknownBackend, select
from suites.machine import unsupported

MOST_DIGITS = 18
NEEDED = "numpy, ml_dtypes, psutil"  # by a worker, beside what the optimizer needs


def bare(module: str, documentation: str | None) -> argparse.ArgumentParser:
    """A parser that only asks where the tables go. documentation: of its module."""
    if why := unsupported():
        ends(why)
    p = argparse.ArgumentParser(f"python -m {module}", description=(documentation or "").partition("\n")[0])
    p.add_argument("--out", type=_folder, default=str(OUT), metavar="DIR", help="where the tables go")
    return p


def parser(module: str, documentation: str | None) -> argparse.ArgumentParser:
    """A parser of the options that every command with backends takes."""
    p = bare(module, documentation)
    p.add_argument("--backend", action="append", default=[], metavar="NAME", help="as of pytest; repeatable")
    p.add_argument(
        "--backend-file", action="append", default=[], type=Path, metavar="FILE", help="as of pytest"
    )
    p.add_argument("--device", default="cpu", choices=DEVICES)
    return p


def whole_number(text: str) -> int:
    """A seed."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        said = text if len(text) <= MOST_DIGITS else f"{text[:MOST_DIGITS]}…"
        raise argparse.ArgumentTypeError(
            f"{said!r} is no whole number from 0 on, of at most {MOST_DIGITS} digits"
        )
    return int(text)


def ends(why: str) -> NoReturn:
    """Say in a line why nothing could be compared or measured; exit status 2."""
    print(why, file=sys.stderr)
    sys.exit(2)


def backends(options: argparse.Namespace) -> list[type[Backend]]:
    """Those chosen by `--backend` and `--backend-file`; a line and exit status 2 where that is impossible."""
    try:
        return select(options.backend, options.backend_file)
    except (UnknownBackend, BrokenDeclaration) as error:
        ends(str(error))


def check_interpreter(command: str) -> None:
    """A line and exit status 2 where a command is no Python that a worker can run in."""
    said = f"--candidate {command}:"
    try:
        started = [*shlex.split(command), "-c", f"import {NEEDED}; print({NEEDED!r})"]
        ran = subprocess.run(
            started, capture_output=True, text=True, errors="replace", timeout=START_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        ends(f"{said} does not start: {error}")
    if ran.stdout.strip().endswith(NEEDED):
        return
    last = (ran.stderr.strip().splitlines() or ["it prints no error"])[-1]
    ends(f"{said} is no Python interpreter that has {NEEDED}: {last}")


def _folder(text: str) -> Path:
    """A folder that can be written to: found out before the run."""
    path = Path(text)
    try:
        try_to_write(path)
    except NotWritten as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return path
