"""Reports from the tables of runs: page, pair, diff, gate, accept, versions, history, summary and junit."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lazyadam.suites.backends.typed import UnknownName, one
from lazyadam.suites.commands.app import OUT, Out, app
from lazyadam.suites.commands.options import apart, folder, folders, number

Run = Annotated[Path, typer.Argument(metavar="DIR", callback=folder, help="of the tables of a run")]
Runs = Annotated[
    list[Path], typer.Argument(metavar="DIR", callback=folders, help="of the tables of a run, each")
]
Name = Annotated[str, typer.Argument(metavar="BACKEND", help="a name, or a leading part of one")]
Tables = Annotated[Path, typer.Option("--out", metavar="DIR", callback=folder, help="of the tables of a run")]
Compared = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        callback=lambda typed: typed and folder(typed),
        show_default=f"{OUT}, or else the recorded run",
        help="of the tables of a run",
    ),
]
Accepted = Annotated[Path, typer.Option("--baseline", metavar="DIR", callback=folder, help="of that run")]


@app.command(
    epilog="Examples: lazyadam page --out lazyadam-out · lazyadam page --out lazyadam-out --training yours"
)
def page(
    out: Tables = OUT,
    training: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", callback=lambda typed: typed and folder(typed), help="the --out of judge and move"
        ),
    ] = None,
) -> int:
    """Write the page and the guide for movers from a run's tables, with a section about a recorded training.

    Exits with 2 where a table is missing that such a run writes; the page says so, too.
    """
    from lazyadam.reports.pages import PAGES, PARTS, write_pages
    from lazyadam.reports.tables import read
    from lazyadam.suites.run.steps import Steps

    read("verdicts", out)  # without them there is nothing to make a page of
    with Steps(PARTS) as steps:
        missing = write_pages(out, steps.begin, training)
    if steps.interrupted:
        raise typer.Abort
    print(*missing, sep="\n", end="\n" if missing else "", file=sys.stderr)
    print(f"{', '.join(PAGES)} in {out}")
    return 2 if missing else 0


@app.command(
    epilog="Examples: lazyadam pair torch.sparse mindspore.lazyadam.default.graph · lazyadam pair "
    "torch.sparse mindspore.lazyadam.default.graph --ids ids.csv --steps 1000 --lr 0.01"
)
def pair(
    context: typer.Context,
    left: Name,
    right: Name,
    ids: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="instead: on these ids, a column of a CSV file for each batch"),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", parser=number, help="of --ids", show_default="a step for each batch"),
    ] = None,
    lr: Annotated[float, typer.Option(metavar="RATE", min=0.0, help="of --ids")] = 1e-3,
    out: Compared = None,
) -> int:
    """Say how two backends compare.

    In Markdown: where they are equal, how far they come apart elsewhere, and on which axes they differ; or
    how far on ids of yours, with gradients that are made up.
    """
    apart(context, ("ids",), ("out",))
    if ids is not None:
        return _on_ids(left, right, ids, steps or 0, lr)
    from lazyadam.reports import equivalence
    from lazyadam.reports.page import of_run
    from lazyadam.reports.tables import RECORDED, TableError, read

    here = out or (OUT if (OUT / "sequences.csv").exists() else None)
    out = here or RECORDED
    names = ("sequences", "dialects", "effects", "effects_growth", "pins")
    try:
        sequences, dialects, effects, growth, pins = (read(name, out) for name in names)
    except TableError as error:
        raise TableError(f"{error}; lazyadam report writes what is compared, into --out") from None
    known = sorted(set(sequences["backend"]))
    try:
        left, right = (one("backend", name, known) for name in (left, right))
    except UnknownName as error:
        raise typer.TyperException(str(error)) from None
    if left == right:
        raise typer.TyperException(f"both are {left}")
    axes = equivalence.axes_of(dialects, effects, sequences, pins)
    pairs = equivalence.pairs_of(sequences)
    if here is None:
        of = of_run(read("run", out), sequences)
        print(f"From the recorded run ({of}); lazyadam report makes one here.\n")
    print("\n".join(equivalence.told(left, right, axes, pairs, growth)))
    if unseen := sorted({left, right} - {*dialects["backend"]}):
        print(f"\n**Not told**: on which axes they differ, for dialects.csv has none of {', '.join(unseen)}.")
    for name in (left, right):
        if form := equivalence.tried_instead(sequences, name):
            print(f"\n**Instead of `{name}`** take `{form}`, which was tried.")
    if left.partition(".")[0] != right.partition(".")[0] and (out / "migration.md").exists():
        print(
            f"\n**What to set**, argument by argument: `{out / 'migration.md'}`; code: `{out / 'samples'}`."
        )
    return 0


def _on_ids(left: str, right: str, ids: Path, steps: int, lr: float) -> int:
    from lazyadam.suites.backends.registry import BACKENDS
    from lazyadam.suites.cases.recording import RecordingError
    from lazyadam.suites.recordings.made_up import told

    try:
        ours, theirs = (BACKENDS[one("backend", name, BACKENDS)] for name in (left, right))
        print("\n".join(told(ours, theirs, ids, steps, lr)))
    except (UnknownName, RecordingError) as error:
        raise typer.TyperException(str(error)) from None
    return 0


@app.command(epilog="Example: lazyadam diff torch-2.13 torch-2.15")
def diff(before: Run, after: Run) -> int:
    """Say what changed from one run to another.

    In Markdown: verdicts, findings, dialects, outcomes of bad input, trainings, carried states and claims.
    """
    from lazyadam.reports import comparison
    from lazyadam.reports.tables import read

    if before.resolve() == after.resolve():
        raise typer.TyperException(f"{before} and {after} are the same folder")
    tables = comparison.compared(before, after)
    rows = [row for name in tables for row in comparison.changes(name, read(name, before), read(name, after))]
    print("\n".join(comparison.told(rows, read("run", before), read("run", after))))
    if lacking := comparison.lacking(before, after):
        print(f"not compared, for one of them lacks it: {', '.join(lacking)}")
    return 0


@app.command(epilog="Example: lazyadam devices results/cpu results/cuda")
def devices(base: Run, other: Run, out: Out = OUT) -> int:
    """Say where two runs agree to the bit: of the same cases, on two devices or machines.

    In Markdown, and in devices.csv: the same bits, within the bound, or apart.
    """
    from lazyadam.reports import devices
    from lazyadam.reports.tables import write

    rows = devices.beside(base, other)
    if rows.empty:
        raise typer.TyperException(f"{base} and {other} have no clause of a backend in common")
    write(rows, out / "devices.csv")
    print("\n".join(devices.told(rows)))
    return 0


@app.command(epilog="Example: lazyadam versions torch-2.13 torch-2.14 torch-2.15")
def versions(runs: Runs, out: Out = OUT) -> int:
    """Say what changed across versions of a framework.

    In Markdown, and in versions.csv. Each folder has a run on one version.
    """
    from lazyadam.reports import versions
    from lazyadam.reports.tables import write

    table = versions.across(runs)
    write(table, out / "versions.csv")
    print("\n".join(versions.told(table)))
    return 0


@app.command(epilog="Examples: lazyadam history runs · lazyadam history bench-2026-10 bench-2026-11")
def history(runs: Runs, out: Out = OUT) -> int:
    """Say how speed went from run to run of lazyadam bench.

    In Markdown, in history.csv, history.svg, and on the page. DIR: a run, or a folder of runs in the order of
    their names. What is followed is the distance from what the memory allowed, on one and the same machine.
    """
    from lazyadam.reports import history
    from lazyadam.reports.plots import speed
    from lazyadam.reports.plots.drawing import styles
    from lazyadam.reports.tables import write, write_text

    these = history.runs_in(runs)
    table = history.across(these)
    write(table, out / "history.csv")
    if plot := speed.history(table, styles(table["backend"])):
        write_text(plot.whole(), out / "history.svg")
    print("\n".join(history.told(table, these)))
    return 0


@app.command(epilog="Example: lazyadam gate --baseline accepted")
def gate(baseline: Accepted, out: Tables = OUT) -> int:
    """Compare a run with the accepted one.

    Exits with 1 where it got worse, differs or lacks something; 2 where the two can't be compared.
    """
    from lazyadam.reports import accepted, gate

    before, after = accepted.load(baseline), accepted.load(out)
    found = list(gate.changes(before, after))
    print("\n".join(gate.told(found)).rstrip())
    if lacking := accepted.not_accepted(before, after):
        print(lacking)
    return int(any(change.fails for change in found))


@app.command(
    epilog='Examples: lazyadam accept learning-rate --reason "set at the start alone" · lazyadam accept '
    'epsilon=inside_root --reason "as in our paper" --until 2027-06-01 · lazyadam accept --baseline accepted'
)
def accept(
    context: typer.Context,
    what: Annotated[
        list[str], typer.Argument(metavar="[WHAT…]", help="clauses, or axis=value; default: all that is new")
    ] = [],
    reason: Annotated[str, typer.Option(metavar="SENTENCE", help="why that is as it is")] = "",
    owner: Annotated[
        str, typer.Option(metavar="WHO", help="has to mend it: backend, documentation or us")
    ] = "backend",
    versions: Annotated[
        str, typer.Option(metavar="RANGE", help="in which it shows", show_default="that of the run")
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="DATE", help="when to look again: from then on it fails")
    ] = "",
    pins: Annotated[
        Path | None, typer.Option(metavar="DIR", help="where they go", show_default="beside the optimizer")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="DIR", help="instead: make the run the accepted one, for the gate")
    ] = None,
    out: Tables = OUT,
) -> int:
    """Accept what a run found new, as known failures of your own; or a whole run, for the gate.

    Known failures lie in lazyadam-expected/ beside the optimizer, where check and report find them. What
    changes from there on, or no longer shows, fails.
    """
    from lazyadam.reports import accepted
    from lazyadam.suites.commands.telling import asked
    from lazyadam.suites.divergences import accepting

    apart(context, ("baseline",), ("what", "reason", "owner", "versions", "until", "pins"))
    if baseline is not None:
        print(*accepted.accept(out, baseline), f"accepted: {baseline}", sep="\n")
        return 0
    if not reason.strip():
        raise typer.TyperException("--reason is needed: a sentence that says why; or --baseline DIR")
    print(*asked(accepting.accept, out, what, reason, owner, versions, until, pins), sep="\n")
    return 0


@app.command(epilog='Example: lazyadam summary >> "$GITHUB_STEP_SUMMARY"')
def summary(out: Tables = OUT) -> int:
    """Say the findings in Markdown, for the summary of a CI job."""
    from lazyadam.reports import export
    from lazyadam.reports.tables import read

    print("\n".join(export.summary(read("verdicts", out), read("findings", out))))
    return 0


@app.command(epilog="Example: lazyadam junit --out lazyadam-out")
def junit(out: Tables = OUT) -> int:
    """Write findings and verdicts as junit.xml, beside the tables."""
    from lazyadam.reports import export
    from lazyadam.reports.tables import read, write_text

    text = export.junit(*(read(name, out) for name in ("verdicts", "pins", "findings")))
    write_text(text, out / "junit.xml")
    return 0
