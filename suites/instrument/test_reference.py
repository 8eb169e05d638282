"""The reference against an independent evaluation in 50 digits."""

import math

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from mpmath import mpf

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import Arithmetic, Average, Dialect, Duplicates, Hat, Power, Storage
from lazyadam.reference.gradient import Coalesced, coalesce
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, exact
from lazyadam.suites.instrument import oracle

FLOAT64 = PRECISIONS["float64"]
HYPERPARAMETERS = st.builds(
    Hyperparameters,
    lr=st.floats(1e-6, 1.0),
    beta1=st.floats(0.0, 0.999),
    beta2=st.floats(0.0, 0.99999),
    epsilon=st.floats(1e-10, 1e-1),
    weight_decay=st.just(0.0),
    nesterov=st.booleans(),
    maximize=st.booleans(),
)
STEPS = st.integers(1, 10_000)


def ulps(value: float, true: mpf, scale: float) -> float:
    """The error of value in float64 ulps of scale."""
    return float(abs(mpf(value) - true) / math.ulp(scale))


@seed(1)
@settings(max_examples=1000, deadline=None, database=None)
@given(HYPERPARAMETERS, STEPS)
def test_step_size_within_3_ulps(h: Hyperparameters, t: int) -> None:
    true = oracle.alpha(h, t)
    assert ulps(exact(h, t).alpha, true, float(true)) <= 3  # type: ignore[arg-type]


@pytest.mark.parametrize("beta2", [0.9, 0.999, 0.9999, 0.99999])
@pytest.mark.parametrize("t", [1, 2, 3, 10, 100, 829, 1000, 10_000])
def test_step_size_within_3_ulps_on_the_grid(beta2: float, t: int) -> None:
    h = Hyperparameters(beta2=beta2)
    true = oracle.alpha(h, t)
    assert ulps(exact(h, t).alpha, true, float(true)) <= 3  # type: ignore[arg-type]


@seed(2)
@settings(max_examples=1000, deadline=None, database=None)
@given(HYPERPARAMETERS, STEPS, st.integers(0, 2**32 - 1), st.sampled_from([1e-20, 1e-8, 1.0, 1e4]))
def test_step_within_3_ulps_for_moments_and_8_for_the_update(
    h: Hyperparameters, t: int, number: int, size: float
) -> None:
    rng = np.random.default_rng(number)
    g, m = size * rng.standard_normal((2, 1, 4))
    v = (size * rng.standard_normal((1, 4))) ** 2
    state = State(np.zeros((1, 4)), m, v)
    rules = Rules(FLOAT64, nesterov=h.nesterov)
    s = exact(h, t)
    new, _, inner = step(state, Coalesced(np.array([0]), g), s, rules)
    for i in range(4):
        moved, true_m, true_v = oracle.step(0.0, m[0, i], v[0, i], [g[0, i]], h, t)
        assert ulps(new.m[0, i], true_m, max(h.beta1 * abs(m[0, i]), (1 - h.beta1) * abs(g[0, i]))) <= 3
        assert ulps(new.v[0, i], true_v, max(h.beta2 * v[0, i], (1 - h.beta2) * g[0, i] ** 2)) <= 3
        size_of_m = h.beta1 * abs(m[0, i]) + (1 - h.beta1) * abs(g[0, i])
        scale = float(oracle.alpha(h, t)) * size_of_m / float(inner.denominator[0, i])
        assert ulps(new.w[0, i], moved, scale) <= 8


@seed(3)
@settings(max_examples=200, deadline=None, database=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 50, 999, 5000]))
def test_duplicate_sum_within_4_ulps(number: int, count: int) -> None:
    rng = np.random.default_rng(number)
    rows = rng.permutation(np.concatenate([np.zeros(count, np.int64), [1, 2]]))
    values = rng.standard_normal((len(rows), 2)) * 10 ** rng.uniform(-8, 8, (len(rows), 1))
    gradient = coalesce(rows, values, Duplicates.SUM, FLOAT64)
    for i in range(2):
        true = mpf(0)
        for x in values[rows == 0, i]:
            true += mpf(x)
        assert ulps(gradient.values[0, i], true, float(np.abs(values[rows == 0, i]).sum())) <= 4


@seed(4)
@settings(max_examples=200, deadline=None, database=None)
@given(
    HYPERPARAMETERS,
    STEPS,
    st.integers(0, 2**32 - 1),
    st.floats(1e-4, 0.5),
    st.sampled_from([1.0, 3.0, 1024.0]),
)
def test_weight_decay_and_loss_scale_follow_the_formula(
    h: Hyperparameters, t: int, number: int, decay: float, scale: float
) -> None:
    h = Hyperparameters(**{**vars(h), "weight_decay": decay, "loss_scale": scale})
    rng = np.random.default_rng(number)
    w, m, g = rng.standard_normal((3, 1, 2))
    v = rng.standard_normal((1, 2)) ** 2
    new, errors, _ = step(
        State(w, m, v), Coalesced(np.array([0]), g), exact(h, t), Rules(FLOAT64, nesterov=h.nesterov)
    )
    for i in range(2):
        moved, true_m, true_v = oracle.step(w[0, i], m[0, i], v[0, i], [g[0, i]], h, t)
        assert abs(mpf(new.m[0, i]) - true_m) <= errors.m[0, i]
        assert abs(mpf(new.v[0, i]) - true_v) <= errors.v[0, i]
        assert abs(mpf(new.w[0, i]) - (mpf(w[0, i]) + moved)) <= errors.w[0, i]


def test_rows_without_a_gradient_are_not_part_of_a_step() -> None:
    state = State(np.ones((3, 2)), np.zeros((3, 2)), np.zeros((3, 2)))
    new, _, _ = step(
        state, Coalesced(np.array([1]), np.ones((1, 2))), exact(Hyperparameters(), 1), Rules(FLOAT64)
    )
    assert new.w.shape == (1, 2)
    assert (state.w == 1).all()


def test_reference_dialect_is_the_formula_of_the_design() -> None:
    d = Dialect()
    assert (d.duplicates.name, d.epsilon.name, d.untouched.name) == ("SUM", "BESIDE_ROOT", "FROZEN")


def test_arithmetic_is_exact_and_operations_are_those_of_ieee_unless_said_otherwise() -> None:
    both = Average.BOTH
    assert Arithmetic() == Arithmetic(Storage.FLOAT64, Power.EXACT, both, both, Hat.DIVIDES, 1.0, 1.0)
    assert Hyperparameters() == Hyperparameters(1e-3, 0.9, 0.999, 1e-8, 0.0, 1.0, False, False)
