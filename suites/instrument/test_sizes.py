"""How far off: sizes of each kind, and what storing in float32 costs; and free running."""

from dataclasses import replace
from functools import partial
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from mpmath import mpf, sqrt

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import (
    Arithmetic,
    Average,
    BiasCorrection,
    Dialect,
    Duplicates,
    Power,
    Storage,
)
from lazyadam.reference.gradient import coalesce
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, exact, replayed
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step, Trajectory
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_findings import EACH_WAY, Judge, P, several, spoken
from lazyadam.suites.instrument.test_judge import ARITHMETIC, REFERENCE, faithful
from lazyadam.suites.judge.free_running import free_running
from lazyadam.suites.judge.judgement import Size, element, measure
from lazyadam.suites.judge.step_by_step import step_by_step


def test_free_running_stops_where_it_is_told() -> None:
    cases = [several(0), several(1, (2, 3, 5))]
    trajectories = spoken(cases)
    for x in trajectories:
        x.w[0][-2:] = nan
    judgement = free_running(cases, trajectories, REFERENCE, ARITHMETIC, until=2)
    assert (judgement.worst <= 1).all()
    assert judgement.steps == 3
    assert {k for _, k in judgement.sizes} == {1, 2}
    assert (free_running(cases, trajectories, REFERENCE, ARITHMETIC).worst == inf).all()


L = PRECISIONS["float32"].largest
UNJUDGED: dict[str, tuple[float, bool]] = {
    "NaN": (nan, True),
    "infinite": (-inf, True),
    "the largest number": (-L, True),
    "just below the largest number": (-L * (1 - 2.0**-23), False),
    "an eighth of the largest number": (-L / 8, False),
}


@pytest.mark.parametrize("what", UNJUDGED)
@pytest.mark.parametrize("quantity", "wmv")
def test_free_running_leaves_alone_what_has_no_bound(what: str, quantity: str) -> None:
    case = sample(steps=1)
    value, alone = UNJUDGED[what]
    x = getattr(case.parameters[0], quantity)
    x = np.where(np.arange(24).reshape(6, 4) == 23, abs(value) if quantity == "v" else value, x)
    case = replace(
        case,
        parameters=(replace(case.parameters[0], **{quantity: x}),),
        steps=(Step((Gradient(np.ones((1, 4)), np.array([0])),)),),
    )
    trajectory = faithful(case)
    for wrong in (1.0, nan):
        getattr(trajectory, quantity)[0][0, 5, 3] = wrong
        assert (free_running([case], [trajectory], REFERENCE, ARITHMETIC).worst[0] < 1) == alone


def test_free_running_has_no_bound_where_the_denominator_may_vanish() -> None:
    zeros = np.zeros((1, 1))
    case = Case(
        "float32",
        (Parameter(zeros, zeros, zeros),),
        (Group((0,), Hyperparameters(epsilon=0.0)),),
        (Step((Gradient(np.array([[1e-25]]), np.array([0])),)),),
        (1,),
    )
    trajectory = faithful(case)
    assert np.isfinite(trajectory.w[0]).all()
    trajectory.w[0][:] = nan
    assert free_running([case], [trajectory], REFERENCE, ARITHMETIC).worst[0] <= 1


ULP = 2.0**-23
MEASURED: dict[str, tuple[list[float], list[float], Size]] = {
    "nothing": ([1.0, -2.0, 0.0], [1.0, -2.0, 0.0], Size(ratio=0.5, gap=0.25)),
    "an ulp of 1": ([1 + ULP], [1.0], Size(1.0, ULP, ULP, 0.5, 0.25)),
    "two ulps below 2": ([2 - 2 * ULP], [2.0], Size(1.0, 2 * ULP, ULP, 0.5, 0.25)),
    "of 3 the ulp is that of 2": ([-3 - 6 * ULP], [-3.0], Size(3.0, 6 * ULP, 2 * ULP, 0.5, 0.25)),
    "a subnormal's ulp is the least": ([2.0**-148], [2.0**-149], Size(1.0, 2.0**-149, 1.0, 0.5, 0.25)),
    "of 0 there is no relative": ([2.0**-149], [0.0], Size(1.0, 2.0**-149, 0.0, 0.5, 0.25)),
    "what is not finite is left out": (
        [nan, 1.0, 5.0, inf],
        [1.0, inf, 4.0, inf],
        Size(2.0**21, 1.0, 0.25, 0.5, 0.25),
    ),
    "nothing finite": ([nan], [1.0], Size(gap=0.25)),
}


@pytest.mark.parametrize("what", MEASURED)
def test_measure(what: str) -> None:
    seen, value, size = MEASURED[what]
    ratio = np.linspace(0.5, 0.1, len(seen))
    assert measure(np.array(seen), np.array(value), ratio, 0.25, P) == size


def test_sizes_keep_the_largest_of_each_kind() -> None:
    size = Size(1.0, 2.0, 3.0, 4.0, 5.0)
    size.include(Size(5.0, 4.0, 3.0, 2.0, 1.0))
    assert size == Size(5.0, 4.0, 3.0, 4.0, 5.0)


def test_element_of_a_flat_column() -> None:
    assert element(3, 7, np.zeros((5, 2, 4))) == (3, 1, 3)
    assert element(3, 0, np.zeros(5)) == (3,)


@EACH_WAY
def test_sizes_are_those_of_the_fault(judge: Judge) -> None:
    case = several(0)
    trajectory = spoken([case])[0]
    trajectory.w[0][-1, case.steps[4].gradients[0].rows[0], 2] += 100.0  # type: ignore[union-attr, index]
    if judge is step_by_step:
        judge = partial(judge, sizes=True)
        assert step_by_step([case], [trajectory], REFERENCE, ARITHMETIC).sizes == {}
    judgement = judge([case], [trajectory], REFERENCE, ARITHMETIC)
    at = max(k for _, k in judgement.sizes)
    ks = {0} if at == 0 else set(case.observed)
    assert set(judgement.sizes) == {(q, k) for q in "wmv" for k in ks}
    assert judgement.sizes["w", at].absolute == pytest.approx(100, rel=1e-6)
    assert judgement.sizes["w", at].ratio == judgement.worst[0]
    for quantity in "mv":
        size = judgement.sizes[quantity, at]
        assert 0 < size.relative < 1e-5
        assert 0 < size.ratio <= 1
    if at:
        assert all(size.gap == 0 for size in judgement.sizes.values())


@pytest.mark.parametrize("settings", [{}, {"weight_decay": 0.1, "loss_scale": 3.0, "maximize": True}])
@pytest.mark.parametrize("correction", [BiasCorrection.STEP, BiasCorrection.NONE])
@pytest.mark.parametrize("nesterov", [False, True])
def test_specification_gap_is_what_storing_in_float32_costs(
    settings: dict[str, Any], correction: BiasCorrection, nesterov: bool
) -> None:
    """Against 50 digits, from hyperparameters as written and as stored; of w the change."""
    h = Hyperparameters(lr=0.013, beta1=0.83, beta2=0.9937, epsilon=3e-3, nesterov=nesterov, **settings)
    w, m, v, g = 0.75, 0.125, 0.0625, 0.5
    one = np.ones((1, 1))
    case = Case(
        "float32",
        (Parameter(w * one, m * one, v * one),),
        (Group((0,), h),),
        (Step((Gradient(g * one, np.array([0])),)),),
        (1,),
        t=2,
    )
    arithmetic = Arithmetic(Storage.FLOAT32, Power.FLOAT32_PRODUCT, Average.BOTH, Average.BOTH)

    def true(s: Any) -> tuple[mpf, mpf, mpf]:
        total = s.sign * mpf(g) / mpf(s.scale) + mpf(s.decay) * w
        new_m, new_v = s.beta1 * mpf(m) + s.omega1 * total, s.beta2 * mpf(v) + s.omega2 * total**2
        numerator = s.beta1 * new_m + s.omega1 * total if nesterov else new_m
        return s.alpha * numerator / (sqrt(new_v) + s.epsilon), new_m, new_v

    written, chained = exact(h, 3), replayed(h, 3, arithmetic, P)
    if correction is BiasCorrection.NONE:
        written, chained = written.uncorrected(), chained.uncorrected()
    dialect = Dialect(bias_correction=correction)
    zeros = Trajectory([one[None]], [one[None]], [one[None]], np.array([[3]]))
    sizes = step_by_step([case], [zeros], dialect, arithmetic, sizes=True).sizes
    for q, a, c in zip("wmv", true(written), true(chained), strict=True):
        assert sizes[q, 0].gap == pytest.approx(float(abs(a - c) / abs(c)), rel=1e-6)
        assert sizes[q, 0].gap > 1e-9


@pytest.mark.parametrize("g", [0.0, nan])
def test_no_gap_where_nothing_tells_it(g: float) -> None:
    case = sample(steps=1)
    zeros = np.zeros((6, 4))
    steps = (Step((Gradient(np.full((6, 4), g), np.arange(6)),)),)
    case = replace(case, parameters=(Parameter(zeros, zeros, zeros),), steps=steps)
    sizes = step_by_step([case], [faithful(case)], REFERENCE, Arithmetic(Storage.FLOAT32), sizes=True).sizes
    assert [size.gap for size in sizes.values()] == [0.0, 0.0, 0.0]


def test_squares_apart_are_never_negative() -> None:
    """Decay that joins once is shared by the occurrences: Σ (g_j + λ·w/n)²."""
    rows, values = np.array([0, 0]), np.array([[1.0], [-3.0]])
    dialect = Dialect(duplicates=Duplicates.SQUARES_APART)
    p = PRECISIONS["float64"]
    gradient = coalesce(rows, values, dialect.duplicates, p)
    h = Hyperparameters(weight_decay=1.0, beta2=0.5)
    start = State(np.array([[100.0]]), np.zeros((1, 1)), np.zeros((1, 1)))
    v = step(start, gradient, exact(h, 1), Rules(p, dialect)).state.v
    assert v[0, 0] == 0.5 * ((1.0 + 50.0) ** 2 + (-3.0 + 50.0) ** 2)
