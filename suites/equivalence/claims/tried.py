"""Cases on a backend, judged against one dialect.

Two backends agree where both are within the bound of one and the same dialect, each with its own
arithmetic. That is the reference dialect throughout: SparseAdam speaks it, which C1 shows on its cases.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lazyadam.reference.dialect import Dialect
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import Menu, seed_of
from lazyadam.suites.clauses.clause import H
from lazyadam.suites.equivalence.lab import Lab
from lazyadam.suites.judge.step_by_step import step_by_step

CASES = 6


SPARSE_ADAM = "torch.SparseAdam"
LAZY_ADAM = "mindspore.LazyAdam.default.graph"
LAZY_ADAM_FORMS = {
    "default target": LAZY_ADAM,
    'target = "CPU"': "mindspore.LazyAdam.target_cpu.graph",
}
PYNATIVE = "mindspore.LazyAdam.default.pynative"
# Nothing subnormal: what MindSpore's launches make of that is a clause of its own.
PLAIN = Menu(
    rows=("distinct", "sorted", "all"),
    regimes=("ones", "ramp", "ordinary", "zeros"),
    kinds=("nothing", "ordinary"),
    steps=4,
)
DENSE = replace(PLAIN, layouts=("dense",))


@dataclass(frozen=True)
class Tried:
    """Cases on a backend, each with its largest error / bound; infinite where it failed."""

    cases: list[Case]
    trajectories: list[Trajectory]
    worst: np.ndarray

    @property
    def error(self) -> str:
        return next((first_sentence(t.failure.message) for t in self.trajectories if t.failure), "")

    @property
    def within(self) -> bool:
        return bool((self.worst <= 1).all())

    def __str__(self) -> str:
        return f"refused ({self.error})" if self.error else f"{self.worst.max():.2g}"


def tried(
    lab: Lab, name: str, cases: Sequence[Case], dialect: Dialect | None = None, device: str = "cpu"
) -> Tried:
    """The cases up to the first that fails, judged against one dialect: that of the reference."""
    trajectories = lab.run(name, list(cases), device)
    done = list(cases[: len(trajectories)])
    worst = judged(lab, name, done, trajectories, dialect or Dialect())
    worst[[t.failure is not None for t in trajectories]] = np.inf
    return Tried(done, trajectories, worst)


def judged(
    lab: Lab, name: str, cases: list[Case], trajectories: list[Trajectory], dialect: Dialect
) -> np.ndarray:
    return step_by_step(cases, trajectories, dialect, lab.backend(name).arithmetic).worst


def cases_of(menu: Menu, seed: int, settings: Iterable[H] = (H(),), count: int = CASES) -> list[Case]:
    """Cases of the menu for each of the settings."""
    return [
        case
        for h in settings
        for case in collect(replace(menu, hyperparameters=((h,),)), "float32", count, seed_of(seed, menu, h))
    ]


def first_sentence(message: str) -> str:
    """A message without MindSpore's call stack, and not for ever."""
    return message.partition(" ---")[0].split(". ")[0].rstrip(".")[:160]


def listed(results: dict[str, Tried]) -> str:
    return ", ".join(f"{name} {t}" for name, t in results.items())


def same_bits(a: Trajectory, b: Trajectory) -> bool:
    """Whether two trajectories have the same bits."""
    return all(
        x.tobytes() == y.tobytes()
        for ours, theirs in ((a.w, b.w), (a.m, b.m), (a.v, b.v))
        for x, y in zip(ours, theirs, strict=True)
    )
