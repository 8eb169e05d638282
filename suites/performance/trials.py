"""What the gate sees: how often it flags a slowdown of 15 % that is there, and one that is not.

python -m suites.performance.trials
"""

import sys

import numpy as np
from rich.console import Console
from rich.progress import track

from reports.command import status_of
from reports.tables import frame, write
from reports.terminal import show_rows
from suites import command_line
from suites.backends.registry import select
from suites.performance.arms import Arms
from suites.performance.gate import GATED, row, start, with_verdicts

TRIALS, SLOWDOWN = 20, 0.15
BACKENDS = {"sparse": "torch.SparseAdam", "dense": "torch.Adam.fused"}


def main() -> int:
    options = command_line.bare("suites.performance.trials", __doc__).parse_args()
    why: dict[str, None] = {}
    console, rng, counts = Console(width=180), np.random.default_rng(0), []
    for slowdown in (SLOWDOWN, 0.0):
        for configuration in GATED:
            (backend,) = select([BACKENDS[configuration.layout]])
            with Arms() as context:
                arms = start(context, backend, "cpu", "", slowdown)
                title = f"{backend.name}, {configuration}, slowdown {slowdown:.0%}"
                trials = track(range(TRIALS), title, console=console)
                rows = with_verdicts([row(arms, configuration, rng) for _ in trials])
            why |= {r["note"]: None for r in rows if r["verdict"] == "not run"}
            ratios = [r["ratio"] for r in rows if "ratio" in r]
            counts.append(
                {
                    "backend": backend.name,
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
            )
    table = frame("performance_trials", counts)
    write(table, options.out / "performance_trials.csv")
    show_rows("trials of the gate")(table, console)
    if why:
        print(f"trials that did not run: {'; '.join(why)}", file=sys.stderr)
    return 2 if why else 0


if __name__ == "__main__":
    sys.exit(status_of(main))
