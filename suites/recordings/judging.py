"""A recorded training, judged: every step of every parameter under the bound, against each dialect."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from lazyadam.reference.dialect import Dialect
from lazyadam.reports.findings import findings
from lazyadam.reports.tables import frame, write
from lazyadam.reports.vocabulary import Against, Verdict
from lazyadam.reports.words import plural
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.recorded import of_recording
from lazyadam.suites.backends.workers.runs import about
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.recording import Header, Of, RecordingError, header, steps
from lazyadam.suites.cases.strategies import Menu
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.examine import Judged, judge_all
from lazyadam.suites.divergences.pin import pins
from lazyadam.suites.judge.explanation import explanation
from lazyadam.suites.judge.judgement import QUANTITIES
from lazyadam.suites.judge.trial import Trial
from lazyadam.suites.recordings.cases import Judgeable, by_type, least
from lazyadam.suites.recordings.exposure import exposure
from lazyadam.suites.run import about as facts

Row = dict[str, Any]
CLAUSE = Clause(
    "recorded-training",
    "Every recorded step of a training is as the optimizer's rule says, of the gradient that it was given.",
    "in a recorded training",
    "whoever trains",
    lambda backend: Menu(),
)


def run(folder: Path, documented: Dialect | None, out: Path) -> int:
    """Judge a recording, and write and print what was found; the exit status: 1 where a step diverges newly.

    documented: what somebody's own optimizer is held to.

    Raises:
        RecordingError: it can't be read, or lacks what the optimizer is held to.
    """
    start, console = time.perf_counter(), Console(width=160, highlight=False)
    of = header(folder)
    backend = of_recording(of, documented)
    recorded = list(steps(folder, of))
    rows, lines = list[Row](), list[str]()
    for dtype, judgeable in by_type(of, recorded).items():
        if backend.keeps_largest and not all(x.v_max for x in judgeable.trajectories):
            raise RecordingError(
                f"{folder}: {backend.name} has a largest second moment, and no step records it"
            )
        found, told = judged(backend, of, dtype, judgeable, out)
        rows += found
        lines += told
    met = exposure(of, recorded)
    tables = {
        "verdicts": frame("verdicts", rows),
        "pins": frame("pins", facts.known_divergences()),
        "exposure": frame("exposure", met),
    }
    tables["findings"] = findings(tables)
    for name, table in tables.items():
        write(table, out / f"{name}.csv")
    for line in _screen(of, backend, rows, len(recorded), time.perf_counter() - start):
        console.print(line, soft_wrap=True, markup=False)
    answer = [] if lines or not rows else [_answer(backend, rows)]
    notes = [f"· {row['told']}" for row in met] + [f"· not recorded: {x}" for x in of.said]
    for line in (*lines, *answer, *notes):
        console.print(line, soft_wrap=True, markup=False)
    console.print(f"verdicts.csv, findings.csv, exposure.csv in {out}", soft_wrap=True)
    return 1 if lines else 0 if rows else 125


def judged(
    backend: type[Backend], of: Header, dtype: str, judgeable: Judgeable, out: Path | None = None
) -> tuple[list[Row], list[str]]:
    """Rows of verdicts.csv, and in words where the optimizer is not what its source says, or not known to be.

    What its documentation says otherwise, and is known, hides nothing: told is what differs from the source.
    out: where a trace of the first that diverges goes.
    """
    trial = Trial(CLAUSE, backend, judgeable.cases, judgeable.trajectories)
    covering = [p for p in pins() if p.covers(backend, of.version, of.device)]
    first = {**about(backend, of.version, of.device), "dtype": dtype}
    found = list(judge_all(trial, first, None, covering))
    missing = [j for j in found if j.account.missing]
    spoken = next(j for j in found if j.dialect == backend.spoken)
    rows = [j.row for j in found]
    if spoken.judgement.divergences:
        new, why = spoken, _fingerprint(trial, spoken)
    elif missing:
        new, why = missing[0], missing[0].row["explained_by"]
    else:
        return rows, []
    if ": " in why and not backend.source_read:
        why += " (what an optimizer of your own is meant to do is said with --axis)"
    lines = list(dict.fromkeys(_told(new, why, judgeable, of.parameters)))
    return rows, lines + (_traced(new, judgeable, out) if out else [])


def _fingerprint(trial: Trial, spoken: Judged) -> str:
    """What one axis, turned to any of its values, explains of it: as of one that nobody has read."""
    unread = type(trial.backend.__name__, (trial.backend,), {"source_read": False})
    return explanation(replace(trial, backend=unread), spoken.dialect, spoken.judgement)


def _answer(backend: type[Backend], rows: Sequence[Row]) -> str:
    """Of a training in which nothing is wrong."""
    documented = {row["verdict"] for row in rows if row["against"] == Against.DOCUMENTED}
    if documented == {Verdict.CONFORMS}:
        return "✓ every recorded step is what it is held to"
    return f"✓ every recorded step is what {backend.name}'s source says; its documentation says otherwise"


def _told(found: Judged, why: str, judgeable: Judgeable, of: Sequence[Of]) -> Iterator[str]:
    """The first and the worst element that diverge, where they are in the training."""
    divergences = found.judgement.divergences
    wrong = sorted({d.quantity for d in divergences}, key=lambda q: ([*QUANTITIES, q].index(q), q))
    steps = {judgeable.places[d.case][0] for d in divergences}
    yield (
        f"✗ not what {'its source says' if found.row['against'] != Against.DOCUMENTED else 'it is held to'}: "
        f"{', '.join(wrong)} in {plural(len(steps), 'step')}, from step {min(steps)} on; "
        f"{'no axis explains it' if why == 'unexplained' else why}"
    )
    for name, divergence in (
        ("first", min(divergences, key=lambda d: judgeable.places[d.case])),
        ("worst", max(divergences, key=lambda d: d.ratio)),
    ):
        number, parameter = judgeable.places[divergence.case]
        rows = judgeable.rows[divergence.case]
        at = (int(rows[divergence.element[0]]), *divergence.element[1:]) if divergence.element else ()
        short = replace(divergence, element=at, step=number, parameter=0).short()
        yield f"  {name}: {of[parameter].name}, {short}"


def _traced(found: Judged, judgeable: Judgeable, out: Path) -> list[str]:
    """The first step that diverges, in one row, as a trace; a line that names it."""
    first = min(found.judgement.divergences, key=lambda d: judgeable.places[d.case])
    if not first.element:
        return []
    path = out / "traces" / f"{CLAUSE.id}.{found.row['dtype']}.json"
    about = {name: str(found.row[name]) for name in ("backend", "version", "device", "dtype", "explained_by")}
    trace.save(least(judgeable.cases[first.case], first.element[0]), path, about)
    return [f"  that step, in that row: {path}"]


def _screen(
    of: Header, backend: type[Backend], rows: Sequence[Row], count: int, seconds: float
) -> Iterator[str]:
    """What was judged, and the answer."""
    documented = [row for row in rows if row["against"] == Against.DOCUMENTED]
    steps_are = "steps" if of.every == 1 else f"steps, one in {of.every},"
    judged_as = "" if backend.source_read else "; nobody has read its source: any usual arithmetic will do"
    yield (
        f"{of.optimizer}   {of.framework} {of.version}, {of.device}   {count} {steps_are} of "
        f"{len(of.parameters)} parameters, {sum(row['cases'] for row in documented)} judged, {seconds:.0f} s"
        f"{judged_as}"
    )
    for row in rows:
        worst = "" if row["worst_ratio"] is None else f", worst {row['worst_ratio']:.3g} of the bound"
        why = f" ({row['explained_by']})" if row["explained_by"] else ""
        known = f"; known: {row['witness']}" if row["witness"] and row["verdict"] == Verdict.DIVERGES else ""
        yield f"  {row['dtype']}, against {row['against']}: {row['verdict']}{why}{worst}{known}"
