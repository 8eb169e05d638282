"""Base against candidate: two builds of a backend on the same cases, bit for bit, the worst difference first.

Each difference is the first step in which the two builds part, from one and the same state. Exit status as
of cmp: 0 where every bit is the same, 1 where some differ, 2 where a build can't run or something was not
compared: both die or hang, or refuse for different reasons, or refuse all of a clause that is not about what
is taken, and of which no pin knows that it is refused.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from lazyadam.reference.rounding import PRECISIONS, Precision
from lazyadam.reports.schema.table import as_it_is
from lazyadam.reports.tables import frame, write
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.divergences.pin import pins_of
from lazyadam.suites.divergences.witness import cut
from lazyadam.suites.judge.judgement import QUANTITIES, measure
from lazyadam.suites.judge.trial import Trial, judge
from lazyadam.suites.run.steps import Steps

Row = dict[str, Any]
SHOWN = 20  # rows on the screen


@dataclass(frozen=True)
class Parting:
    """The first step in which two builds part, and by how many ulps at most in each quantity that does.

    t has no ulps, nor has a step that only one of the builds takes ('taken'): these are infinite.
    """

    step: int
    ulps: dict[str, float]


@dataclass(frozen=True)
class Tried:
    """A case on both builds, and where they part."""

    case: Case
    base: Trajectory
    candidate: Trajectory
    parting: Parting | None


@dataclass
class Tally:
    """What came of the clauses and types.

    rows: a difference each. places: clauses and types by what came of them: 'same', in every bit; 'apart';
    'refused', as is known, by both for the same reason; 'not compared'. words: why not. cases: how many were
    given, and how many were compared.
    """

    rows: list[Row] = field(default_factory=list)
    places: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    words: dict[str, None] = field(default_factory=dict)
    cases: int = 0
    compared: int = 0

    def status(self) -> int:
        """The exit status."""
        if self.rows:
            return 1
        return 0 if self.compared and not self.places["not compared"] else 2

    def told(self) -> str:
        """All of it in a line."""
        count = sum(map(len, self.places.values()))
        said = [f"same bits in {len(self.places['same'])} of {count} clauses and types"]
        if refused := self.places["refused"]:
            said.append(f"refused by both, as is known: {', '.join(refused)}")
        if left := self.places["not compared"]:
            why = next(iter(self.words), "no case was made")
            said.append(f"not compared in {len(left)}, the first of them {left[0]} ({why})")
        return "; ".join([*said, f"{self.compared} of {self.cases} cases compared"])


def parting(case: Case, base: Trajectory, candidate: Trajectory) -> Parting | None:
    """Where the trajectories of a case part; None where every bit is the same. Any two NaN are the same."""
    p = PRECISIONS[case.dtype]
    for j, k in enumerate(case.observed[: min(len(base.t), len(candidate.t))]):
        ulps: dict[str, float] = {}
        for name in QUANTITIES:
            for x, y in zip(getattr(base, name), getattr(candidate, name), strict=True):
                if (apart := _apart(x[j], y[j], p)) is not None:
                    ulps[name] = max(apart, ulps.get(name, 0.0))
        if (base.t[j] != candidate.t[j]).any():
            ulps["t"] = np.inf
        if ulps:
            return Parting(k, ulps)
    if _kind(base) != _kind(candidate):
        return Parting(max(t.failure.step for t in (base, candidate) if t.failure), {"taken": np.inf})
    return None


def _apart(x: np.ndarray, y: np.ndarray, p: Precision) -> float | None:
    """The largest difference in ulps of x, infinite between classes; None where the bits are the same."""
    differ = (x.view(np.int64) != y.view(np.int64)) & ~(np.isnan(x) & np.isnan(y))
    if not differ.any():
        return None
    x, y = x[differ], y[differ]
    if not (np.isfinite(x) & np.isfinite(y)).all():
        return float(np.inf)
    return measure(y, x, np.zeros(1), 0.0, p).ulp


def _kind(trajectory: Trajectory) -> tuple[str, int]:
    failure = trajectory.failure
    return (failure.kind, failure.step) if failure else ("", 0)


def not_compared(base: Trajectory, candidate: Trajectory) -> str:
    """Why trajectories that don't part leave something open; '' where they don't.

    Both may refuse for the same reason, told by the type of the error: the words may be another version's.
    """
    ours, theirs = base.failure, candidate.failure
    if ours is None or theirs is None:
        return ""
    alike = ours.message.partition(":")[0] == theirs.message.partition(":")[0]
    return "" if ours.kind == Verdict.REFUSES and alike else _notes(base, candidate)


def compare(sample: Sample, base: Process, candidate: Process, out: Path, tally: Tally) -> None:
    """Try a clause in a type on both builds, and add what came of it to the tally."""
    cases = [*sample.drawn(), *(at.case(sample.dtype) for at in sample.points())]
    tried = [
        Tried(case, ours, theirs, parting(case, ours, theirs))
        for case, ours, theirs in zip(cases, base.run(cases), candidate.run(cases), strict=True)
    ]
    rows = list(differences(sample, base, candidate, tried, out))
    compared = sum(t.parting is not None or len(t.base.t) > 0 for t in tried)
    words = dict.fromkeys(why for t in tried if not t.parting and (why := not_compared(t.base, t.candidate)))
    if not (compared or words or _refusal_is_known(sample.clause, base)):
        words = dict.fromkeys(_notes(t.base, t.candidate) for t in tried)
    word = "apart" if rows else "not compared" if words or not tried else "same" if compared else "refused"
    tally.rows += rows
    tally.places[word].append(f"{sample.clause.id} of {base.backend.name} in {sample.dtype}")
    tally.words |= words
    tally.cases += len(tried)
    tally.compared += compared


def _refusal_is_known(clause: Clause, base: Process) -> bool:
    """Whether that all cases of a clause are refused says nothing new."""
    pins = (pin for pin in pins_of(base) if clause.id in pin.clauses)
    return bool(clause.layout) or any(pin.verdict == Verdict.REFUSES for pin in pins)


def differences(
    sample: Sample, base: Process, candidate: Process, tried: list[Tried], out: Path
) -> Iterator[Row]:
    """A row for each quantity in which the builds part on the cases of a clause: its worst, with a trace."""
    clause, backend = sample.clause, base.backend
    worst: dict[str, tuple[Tried, Parting]] = {}
    for each in tried:
        found = each.parting
        for quantity, ulp in found.ulps.items() if found else ():
            assert found
            if quantity not in worst or ulp > worst[quantity][1].ulps[quantity]:
                worst[quantity] = each, found
    for quantity, (each, found) in worst.items():
        ratios = [
            float(judge(Trial(clause, backend, [each.case], [run]), backend.spoken).worst[0])
            for run in (each.base, each.candidate)
        ]
        file = Path("builds") / f"{sample.name}.{quantity}.json"
        row = {
            **{name: base.about[name] for name in ("backend", "mode", "device")},
            "base": base.version,
            "candidate": candidate.version,
            "dtype": sample.dtype,
            "clause": clause.id,
            "quantity": quantity,
            "step": found.step,
            "max_ulp": found.ulps[quantity],
            "base_ratio": ratios[0],
            "candidate_ratio": ratios[1],
            "note": _notes(each.base, each.candidate),
            "trace": str(file),
        }
        trace.save(cut(each.case, each.base, found.step), out / file, {x: str(y) for x, y in row.items()})
        yield row


def written(rows: Sequence[Row], out: Path) -> pd.DataFrame:
    """builds.csv, the worst difference first."""
    table = frame("builds", rows).sort_values("max_ulp", ascending=False, kind="stable", ignore_index=True)
    write(table, out / "builds.csv")
    return table


def _notes(base: Trajectory, candidate: Trajectory) -> str:
    return "; ".join(
        f"{name} {failure.kind} at step {failure.step}: {failure.message}"
        for name, failure in (("base", base.failure), ("candidate", candidate.failure))
        if failure
    )


def places(backend: type[Backend]) -> list[tuple[Clause, str]]:
    """The clauses and types in which a backend is tried."""
    taken = (clause for clause in CLAUSES.values() if not clause.missing(backend))
    return [(clause, dtype) for clause in taken for dtype in clause.dtypes(backend)]


def beside(
    backend: type[Backend],
    device: str,
    candidate: str,
    profile: str,
    seed: int,
    out: Path,
    tally: Tally,
    steps: Steps,
) -> None:
    """Try all of a backend on both of its builds, and add what came of it to the tally.

    Raises:
        NotRun: a build can't run; the message is one line.
    """
    with Process(backend, device) as base, Process(backend, device, python=candidate) as changed:
        for build in (base, changed):
            if build.not_run:
                raise NotRun(f"{backend.name}, {build.spec}: not run ({build.not_run})")
        for clause, dtype in places(backend):
            steps.begin(f"{clause.id} of {backend.name} in {dtype}")
            known = len(tally.rows)
            compare(Sample(clause, backend, dtype, seed, BUDGETS[profile]), base, changed, out, tally)
            for row in tally.rows[known:]:
                steps.say(_said(row))


def run(
    backends: Sequence[type[Backend]], device: str, candidate: str, profile: str, seed: int, out: Path
) -> int:
    """Compare two builds of backends, and write and print where they part; the exit status.

    candidate: the interpreter that has the other build.

    Raises:
        NotRun: a build can't run; the message is one line.
    """
    console, tally = Console(), Tally()
    with Steps(sum(len(places(backend)) for backend in backends), "the builds start") as steps:
        for backend in backends:
            beside(backend, device, candidate, profile, seed, out, tally, steps)
    table = written(tally.rows, out)
    if len(table):
        shown = table.head(SHOWN)[["backend", "dtype", "clause", "quantity", "step", "max_ulp"]]
        title = f"where the candidate parts from the base: the worst {len(shown)} of {len(table)}"
        as_it_is(title)(shown, console)
    if steps.interrupted:
        console.print(f"interrupted: {tally.cases} cases were tried; the table has what is done")
    console.print(f"{tally.told()}; builds.csv in {out}", soft_wrap=True)
    if not (tally.compared or steps.interrupted):
        print("nothing was compared: no clause has a case that both builds took", file=sys.stderr)
    return 130 if steps.interrupted else tally.status()


def _said(row: Row) -> str:
    where = f"{row['clause']} of {row['backend']} in {row['dtype']}"
    return f"{where}: {row['quantity']} parts in step {row['step']}, by {row['max_ulp']:.3g} ulp"
