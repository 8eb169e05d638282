"""Powers β^t that may be some ulps off: one number in a whole step, found from all that it moved."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.dialect import Arithmetic, Dialect, Power, Storage
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, replayed
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step, Trajectory
from lazyadam.suites.instrument.orders import ORDERS, implementation
from lazyadam.suites.judge.judgement import Judgement
from lazyadam.suites.judge.one_step import one_step
from lazyadam.suites.judge.step_by_step import step_by_step

P = PRECISIONS["float32"]
POWERS = Arithmetic(Storage.FLOAT32, Power.FLOAT32_POWER)  # as C's powf, which may be 2 ulps off
H = Hyperparameters(lr=1.0, beta1=0.995, beta2=0.999)  # an ulp of their powers is many of 1 − β^t
STEPS, SHAPE = 4, (5, 3)
Ulps = tuple[int, int]


def case() -> Case:
    rng = np.random.default_rng(4)

    def numbers() -> np.ndarray:
        return rng.standard_normal(SHAPE).astype(np.float32).astype(np.float64)

    zeros = np.zeros(SHAPE)
    parameters = tuple(Parameter(numbers(), zeros, zeros) for _ in range(2))
    steps = tuple(
        Step(tuple(Gradient(numbers(), np.arange(SHAPE[0])) for _ in range(2))) for _ in range(STEPS)
    )
    return Case("float32", parameters, (Group((0, 1), H),), steps, tuple(range(1, STEPS + 1)))


def ran(off: Callable[[int, int, int], Ulps]) -> Trajectory:
    """A right optimizer whose powers of a step, parameter and row are so many ulps off."""
    given = case()
    seen: list[list[list[np.ndarray]]] = [[[], []] for _ in range(3)]
    for n, start in enumerate(given.parameters):
        state = start.w, start.m, start.v
        for k, step in enumerate(given.steps):
            g = step.gradients[n]
            assert g is not None
            rows = []
            for row in range(SHAPE[0]):
                s = replayed(H, k + 1, POWERS, P, off(k, n, row))
                w, m, v = (x[row : row + 1] for x in state)
                parts = g.values[None, row : row + 1]
                rows.append(implementation(w, m, v, parts, s, ORDERS[1], "float32"))
            w, m, v = (np.concatenate(x) for x in zip(*rows, strict=True))
            state = w, m, v
            for quantity, x in zip(seen, state, strict=True):
                quantity[n].append(x)
    all_w, all_m, all_v = ([np.array(x) for x in quantity] for quantity in seen)
    return Trajectory(all_w, all_m, all_v, np.tile(np.arange(1, STEPS + 1)[:, None], 2))


def judged(trajectory: Trajectory, arithmetic: Arithmetic = POWERS) -> Judgement:
    return step_by_step([case()], [trajectory], Dialect(), arithmetic)


@pytest.mark.parametrize("ulps", list(product((-2, -1, 0, 1, 2), repeat=2)), ids=str)
def test_powers_that_may_be_are_found(ulps: Ulps) -> None:
    trajectory = ran(lambda k, n, row: ulps if k == 2 else (0, 0))
    assert judged(trajectory).worst[0] <= 1
    if ulps == (0, 0):
        return
    exactly = judged(trajectory, Arithmetic(Storage.FLOAT32, Power.FLOAT32_POWER, power_ulps=0))
    assert exactly.worst[0] > 1
    assert {finding.step for finding in exactly.divergences} == {3}


def test_each_step_of_each_parameter_has_powers_of_its_own() -> None:
    assert judged(ran(lambda k, n, row: ((-1) ** k * (n + 1), 2 - k))).worst[0] <= 1


@pytest.mark.parametrize("ulps", [(9, 0), (-9, 0), (0, 3), (0, -3)], ids=str)
def test_powers_that_can_not_be_are_wrong(ulps: Ulps) -> None:
    """Nor can the other power make up for them."""
    seen = judged(ran(lambda k, n, row: ulps if (k, n) == (1, 1) else (0, 0)))
    assert seen.worst[0] > 1
    assert {(f.quantity, f.step, f.parameter) for f in seen.divergences} == {("w", 2, 1)}


@pytest.mark.parametrize("one", [(2, 0), (0, 1), (-1, 2)], ids=str)
def test_rows_of_one_step_with_different_powers_are_wrong(one: Ulps) -> None:
    """Each of them alone is within what a power may be."""
    seen = judged(ran(lambda k, n, row: one if (k, n) == (2, 0) and row > 2 else (0, 0)))
    assert seen.worst[0] > 1
    assert {(f.quantity, f.step, f.parameter) for f in seen.divergences} == {("w", 3, 0)}


def test_a_step_is_shown_by_the_powers_that_it_was_judged_by() -> None:
    trajectory = ran(lambda k, n, row: ((-1) ** k * (n + 1), 2 - k))
    rules = Rules(P, Dialect(), POWERS)
    shown = [one_step(case(), trajectory, k, n, rules).ratio.w.max() for k in range(1, 5) for n in (0, 1)]
    assert max(shown) <= judged(trajectory).worst[0] <= 1
    assert max(shown) > 0.05


@pytest.mark.parametrize("ulps", [(2, 0), (-2, 0)], ids=str)
def test_no_power_is_taken_that_is_further_off_than_said(ulps: Ulps) -> None:
    trajectory = ran(lambda k, n, row: ulps if k == 0 else (0, 0))
    assert judged(trajectory).worst[0] <= 1
    one = Arithmetic(Storage.FLOAT32, Power.FLOAT32_POWER, power_ulps=1)
    assert judged(trajectory, one).worst[0] > 1


def test_the_gap_from_the_decimals_is_measured_beside_powers_that_are_found() -> None:
    trajectory = ran(lambda k, n, row: (1, 1))
    seen = step_by_step([case()], [trajectory], Dialect(), POWERS, sizes=True)
    assert seen.sizes["w", 0].gap > 0
