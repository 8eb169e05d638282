"""Run again: the same case in a manner that promises to change nothing has to give the same bits."""

from collections.abc import Iterator, Sequence

import numpy as np

from lazyadam.suites.cases.case import Case, Manner, Trajectory
from lazyadam.suites.judge.judgement import QUANTITIES, Divergence, Judgement

RUN_AGAIN = frozenset({Manner.ASSIGNED})


def run_again(cases: Sequence[Case], trajectories: Sequence[Trajectory]) -> Judgement:
    """Judge each trajectory by itself run again (`Trajectory.again`); no reference and no dialect is asked.

    A difference has no bound: its ratio is infinite.
    """
    result = Judgement(np.zeros(len(cases)), 0, [], {})
    for i, (case, trajectory) in enumerate(zip(cases, trajectories, strict=True)):
        if trajectory.again is None:
            continue  # it failed before, which is a verdict of its own
        result.steps += min(len(trajectory.t), len(trajectory.again.t))
        found = [f for name in QUANTITIES for f in _first_difference(i, case, trajectory, name)]
        result.worst[i] = np.inf if found else 0.0
        result.divergences += sorted(found, key=lambda divergence: divergence.step)
    return result


def not_run_again(cases: Sequence[Case], trajectories: Sequence[Trajectory]) -> str | None:
    """Why nothing can be judged where a case asks to be run again; None where it can, or is not asked."""
    for case, trajectory in zip(cases, trajectories, strict=True):
        if case.manner & RUN_AGAIN and trajectory.again is None and trajectory.failure is None:
            return "asked to be run again, but it was not"
    return None


def _first_difference(i: int, case: Case, trajectory: Trajectory, name: str) -> Iterator[Divergence]:
    """The largest difference of a quantity in the first step that has one."""
    assert trajectory.again is not None
    pairs = list(zip(getattr(trajectory, name), getattr(trajectory.again, name), strict=True))
    for j, step in enumerate(case.observed[: min(len(trajectory.t), len(trajectory.again.t))]):
        differing = [n for n, (x, y) in enumerate(pairs) if x[j].tobytes() != y[j].tobytes()]
        if differing:
            n = differing[0]
            expected, value = (x[j] for x in pairs[n])
            unequal = expected.view(np.int64) != value.view(np.int64)
            with np.errstate(invalid="ignore"):
                size = np.where(unequal, np.nan_to_num(np.abs(value - expected), nan=np.inf), -1.0)
            at = tuple(int(x) for x in np.unravel_index(size.argmax(), size.shape))
            yield Divergence(name, i, step, n, at, float(value[at]), float(expected[at]), 0.0, np.inf)
            return
