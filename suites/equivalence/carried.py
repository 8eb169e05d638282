"""Cases carried from one process to another, in mid-training."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Parameter, Trajectory
from lazyadam.suites.clauses.carried import LEGS


@dataclass
class Leg:
    """A part of every case on one backend, and what came of it."""

    steps: slice
    process: Process
    cases: list[Case]
    trajectories: list[Trajectory]


def carry(cases: list[Case], processes: tuple[Process, ...]) -> Iterator[Leg]:
    """Each part of the cases in its process, from the state that the part before it left."""
    for steps, process in zip(LEGS, processes, strict=True):
        parts = [replace(c, steps=c.steps[steps], observed=tuple(range(1, 5))) for c in cases]
        trajectories = process.run(parts)
        yield Leg(steps, process, parts, trajectories)
        if any(t.failure for t in trajectories):
            return
        cases = [after(c, t) for c, t in zip(cases, trajectories, strict=True)]


def after(case: Case, trajectory: Trajectory) -> Case:
    """The case with the parameter and the step count that a trajectory ends with."""
    kept = [x for x in (trajectory.w, trajectory.m, trajectory.v, trajectory.v_max) if x]
    return replace(case, parameters=(Parameter(*(x[0][-1] for x in kept)),), t=int(trajectory.t[-1, 0]))
