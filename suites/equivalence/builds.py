"""Base against candidate: two builds of a backend on the same cases, bit for bit, the worst difference first.

    python -m suites.equivalence.builds --backend torch.SparseAdam --candidate /path/to/other/bin/python

Each difference is the first step in which the two builds part, from one and the same state. Exit status as
of cmp: 0 where every bit is the same, 1 where some differ, 2 where a build can't run.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from reference.rounding import PRECISIONS, Precision
from reports.tables import frame, write
from reports.terminal import show_rows
from suites import command_line
from suites.backends.process import Process
from suites.case import Case, Trajectory
from suites.cases import trace
from suites.cases.strategies import collect, seed_of
from suites.clauses import CLAUSES
from suites.clauses.clause import Clause
from suites.divergences.witness import cut
from suites.judge.judgement import QUANTITIES, measure
from suites.verdicts import BUDGETS, Budget, judge, menu_of

Row = dict[str, Any]


@dataclass(frozen=True)
class Parting:
    """The first step in which two builds part, and by how many ulps at most in each quantity that does.

    t has no ulps, nor has a step that only one of the builds takes ('taken'): these are infinite.
    """

    step: int
    ulps: dict[str, float]


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


def differences(
    clause: Clause, base: Process, candidate: Process, dtype: str, seed: int, budget: Budget, out: Path
) -> Iterator[Row]:
    """A row for each quantity in which the builds part on the cases of a clause: its worst, with a trace."""
    backend = base.backend
    menu = menu_of(clause, backend, dtype)
    cases = collect(menu, dtype, budget.cases_of(clause, menu, backend), seed_of(seed, clause.id, dtype))
    ours, theirs = base.run(cases), candidate.run(cases)
    worst: dict[str, tuple[int, Parting]] = {}
    for i, case in enumerate(cases):
        found = parting(case, ours[i], theirs[i])
        for quantity, ulp in found.ulps.items() if found else ():
            assert found
            if quantity not in worst or ulp > worst[quantity][1].ulps[quantity]:
                worst[quantity] = i, found
    for quantity, (i, found) in worst.items():
        ratios = [
            float(judge(clause, cases[i : i + 1], run[i : i + 1], backend, backend.spoken).worst[0])
            for run in (ours, theirs)
        ]
        file = Path("builds") / f"{clause.id}.{backend.name}.{dtype}.{quantity}.json"
        row = {
            **{name: base.about[name] for name in ("backend", "mode", "device")},
            "base": base.version,
            "candidate": candidate.version,
            "dtype": dtype,
            "clause": clause.id,
            "quantity": quantity,
            "step": found.step,
            "max_ulp": found.ulps[quantity],
            "base_ratio": ratios[0],
            "candidate_ratio": ratios[1],
            "note": "; ".join(filter(None, (_failed("base", ours[i]), _failed("candidate", theirs[i])))),
            "trace": str(file),
        }
        trace.save(cut(cases[i], ours[i], found.step), out / file, {x: str(y) for x, y in row.items()})
        yield row


def _failed(name: str, trajectory: Trajectory) -> str:
    failure = trajectory.failure
    return f"{name} {failure.kind} at step {failure.step}: {failure.message}" if failure else ""


def main() -> None:
    p = command_line.parser("suites.equivalence.builds", __doc__)
    p.add_argument("--candidate", required=True, metavar="PYTHON", help="the interpreter of the other build")
    p.add_argument("--profile", default="ci", choices=sorted(BUDGETS), help="how much is tried")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the cases")
    options = p.parse_args()
    console, rows, same = Console(width=180), [], 0
    for backend in command_line.backends(options):
        with (
            Process(backend, options.device) as base,
            Process(backend, options.device, python=options.candidate) as candidate,
        ):
            for build in (base, candidate):
                if build.not_run:
                    print(f"{backend.name}, {build.spec}: not run ({build.not_run})", file=sys.stderr)
                    sys.exit(2)
            budget = BUDGETS[options.profile]
            for clause in CLAUSES.values():
                for dtype in () if clause.missing(backend) else clause.dtypes(backend):
                    found = list(
                        differences(clause, base, candidate, dtype, options.seed, budget, options.out)
                    )
                    rows += found
                    same += not found
    table = frame("builds", rows).sort_values("max_ulp", ascending=False, kind="stable", ignore_index=True)
    write(table, options.out / "builds.csv")
    show_rows("builds: where the candidate parts from the base, the worst first")(table, console)
    apart = len({(r["backend"], r["dtype"], r["clause"]) for r in rows})
    console.print(f"same bits in {same} of {same + apart} clauses and types; builds.csv in {options.out}")
    sys.exit(int(bool(rows)))


if __name__ == "__main__":
    main()
