"""What the commands beside pytest share: which backends they run, and where their tables go."""

import argparse
import sys
from pathlib import Path

from reports.tables import OUT
from suites.backends.base import DEVICES, Backend
from suites.backends.declaration import BrokenDeclaration
from suites.backends.registry import UnknownBackend, select


def parser(module: str, documentation: str | None) -> argparse.ArgumentParser:
    """A parser of the options that every command takes. documentation: of its module."""
    p = argparse.ArgumentParser(f"python -m {module}", description=(documentation or "").partition("\n")[0])
    p.add_argument("--backend", action="append", default=[], metavar="NAME", help="as of pytest; repeatable")
    p.add_argument(
        "--backend-file", action="append", default=[], type=Path, metavar="FILE", help="as of pytest"
    )
    p.add_argument("--device", default="cpu", choices=DEVICES)
    p.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where the tables go")
    return p


def backends(options: argparse.Namespace) -> list[type[Backend]]:
    """Those chosen by `--backend` and `--backend-file`; a line and exit status 2 where that is impossible."""
    try:
        return select(options.backend, options.backend_file)
    except (UnknownBackend, BrokenDeclaration) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
