"""The same trajectories under other tolerances: what tests of optimizers usually compare with."""

from dataclasses import dataclass

import numpy as np

from reference.dialect import Arithmetic, Dialect
from reference.lazy_adam import Rules, Running, State, advance
from reference.rounding import PRECISIONS
from suites.case import Case, Trajectory
from suites.judge.judgement import QUANTITIES
from suites.judge.stack import Builder, Segment, expected_counts, width_of


@dataclass(frozen=True)
class Policy:
    """A comparison |seen − expected| ≤ atol + rtol·|expected|, after every observed step."""

    name: str
    rtol: float
    atol: float


# torch.testing documentation, 2.13, default tolerances of float32; numpy.allclose documentation, 1.26.
POLICIES = (
    Policy("torch.testing.assert_close", 1.3e-6, 1e-5),
    Policy("numpy.allclose", 1e-5, 1e-8),
    Policy("rtol 1e-3", 1e-3, 1e-8),
    Policy("rtol 1e-2", 1e-2, 1e-8),
)
COMPARED = {"w": ("w",), "w, m, v": QUANTITIES}


def close(policy: Policy, quantities: tuple[str, ...], seen: Trajectory, expected: Trajectory) -> bool:
    """Whether a trajectory passes; one that failed doesn't."""
    return seen.failure is None and all(
        np.allclose(x, y, rtol=policy.rtol, atol=policy.atol, equal_nan=True)
        for quantity in quantities
        for x, y in zip(getattr(seen, quantity), getattr(expected, quantity), strict=True)
    )


def reference(case: Case) -> Trajectory:
    """The reference, run freely from the start of a case, as the usual test has it: no bound, no dialect."""
    counts, schedule = expected_counts(case, Dialect()), case.schedule()
    exact, float64 = Arithmetic(), PRECISIONS["float64"]
    rules = Rules(float64, arithmetic=exact, nesterov=case.groups[0].hyperparameters.nesterov)
    result = Trajectory([], [], [], counts[[k - 1 for k in case.observed]])
    for n, parameter in enumerate(case.parameters):
        width = width_of(parameter.w)
        running = Running(State(*(getattr(parameter, q).reshape(-1, width) for q in QUANTITIES)))
        seen: list[State] = []
        for k in range(1, len(case.steps) + 1):
            if case.steps[k - 1].gradients[n] is not None:
                builder = Builder(Dialect(), exact, float64, False)
                segment = Segment(0, n, k, 0, len(parameter.w))
                builder.add(segment, case, schedule[k - 1][n], int(counts[k - 1, n]))
                stack = builder.stack(width)
                advance(running, stack.gradient, stack.scalars, rules)
            if k in case.observed:
                seen.append(running.now()[0])
        for quantity, states in zip(QUANTITIES, zip(*seen, strict=True), strict=True):
            getattr(result, quantity).append(np.stack(states).reshape(-1, *parameter.w.shape))
    return result
