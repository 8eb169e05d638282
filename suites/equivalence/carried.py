"""State carried from torch's SparseAdam to a lazy optimizer and back, in mid-training."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lazyadam.reference.dialect import Untouched
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.process import Process
from lazyadam.suites.backends.torch_optim import SparseAdam
from lazyadam.suites.cases.case import Case, Parameter, Trajectory
from lazyadam.suites.cases.strategies import Menu
from lazyadam.suites.clauses.clause import MINDSPORE_LAZY_ADAM, TORCH_SPARSE_ADAM, Clause

LEGS = (slice(0, 4), slice(4, 8), slice(8, 12))


def takes_over(backend: type[Backend]) -> bool:
    """Whether a backend is to go on where SparseAdam stopped: a lazy optimizer other than itself."""
    lazy = "sparse" in backend.layouts and backend.documented.untouched is Untouched.FROZEN
    return lazy and backend is not SparseAdam


def _rows(pattern: str) -> Callable[[type[Backend]], Menu]:
    return lambda _: Menu(rows=(pattern,), observed=tuple(range(1, LEGS[-1].stop + 1)), starts=(0, 7))


CLAUSES = (
    Clause(
        "state-carried",
        "an optimizer goes on from SparseAdam's state, and SparseAdam from its own, as the rule says",
        "state is carried from SparseAdam",
        f"{MINDSPORE_LAZY_ADAM}, with {TORCH_SPARSE_ADAM}: of one algorithm, the state is w, m, v and t",
        _rows("distinct"),
    ),
    Clause(
        "state-carried-duplicates",
        "state is carried between SparseAdam and an optimizer where gradients repeat rows",
        "state is carried from SparseAdam and rows repeat",
        f"{MINDSPORE_LAZY_ADAM}, with {TORCH_SPARSE_ADAM}: of one algorithm, the state is w, m, v and t",
        _rows("repeated"),
    ),
)


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
    w, m, v = (x[0][-1] for x in (trajectory.w, trajectory.m, trajectory.v))
    return replace(case, parameters=(Parameter(w, m, v),), t=int(trajectory.t[-1, 0]))
