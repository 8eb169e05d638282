"""What the gate sees: how often it flags a slowdown of 15 % that is there, and one that is not."""

import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from lazyadam.reports.schema.table import as_it_is
from lazyadam.reports.tables import frame, write
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.cases.configuration import Configuration
from lazyadam.suites.performance.arms import Arms
from lazyadam.suites.performance.candidate import GATED, Question, row, start, with_verdicts
from lazyadam.suites.performance.table import Row
from lazyadam.suites.run.steps import Steps

TRIALS, SLOWDOWN = 20, 0.15
BACKENDS = {"sparse": "torch.SparseAdam", "dense": "torch.Adam.fused"}


def run(out: Path) -> int:
    """Try the gate, and write and print how often it flags what; the exit status."""
    console, rng, counts, why = Console(width=180), np.random.default_rng(0), [], dict[str, None]()
    with Steps(2 * len(GATED) * TRIALS) as steps:
        for slowdown, configuration in product((SLOWDOWN, 0.0), GATED):
            (backend,) = select([BACKENDS[configuration.layout]])
            rows: list[Row] = []
            with Arms() as context:
                arms = start(context, backend, "cpu", Question("", slowdown=slowdown))
                for _ in range(TRIALS):
                    steps.begin(f"{backend.name}, {configuration}, slowdown {slowdown:.0%}")
                    rows.append(row(arms, configuration, rng))
            done = with_verdicts(rows)
            why |= {r["note"]: None for r in done if r["verdict"] == Verdict.NOT_RUN}
            counts.append(_counted(backend.name, configuration, slowdown, done))
    if steps.interrupted:
        console.print(f"interrupted: {out} has {len(counts)} of {2 * len(GATED)} rows", soft_wrap=True)
    table = frame("performance_trials", counts)
    write(table, out / "performance_trials.csv")
    as_it_is("trials of the gate")(table, console)
    if why:
        print(f"trials that did not run: {'; '.join(why)}", file=sys.stderr)
    return 130 if steps.interrupted else 2 if why else 0


def _counted(backend: str, configuration: Configuration, slowdown: float, rows: list[Row]) -> dict[str, Any]:
    """A row of the table: of trials of one kind."""
    ratios = [r["ratio"] for r in rows if "ratio" in r]
    return {
        "backend": backend,
        "configuration": str(configuration),
        "slowdown": slowdown,
        "trials": len(ratios),
        "slower": sum(r["verdict"] == "slower" for r in rows),
        "faster": sum(r["verdict"] == "faster" for r in rows),
        "cant_tell": sum(r["verdict"] == "can't tell" for r in rows),
        "least_ratio": min(ratios, default=None),
        "largest_ratio": max(ratios, default=None),
        "largest_control": max((r["control"] for r in rows if "control" in r), default=None),
    }
