"""What circumstances meet in a case: pattern of rows × size of numbers × start × event."""

import math
from collections.abc import Iterator

import numpy as np

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.suites.cases.case import Case, Gradient, Step


def circumstances(case: Case) -> Iterator[str]:
    """Of every step, each combination once."""
    start = "first step" if not case.t else "early" if case.t < 10 else "late"
    found = {
        " × ".join((pattern(g, len(p.w)), size(g, case.dtype), start, event(case, step)))
        for step in case.steps
        for g, p in zip(step.gradients, case.parameters, strict=True)
    }
    yield from sorted(found)


def pattern(gradient: Gradient | None, rows: int) -> str:
    """Which rows a gradient names."""
    if gradient is None:
        return "no gradient"
    named = gradient.rows
    if named is None:
        return "dense"
    if not len(named):
        return "no rows"
    once = np.unique(named)
    if len(once) < len(named):
        return "repeated rows"
    return "all rows" if len(once) == rows else "some rows"


def size(gradient: Gradient | None, dtype: str) -> str:
    """Of the largest number of a gradient, as its square is in the type."""
    if gradient is None or not gradient.values.size:
        return "nothing"
    p, largest = PRECISIONS[dtype], float(np.abs(gradient.values).max())
    if not np.isfinite(largest):
        return "not finite"
    if not largest:
        return "zeros"
    if largest > math.sqrt(p.largest):
        return "square overflows"
    least_normal = 2 * p.eta / p.u
    return (
        "subnormal" if largest < least_normal else "tiny" if largest < math.sqrt(least_normal) else "ordinary"
    )


def event(case: Case, step: Step) -> str:
    """What happens at a step, beside it."""
    if step.reload:
        return "saved and loaded"
    if step.changes:
        return "hyperparameters change"
    if case.manner:
        return "another manner"
    return "several parameters" if len(case.parameters) > 1 else "nothing else"
