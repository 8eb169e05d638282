"""Speed, and builds beside each other: `bench` and `builds`."""

import math
from argparse import ArgumentTypeError
from typing import Annotated

import typer

from lazyadam.suites.commands.app import OUT, Device, Out, Profile, Python, Seed, app, interpreter
from lazyadam.suites.commands.options import Targets, apart, chosen, number, one_of
from lazyadam.suites.commands.options import threads as some_threads
from lazyadam.suites.run.seed import whole_number

SIZES = ("table_rows", "width", "touched_rows", "duplicates", "table", "zipf")
PANEL = "Sizes: the usual ones, or some, or all, or every combination of those given"

Candidate = Annotated[
    str | None, typer.Option(metavar="PYTHON", help="the interpreter that has the other build")
]
Numbers = Annotated[
    list[int] | None,
    typer.Option(metavar="N", parser=number, help="repeatable; also 1e6", rich_help_panel=PANEL),
]
Touched = Annotated[
    list[int] | None,
    typer.Option(
        "--touched-rows",
        "--rows",
        metavar="N",
        parser=number,
        help="of a gradient, repeats counted; repeatable",
        rich_help_panel=PANEL,
    ),
]


Pythons = Annotated[
    list[str] | None,
    typer.Option(
        "--python",
        metavar="PYTHON",
        parser=interpreter,
        help="the interpreter that has it, by path or name; of more each is measured beside the first",
    ),
]


def table_of(typed: str) -> tuple[int, int]:
    """Rows and width of a table."""
    rows, by, width = typed.lower().replace("×", "x").partition("x")
    if not by:
        raise typer.BadParameter(f"{typed} is no ROWSxWIDTH, as 1e6x64", param_hint="--table")
    return number(rows, option="--table"), number(width, option="--table")


def share(typed: str) -> float:
    """A share of the time, as 0.1 or 10%."""
    number, per_cent, rest = typed.partition("%")
    try:
        value = float(number) / (100 if per_cent else 1)
    except ValueError:
        value = math.nan
    if rest or not 0 <= value < math.inf:
        raise typer.BadParameter(f"{typed} is no share from 0 on, as 0.1 or 10%")
    return value


@app.command(
    epilog="Examples: lazyadam bench torch --quick · lazyadam bench my_optimizer.py torch.SparseAdam "
    "--table 1e6x64 --rows 8192 --zipf · lazyadam bench torch.SparseAdam --candidate other/bin/python · "
    "lazyadam bench torch --python torch-2.13 --python torch-2.15. Exits with 1 where "
    "the candidate is slower, 2 where nothing was measured or a candidate can't be told "
    "from it, 130 where it was interrupted: tables are whole then, and have what was measured."
)
def bench(
    context: typer.Context,
    targets: Targets = None,
    candidate: Candidate = None,
    slowdown: Annotated[
        float | None,
        typer.Option(metavar="SHARE", parser=share, help="waste time in the candidate, to see it found"),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", parser=share, help="the slowdown that has to be seen", show_default="10%"
        ),
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="measure the reference, and what verification costs")
    ] = False,
    trials: Annotated[
        bool, typer.Option("--trials", help="try how often --candidate finds a slowdown of 15 %")
    ] = False,
    suite: Annotated[
        bool, typer.Option("--suite", help="where the time of a run of the suite goes, for each backend")
    ] = False,
    device: Device = "cpu",
    threads: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N[,N]",
            help="also 1,2; repeatable",
            show_default="1, and all for steps of 4 MiB or more; beside a candidate 1",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", rich_help_panel=PANEL)] = False,
    full: Annotated[bool, typer.Option("--full", rich_help_panel=PANEL)] = False,
    table: Annotated[
        str | None,
        typer.Option(metavar="ROWSxWIDTH", help="as 1e6x64", rich_help_panel=PANEL),
    ] = None,
    table_rows: Numbers = None,
    width: Numbers = None,
    touched_rows: Touched = None,
    duplicates: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="none, zipf, hot or dense; repeatable", rich_help_panel=PANEL),
    ] = None,
    zipf: Annotated[bool, typer.Option("--zipf", help="as --duplicates zipf", rich_help_panel=PANEL)] = False,
    python: Pythons = None,
    out: Out = OUT,
) -> int:
    """Measure how fast backends are; or one beside a changed one.

    Ranks those that are right, beside what the memory allows. With --candidate it is a gate; with several
    --python it compares releases, their speed and their bits.
    """
    measured = ("threads", "quick", "full", *SIZES)
    apart(context, ("reference",), ("trials",), ("suite",), ("candidate", "slowdown", "threshold"))
    apart(context, ("reference",), ("trials",), ("suite",), measured)
    apart(context, ("reference",), ("trials",), ("targets", "device"))
    apart(context, ("quick",), ("full",), SIZES)
    apart(context, ("table",), ("table_rows", "width"))
    apart(context, ("zipf",), ("duplicates",))
    base, *others = python or [""]
    if candidate is not None and others:
        raise typer.TyperException("--candidate goes with one --python: the base")
    if slowdown is not None and candidate is None:
        raise typer.TyperException("--slowdown goes with --candidate")
    if threshold is not None and candidate is None and not others:
        raise typer.TyperException("--threshold goes with --candidate, or with several --python")

    from lazyadam.reports.tables import try_to_write
    from lazyadam.suites.backends.base import DEVICES
    from lazyadam.suites.cases import configuration
    from lazyadam.suites.performance import candidate as gate
    from lazyadam.suites.performance import measuring as speed
    from lazyadam.suites.performance import reference as costs
    from lazyadam.suites.performance import releases
    from lazyadam.suites.performance import trials as tried
    from lazyadam.suites.performance.statistics import LEAST

    if reference or trials:
        try_to_write(out)
        return costs.run(out) if reference else tried.run(out)
    device = one_of(device, DEVICES, "--device")
    if table is not None:
        rows, columns = table_of(table)
        table_rows, width = [rows], [columns]
    kinds = (
        ["zipf"]
        if zipf
        else [one_of(kind, configuration.DUPLICATES, "--duplicates") for kind in duplicates or ()]
    )
    try:
        sizes = configuration.chosen(table_rows, width, touched_rows, kinds, quick, full, device)
    except ValueError as error:
        raise typer.TyperException(f"nothing was measured: {error}") from None
    counts = [some_threads(count) for typed in threads or () for count in typed.split(",")]
    these = chosen(targets, out, here_first=candidate is None and not others, python=base)
    if candidate is not None:
        check(candidate)
    try_to_write(out)
    if suite:
        from lazyadam.suites.performance import suite as runs

        return runs.run(these, device, out)
    if candidate is None and not others:
        return speed.run(these, bool(targets), device, counts, sizes, out)
    gated = [backend for backend in these if targets or not backend.repeats]
    if not (quick or full or table_rows or width or touched_rows or kinds):
        sizes = list(gate.GATED)
    seen = LEAST if threshold is None else threshold
    if candidate is not None:
        question = gate.Question(candidate, seen, slowdown or 0.0)
        return gate.run(gated, device, counts or [1], sizes, question, out)
    return releases.run(gated, device, counts or [1], sizes, [gate.Question(x, seen) for x in others], out)


@app.command(
    epilog="Example: lazyadam builds torch.SparseAdam --candidate other/bin/python. Exits as cmp does: with "
    "0 where every bit is the same, 1 where one differs, 2 where something was not compared."
)
def builds(
    candidate: Annotated[
        str, typer.Option(metavar="PYTHON", help="the interpreter that has the other build")
    ],
    targets: Targets = None,
    device: Device = "cpu",
    profile: Profile = "ci",
    seed: Seed = "0",
    python: Python = None,
    out: Out = OUT,
) -> int:
    """Compare two builds of backends, bit for bit.

    On the same cases: the steps in which they part, the worst first, each with a trace.
    """
    from lazyadam.reports.tables import try_to_write
    from lazyadam.suites.backends.base import DEVICES, NotRun
    from lazyadam.suites.conformance.budget import BUDGETS
    from lazyadam.suites.equivalence.builds import run

    device = one_of(device, DEVICES, "--device")
    profile = one_of(profile, BUDGETS, "--profile")
    try:
        number = whole_number(str(seed))
    except ArgumentTypeError as error:
        raise typer.BadParameter(str(error), param_hint="--seed") from None
    # Else both builds would be the one that lies here.
    these = chosen(targets, out, here_first=False, python=python or "")
    check(candidate)
    try_to_write(out)
    try:
        return run(these, device, candidate, profile, number, out)
    except NotRun as error:
        raise typer.TyperException(str(error)) from None


def check(candidate: str) -> None:
    """Refuse what is no interpreter that a worker can run in."""
    from lazyadam.suites.backends.own.interpreter import refusal

    if why := refusal(candidate):
        raise typer.BadParameter(why, param_hint="--candidate")
