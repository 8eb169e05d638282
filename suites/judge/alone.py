"""The reference alone: a case from its start to its end, in any dialect, with the bound on its errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.blocks import Running, advance
from lazyadam.reference.bound import State
from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.reference.rounding import PRECISIONS, Errors, Precision
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.judge.judgement import quantities
from lazyadam.suites.judge.stack import Builder, Segment, expected_counts, number_of, width_of

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
    return together([case], dialect, arithmetic, p)[0]


def together(
    cases: list[Case],
    dialect: Dialect = REFERENCE,
    arithmetic: Arithmetic = EXACT,
    p: Precision = PRECISIONS["float64"],
) -> list[Alone]:
    """Several cases, one below another: rows know no neighbours.

    Raises:
        ValueError: the cases differ in their number of steps, in those observed, or in Nesterov's form.
    """
    first = cases[0]
    if len({(len(c.steps), c.observed, c.groups[0].hyperparameters.nesterov) for c in cases}) > 1:
        raise ValueError("cases that run together have as many steps, observed alike, in one form")
    counts = [expected_counts(case, dialect) for case in cases]
    schedules = [case.schedule() for case in cases]
    rules = Rules(p, dialect, arithmetic, first.groups[0].hyperparameters.nesterov)
    observed = [k - 1 for k in first.observed]
    results = [Alone(Trajectory([], [], [], t[observed]), []) for t in counts]
    ends: dict[tuple[int, int], tuple[list[tuple[State, Errors]], slice]] = {}
    for width in dict.fromkeys(width_of(parameter.w) for case in cases for parameter in case.parameters):
        lanes, base = [], 0
        for i, case in enumerate(cases):
            for n, parameter in enumerate(case.parameters):
                if width_of(parameter.w) == width:
                    lanes.append((i, n, base, len(parameter.w)))
                    base += len(parameter.w)
        start = (
            np.concatenate([getattr(cases[i].parameters[n], q).reshape(-1, width) for i, n, *_ in lanes])
            for q in quantities(dialect)
        )
        running = Running(State(*start))
        seen: list[tuple[State, Errors]] = []
        for k in range(1, len(first.steps) + 1):
            builder = Builder(dialect, arithmetic, p, False)
            for i, n, base, count in lanes:
                if cases[i].steps[k - 1].gradients[n] is not None:
                    t = number_of(cases[i], k, n, dialect)
                    builder.add(Segment(i, n, k, base, count), cases[i], schedules[i][k - 1][n], t)
            stack = builder.stack(width)
            if len(stack.gradient.rows):
                advance(running, stack.gradient, stack.scalars, rules)
            if k in first.observed:
                seen.append(running.now())
        for i, n, base, count in lanes:
            ends[i, n] = seen, slice(base, base + count)
    for (i, n), (seen, at) in sorted(ends.items(), key=lambda item: item[0]):
        shape = cases[i].parameters[n].w.shape
        for quantity in quantities(dialect):
            part = _stacked([getattr(state, quantity)[at] for state, _ in seen], shape)
            getattr(results[i].trajectory, quantity).append(part)
        results[i].errors.append(_stacked([errors.w[at] for _, errors in seen], shape))
    return results


def _stacked(seen: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.stack(seen).reshape(-1, *shape)
