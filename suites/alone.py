"""The reference alone: a case from its start to its end, in any dialect, with the bound on its errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reference.dialect import Arithmetic, Dialect
from reference.lazy_adam import Rules, Running, State, advance
from reference.rounding import PRECISIONS, Errors, Precision
from suites.case import Case, Trajectory
from suites.judge.judgement import QUANTITIES
from suites.judge.stack import Builder, Segment, expected_counts, width_of

REFERENCE, EXACT = Dialect(), Arithmetic()


@dataclass(frozen=True)
class Alone:
    """trajectory: of the reference. errors: for w of each parameter the bound (observed, rows, …)."""

    trajectory: Trajectory
    errors: list[np.ndarray]


def alone(
    case: Case,
    dialect: Dialect = REFERENCE,
    arithmetic: Arithmetic = EXACT,
    p: Precision = PRECISIONS["float64"],
) -> Alone:
    """Run the reference freely from the start of a case. p: the type whose rounding is bounded."""
    counts, schedule = expected_counts(case, dialect), case.schedule()
    rules = Rules(p, dialect, arithmetic, case.groups[0].hyperparameters.nesterov)
    result = Alone(Trajectory([], [], [], counts[[k - 1 for k in case.observed]]), [])
    for n, parameter in enumerate(case.parameters):
        width, shape = width_of(parameter.w), parameter.w.shape
        running = Running(State(*(getattr(parameter, q).reshape(-1, width) for q in QUANTITIES)))
        seen: list[tuple[State, Errors]] = []
        for k in range(1, len(case.steps) + 1):
            if case.steps[k - 1].gradients[n] is not None:
                builder = Builder(dialect, arithmetic, p, False)
                t = max(1, int(counts[k - 1, n]))  # 0: no step of it has counted yet
                builder.add(Segment(0, n, k, 0, len(parameter.w)), case, schedule[k - 1][n], t)
                stack = builder.stack(width)
                if len(stack.gradient.rows):
                    advance(running, stack.gradient, stack.scalars, rules)
            if k in case.observed:
                seen.append(running.now())
        for quantity in QUANTITIES:
            getattr(result.trajectory, quantity).append(
                _stacked([getattr(s, quantity) for s, _ in seen], shape)
            )
        result.errors.append(_stacked([errors.w for _, errors in seen], shape))
    return result


def _stacked(seen: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.stack(seen).reshape(-1, *shape)
