"""Judging backends: `check` and `report`."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lazyadam.suites.backends.typed import meant
from lazyadam.suites.commands.app import OUT, Device, Out, Profile, Python, Seed, app
from lazyadam.suites.commands.options import chosen, near_path, one_of
from lazyadam.suites.commands.options import processes as at_once
from lazyadam.suites.commands.running import Asked, as_it_is, judge

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
Resume = Annotated[
    bool,
    typer.Option("--resume", help="go on with the same run into --out, which was ended: what is done stays"),
]
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
    resume: Resume = False,
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
    return judge(
        ("suites/conformance",), given, Asked(pins, device, profile, seed, processes, show, resume, out)
    )


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
    resume: Resume = False,
    of: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="DIR", help="judge nothing: of a run that was ended there, what was done"
        ),
    ] = None,
    out: Out = OUT,
) -> int:
    """Judge every backend that is here, compare them with each other, and write tables and the page."""
    from lazyadam.reports.answer import beside, in_brief
    from lazyadam.reports.pages import PAGES, PARTS, write_pages
    from lazyadam.reports.tables import TableError, read
    from lazyadam.reports.told import wrapped
    from lazyadam.suites.run.steps import Steps

    if of is not None:
        out, status = of, as_it_is(of)
    else:
        targets = [*targets, *declared(program, library, out)]
        given = named(chosen(targets, out, python=python or "")) if targets else []
        given += [f"--python={python}"] if python and not targets else []
        suites = ("suites/equivalence", "suites/conformance")
        status = judge(suites, given, Asked(pins, device, profile, seed, processes, show, resume, out))
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
