"""Judging backends: `check` and `report`."""

import os
import sys
from argparse import ArgumentTypeError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lazyadam.suites.backends.typed import meant
from lazyadam.suites.commands.app import OUT, Device, Out, Profile, Python, Seed, app
from lazyadam.suites.commands.options import chosen, near_path, one_of
from lazyadam.suites.commands.options import processes as at_once

if TYPE_CHECKING:
    from lazyadam.suites.backends.base import Backend

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="[TARGET…]",
        help="a backend, or the beginning of names; a Python file; or package.module.Class",
        show_default=False,
    ),
]
Programs = Annotated[
    list[Path],
    typer.Option("--program", metavar="FILE", help="a program that speaks suites/backends/PROGRAM.md"),
]
Libraries = Annotated[
    list[Path],
    typer.Option("--library", metavar="FILE", help="a shared library with the function stated there"),
]
Only = Annotated[list[str], typer.Option("--only", metavar="CLAUSE", help="this clause alone; repeatable")]
Pins = Annotated[
    list[Path], typer.Option("--pins", metavar="DIR", help="known divergences of your own; repeatable")
]
Show = Annotated[
    list[str], typer.Option("--show", metavar="TABLE", help="print this table too, or all; repeatable")
]
Processes = Annotated[
    int | None,
    typer.Option("-n", "--processes", metavar="N", parser=at_once, help="default: one a core"),
]
OTHERS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")  # of somebody's own tests
LISTED = "; lazyadam list names the backends"


@app.command(
    epilog="Examples: lazyadam check my_optimizer.py · lazyadam check torch.SparseAdam --only duplicates · "
    "lazyadam check mypackage.optim.LazyAdamW · lazyadam check --program ./my_adam",
)
def check(
    targets: Targets = [],
    only: Only = [],
    quick: Annotated[
        bool, typer.Option("--quick", help="known divergences, the fingerprint and the update rule alone")
    ] = False,
    program: Programs = [],
    library: Libraries = [],
    pins: Pins = [],
    device: Device = "cpu",
    profile: Profile = "ci",
    seed: Seed = None,
    processes: Processes = None,
    show: Show = [],
    python: Python = None,
    out: Out = OUT,
) -> int:
    """Judge optimizers: every clause in every type, step by step, against the rounding bound."""
    from lazyadam.suites.clauses import CLAUSES

    targets = [*targets, *declared(program, library, out)]
    if not targets:
        raise typer.TyperException("nothing is named that is to be checked; lazyadam list names the backends")
    if quick and only:
        raise typer.TyperException("--only does not go with --quick")
    only = [one_of(clause, CLAUSES, "--only") for clause in only]
    these = chosen(targets, out, python=python or "")
    missing = {(b.name, clause): CLAUSES[clause].missing(b) for b in these for clause in only}
    not_tried = [f"{clause} is not tried: {name} {why}" for (name, clause), why in missing.items() if why]
    if only and all(missing.values()):
        raise typer.TyperException("; ".join(not_tried))
    given = [*named(these), *(f"--only={clause}" for clause in only), *(["-m", "quick"] if quick else [])]
    loaded = [f"{b.name} is loaded from {b.origin.file}" for b in these if b.origin and b.origin.file]
    for line in (*loaded, *not_tried):
        print(line, file=sys.stderr)
    return judge(("suites/conformance",), given, Asked(pins, device, profile, seed, processes, show, out))


@app.command(epilog="Example: lazyadam report --out results")
def report(
    targets: Annotated[list[str], typer.Argument(metavar="[TARGET…]", help="default: all")] = [],
    program: Programs = [],
    library: Libraries = [],
    pins: Pins = [],
    device: Device = "cpu",
    profile: Profile = "ci",
    seed: Seed = None,
    processes: Processes = None,
    show: Show = [],
    python: Python = None,
    out: Out = OUT,
) -> int:
    """Judge every backend that is here, compare them with each other, and write tables and the page."""
    from lazyadam.reports.answer import beside, in_brief
    from lazyadam.reports.pages import PAGES, PARTS, write_pages
    from lazyadam.reports.tables import TableError, read
    from lazyadam.reports.told import wrapped
    from lazyadam.suites.run.steps import Steps

    targets = [*targets, *declared(program, library, out)]
    given = named(chosen(targets, out, python=python or "")) if targets else []
    given += [f"--python={python}"] if python and not targets else []
    suites = ("suites/equivalence", "suites/conformance")
    status = judge(suites, given, Asked(pins, device, profile, seed, processes, show, out))
    if status not in (0, 1):
        return status
    with Steps(PARTS) as steps:
        missing = write_pages(out, steps.begin)
    with suppress(TableError):
        for sentence in in_brief(beside(read("pairs", out))):
            print(*wrapped(sentence), sep="\n")
    print(*missing, sep="\n", end="\n" if missing else "", file=sys.stderr)
    print(f"{', '.join(PAGES)} in {out}")
    return status


def declared(programs: list[Path], libraries: list[Path], out: Path) -> list[str]:
    """Files that declare programs and libraries, written below `out`."""
    from lazyadam.reports.tables import write_text
    from lazyadam.suites.backends.own.class_file import DECLARED, LIBRARY, PROGRAM, of_file

    files = []
    for text, paths in ((PROGRAM, programs), (LIBRARY, libraries)):
        for path in paths:
            if not path.is_file():
                raise typer.TyperException(f"no file {path}{near_path(path)}")
            name, declaration = of_file(text, path)
            file = (out / DECLARED / f"{name}.py").absolute()
            write_text(declaration, file)
            files.append(str(file))
    return files


def named(these: "list[type[Backend]]") -> list[str]:
    """The options of pytest that name backends, and the files that declare them."""
    files = dict.fromkeys(backend.file for backend in these if backend.file)
    pythons = dict.fromkeys(backend.python for backend in these if backend.python)
    return [
        *(f"--backend={b.name}" for b in these),
        *(f"--backend-file={file}" for file in files),
        *(f"--python={python}" for python in pythons),
    ]


@dataclass(frozen=True)
class Asked:
    """What a run is asked for, beside what it judges."""

    pins: list[Path]
    device: str
    profile: str
    seed: str | None
    processes: int | None
    show: list[str]
    out: Path


def judge(suites: tuple[str, ...], given: list[str], asked: Asked) -> int:
    """Run pytest on the suites; its exit status as that of a command."""
    import pytest

    from lazyadam.reports.schema import SHOWN
    from lazyadam.reports.tables import foreign, try_to_write
    from lazyadam.suites.backends.base import DEVICES
    from lazyadam.suites.backends.workers import guard
    from lazyadam.suites.backends.workers.start import ROOT
    from lazyadam.suites.conformance.budget import BUDGETS
    from lazyadam.suites.run.machine import all_threads
    from lazyadam.suites.run.progress import EXIT, Teller
    from lazyadam.suites.run.seed import whole_number

    device = one_of(asked.device, DEVICES, "--device")
    profile = one_of(asked.profile, BUDGETS, "--profile")
    show = [one_of(table, (*SHOWN, "all"), "--show") for table in asked.show]
    pins, seed, processes, out = asked.pins, asked.seed, asked.processes, asked.out
    if seed is not None:
        try:
            whole_number(seed)
        except ArgumentTypeError as error:
            raise typer.BadParameter(str(error), param_hint="--seed") from None
    for folder in pins:
        if not folder.is_dir():
            raise typer.BadParameter(f"no folder {folder}{near_path(folder)}", param_hint="--pins")
    few = "quick" in given or any(option.startswith("--only=") for option in given)
    several = processes if processes is not None else 1 if few else all_threads()
    # Each backend keeps to one process; fewer than there are processes are spread.
    count = sum(option.startswith("--backend=") for option in given)
    spread = "worksteal" if 0 < count < several else "loadgroup"
    options = [
        *("-c", os.devnull, f"--rootdir={ROOT}", "--import-mode=importlib"),  # and nobody's settings
        *("-p", "no:cacheprovider", "-p", "no:terminalreporter"),
        # A signal that falls into a callback of Python's is heeded later, and there told in words.
        *("-W", "ignore::pytest.PytestUnraisableExceptionWarning"),
        *(("-n", several, "--dist", spread) if several > 1 else ()),
        *(ROOT / suite for suite in suites),
        *(f"--pins={folder.absolute()}" for folder in pins),
        *(f"--show={table}" for table in show),
        *(f"--device={device}", f"--profile={profile}", f"--out={out.absolute()}"),
        *((f"--seed={seed}",) if seed is not None else ()),
        *given,
    ]
    try_to_write(out)
    if foreign(out):
        raise typer.TyperException(f"{out / 'verdicts.csv'} is no table of a run; another folder: --out DIR")
    for name in OTHERS:
        os.environ.pop(name, None)
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(guard.folder())  # goes with the run, however that ends
    teller = Teller()
    status = int(pytest.main([*map(str, options)], plugins=[teller]))
    if status == pytest.ExitCode.INTERRUPTED and not teller.ended:
        raise KeyboardInterrupt
    return EXIT.get(status, status)


def resolve(
    targets: list[str], out: Path, here_first: bool = True, python: str = ""
) -> tuple[list[str], list[Path]]:
    """Names of backends, and files: given, or written for classes that are named alone.

    here_first: a class is looked for in the folder that this is called in before what is installed.
    """
    from lazyadam.reports.tables import write_text
    from lazyadam.suites.backends.own.class_file import DECLARED, declaration, is_class, like
    from lazyadam.suites.backends.own.declaration import BrokenDeclaration
    from lazyadam.suites.backends.own.reader import read
    from lazyadam.suites.backends.registry import BACKENDS
    from lazyadam.suites.backends.selecting import named

    names: list[str] = []
    files: list[Path] = []
    for target in targets:
        path = Path(target)
        if path.suffix == ".py" or path.is_file():
            if not path.is_file():
                raise typer.TyperException(f"no file {target}{near_path(path)}")
            files.append(path.absolute())
        elif found := named(target):
            names += found
        elif is_class(target):
            file = (out / DECLARED / f"{target}.py").absolute()
            write_text(declaration(target, Path.cwd(), here_first), file)
            try:
                read(file, python)
            except BrokenDeclaration as error:
                file.unlink()
                with suppress(OSError):  # nothing is left behind, where nothing else is there
                    file.parent.rmdir()
                    out.rmdir()
                why = str(error).removeprefix(f"{target}: ")
                near = [] if python else like(target, Path.cwd())
                known = meant(target, [*near, *BACKENDS])
                lacking = f"no backend or class {target!r} ({why}){known or LISTED}"
                raise typer.TyperException(lacking) from None
            files.append(file)
        else:
            lacking = f"no backend, file or class {target!r}{meant(target, BACKENDS) or LISTED}"
            raise typer.TyperException(lacking)
    return names, files
