"""One step of one parameter, every element: what the judge compared, beyond the bound or not."""

from dataclasses import dataclass

import numpy as np

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.rounding import Errors
from lazyadam.reference.rule import step_size
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.judge.comparison import compare
from lazyadam.suites.judge.judgement import quantities
from lazyadam.suites.judge.powers import with_powers_found
from lazyadam.suites.judge.stack import Builder, Segment, counted, width_of


@dataclass(frozen=True)
class OneStep:
    """The state of all rows, before and after, as they should be, and how far they may be off.

    A row that the gradient does not touch has no bound: another bit is infinitely wrong. intermediates: by
    name, of every touched row (`rows`).
    """

    before: State
    expected: State
    got: State
    bound: Errors
    ratio: Errors
    rows: np.ndarray
    intermediates: dict[str, np.ndarray]


def one_step(case: Case, trajectory: Trajectory, number: int, parameter: int, rules: Rules) -> OneStep:
    """A step of a case whose every step was observed. Of one run again: the second run beside the first."""
    start = case.parameters[parameter]
    shape = len(start.w), width_of(start.w)
    ran = trajectory.again or trajectory

    def after(steps: int, of: Trajectory) -> State:
        names = quantities(rules.dialect)
        seen = [getattr(of, x)[parameter][steps - 1] if steps else getattr(start, x) for x in names]
        return State(*(x.reshape(shape) for x in seen))

    before, got = after(number - 1, ran), after(number, ran)
    again = trajectory.again is not None
    expected = after(number, trajectory) if again else State(*(x.copy() for x in before))
    bound = Errors(*(np.zeros(shape) for _ in got))
    ratio = Errors(
        *(
            np.where(x.view(np.int64) == y.view(np.int64), 0.0, np.inf)
            for x, y in zip(expected, got, strict=True)
        )
    )
    t = counted(case, ran, number - 1, parameter, rules.dialect)
    builder = Builder(rules.dialect, rules.arithmetic, rules.type, gap=False)
    segment = Segment(0, parameter, number, 0, len(start.w))
    builder.add(segment, case, case.schedule()[number - 1][parameter], t + 1)
    stack = with_powers_found(builder, builder.stack(shape[1]), before, got, rules)
    rows = stack.gradient.rows
    if again or not len(rows):
        return OneStep(before, expected, got, bound, ratio, rows, {})
    bounded = step(before, stack.gradient, stack.scalars, rules)
    seen = compare(before, stack, bounded, State(*(x[rows] for x in got)), rules)
    for q in range(len(got)):
        expected[q][rows] = bounded.state[q]  # where a row stands twice the last occurrence is kept
        bound[q][rows] = bounded.errors[q]
        ratio[q][rows] = 0.0
        np.maximum.at(ratio[q], rows, seen[q])
    inner, size = bounded.inner, step_size(stack.scalars, rules.epsilon)
    named = {
        "√v": inner.root,
        "denominator": inner.denominator,
        "quotient": inner.quotient,
        "step size": np.broadcast_to(size, inner.root.shape),
    }
    return OneStep(before, expected, got, bound, ratio, rows, named)
