"""What is here, and files to start from: `doctor` and `init`."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from lazyadam.suites.backends.typed import one
from lazyadam.suites.commands.app import app, interpreter
from lazyadam.suites.commands.options import near_path, one_of
from lazyadam.suites.commands.telling import asked, say

KINDS = ("numpy", "torch", "ctypes", "github")


@app.command(epilog="Example: lazyadam doctor --install paddle")
def doctor(
    install: Annotated[
        str | None,
        typer.Option(metavar="FRAMEWORK", help="make the environment of one that has its own, by tox"),
    ] = None,
) -> int:
    """Say what is here, what can run here, what can't and why, and the line that installs it."""
    from lazyadam.suites.backends.peers import environment_of
    from lazyadam.suites.backends.registry import PEERS
    from lazyadam.suites.backends.workers.start import ROOT
    from lazyadam.suites.telling.doctor import examined

    if install is None:
        say(examined())
        return 0
    of = one_of(install, {environment_of(backend.spec) for backend in PEERS.values()}, "--install")
    if not (ROOT / "tox.ini").is_file():
        raise typer.TyperException(f"{ROOT}: no tox.ini: other frameworks need a clone of the suite")
    if find_spec("tox") is None:
        raise typer.TyperException("tox is not here: pip install tox")
    made = subprocess.run([sys.executable, "-m", "tox", "-e", f"peer-{of}"], cwd=ROOT, check=False)
    return 2 if made.returncode else 0


@app.command(epilog="Example: lazyadam name torch-2.15 ~/torch-2.15/bin/python")
def name(
    name: Annotated[str, typer.Argument(help="to give after --python from now on")],
    python: Annotated[str, typer.Argument(metavar="PYTHON", parser=interpreter, help="its path")],
) -> int:
    """Name an interpreter, for --python. `lazyadam doctor` lists the names."""
    from lazyadam.suites.backends.own.environments import file, keep

    if not re.fullmatch(r"[\w.-]+", name):
        raise typer.BadParameter(f"{name!r} is no name: letters, digits, '.', '_' and '-'", param_hint="NAME")
    keep(name, python)
    say([f"{name} is {python} from now on ({file()})"])
    return 0


@app.command()
def init(
    kind: Annotated[str, typer.Argument(metavar="|".join(KINDS), help="what to start from")],
    file: Annotated[
        Path | None,
        typer.Argument(help="what to write; of github what to judge [my_optimizer.py]"),
    ] = None,
) -> int:
    """Write a file to start from: an optimizer, or a workflow that judges one.

    A file that is there is never written over.
    """
    from lazyadam.suites.backends.own.class_file import is_class
    from lazyadam.suites.commands import starting

    chosen, path = asked(one, "file to start from", kind, KINDS), file or starting.OWN
    if chosen == "github" and file and not file.is_file() and not is_class(str(file)):
        raise typer.TyperException(
            f"no file {file}{near_path(file) or ': github takes the optimizer to judge'}"
        )
    say(asked(starting.workflow, path) if chosen == "github" else asked(starting.optimizer, chosen, path))
    return 0
