"""The layouts of the gradients at which something was seen."""

from collections.abc import Iterable, Sequence

from lazyadam.suites.cases.case import Case, Gradient, Trajectory
from lazyadam.suites.judge.judgement import Divergence

LAYOUTS = ("sparse", "dense", "none")


def layout_of(gradient: Gradient | None) -> str:
    """One of `LAYOUTS`, as in `Backend.layouts`."""
    if gradient is None:
        return "none"
    return "dense" if gradient.rows is None else "sparse"


def of_divergences(cases: Sequence[Case], divergences: Iterable[Divergence]) -> frozenset[str]:
    """Those of the gradients that the divergences are about."""
    return frozenset(layout_of(cases[f.case].steps[f.step - 1].gradients[f.parameter]) for f in divergences)


def of_failures(cases: Sequence[Case], trajectories: Sequence[Trajectory], kind: str) -> frozenset[str]:
    """Those of the gradients in the steps that failed in this way; of a whole case that failed before one.

    A parameter without a gradient has no part in it where another has one.
    """
    found: set[str] = set()
    for case, trajectory in zip(cases, trajectories, strict=True):
        failure = trajectory.failure
        if failure is None or failure.kind != kind:
            continue
        steps = case.steps[failure.step - 1 : failure.step] if failure.step else case.steps
        given = {layout_of(gradient) for step in steps for gradient in step.gradients}
        found |= given - {"none"} or given
    return frozenset(found)
