"""The gate: a backend as it is and as somebody changed it, interleaved in one job.

    python -m suites.performance.gate --backend torch.SparseAdam --candidate /path/to/other/bin/python

Flagged is what is slower by more than 10 % and more than two equal processes seem to differ, and
significantly so. Exit status: 1 where something is flagged.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from reports.tables import frame, write
from reports.terminal import show_rows
from suites import command_line
from suites.backends.base import Backend
from suites.performance.arms import Arm, Arms, measure
from suites.performance.configuration import STANDARD, Configuration
from suites.performance.statistics import claim, compare, corrected, spread
from suites.performance.table import Row, about, failed

LEAST = 0.10
GATED = (
    *STANDARD,
    Configuration(1000, 16, 100),
    Configuration(100_000, 16, 10_000),
    Configuration(100_000, 16, 10_000, "zipf"),
    Configuration(10_000, 128, 10_000, "dense"),
)


def start(context: Arms, backend: type[Backend], device: str, candidate: str, slowdown: float) -> list[Arm]:
    """Base, base again, and candidate: each in a process of its own, on one thread."""
    changed = {"python": candidate, "slowdown": slowdown}
    settings: tuple[dict[str, Any], ...] = ({}, {}, changed)
    return context.start([(backend, {"judged": False, **s}) for s in settings], device, 1)


def row(arms: Sequence[Arm], configuration: Configuration, rng: np.random.Generator) -> Row:
    """Measure a configuration. `p_value` is not corrected yet: see `with_verdicts`."""
    measure(arms, configuration, rng)
    base, control, candidate = arms
    found = {**about(base, configuration), "candidate": candidate.process.version, "note": ""}
    for arm in arms:
        if arm.failure is not None:
            return {**found, "verdict": "not run", "note": failed(arm.failure)}
    other = compare(base.seconds, candidate.seconds)
    return {
        **found,
        "seconds_median": float(np.median(base.seconds)),
        "ratio": other.ratio.value,
        "ci_low": other.ratio.low,
        "ci_high": other.ratio.high,
        "control": spread(compare(base.seconds, control.seconds)),
        "p_value": other.p,
    }


def with_verdicts(rows: list[Row]) -> list[Row]:
    """The rows with p corrected for all of them, and what each comes to."""
    compared = [r for r in rows if "p_value" in r]
    for r, p in zip(compared, corrected([r["p_value"] for r in compared]), strict=True):
        r |= {"p_value": float(p), "verdict": claim(r["ratio"], p, max(LEAST, r["control"]))}
    return rows


def main() -> None:
    p = command_line.parser("suites.performance.gate", __doc__)
    p.add_argument("--candidate", default="", metavar="PYTHON", help="the interpreter that has the candidate")
    p.add_argument("--slowdown", type=float, default=0.0, metavar="SHARE", help="waste time in the candidate")
    options = p.parse_args()
    console, rng, rows = Console(width=180), np.random.default_rng(0), []
    backends = [b for b in command_line.backends(options) if options.backend or not b.repeats]
    for backend in track(backends, "gate", console=console):
        with Arms() as context:
            arms = start(context, backend, options.device, options.candidate, options.slowdown)
            rows += [row(arms, c, rng) for c in GATED if c.layout in backend.layouts]
    table = frame("performance_gate", with_verdicts(rows))
    write(table, options.out / "performance_gate.csv")
    show_rows("gate: the candidate beside the base")(table, console)
    sys.exit(int((table["verdict"] == "slower").any()))


if __name__ == "__main__":
    main()
