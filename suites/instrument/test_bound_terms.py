"""What every term of the bound stands for, in every dialect and on every way of computing it."""

from dataclasses import fields, replace

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.blocks import Running, advance
from lazyadam.reference.bound import State, step, step_in_place
from lazyadam.reference.dialect import Arithmetic, Dialect, Duplicates, Epsilon, WeightDecay
from lazyadam.reference.gradient import Coalesced, coalesce
from lazyadam.reference.rounding import (
    CONSTANTS,
    PRECISIONS,
    Constants,
    Errors,
    Precision,
    maximum_error,
    round_to,
)
from lazyadam.reference.scalars import Hyperparameters, Scalars, exact

FLOAT32 = PRECISIONS["float32"]
IEEE = Arithmetic()
# The bound of a small type takes the long way; with the roundoff of float32 second order terms stay small.
# Where η is as large as u underflow counts as much as rounding.
TYPES = {
    "float32": FLOAT32,
    "underflowing": replace(FLOAT32, eta=FLOAT32.u),
    "small": replace(PRECISIONS["bfloat16"], u=FLOAT32.u, eta=FLOAT32.u),
}
DIALECTS = {
    "sum": Dialect(),
    "mean": Dialect(duplicates=Duplicates.MEAN),
    "scattered": Dialect(duplicates=Duplicates.SCATTERED),
    "squares apart": Dialect(duplicates=Duplicates.SQUARES_APART),
    "ε beside √v̂": Dialect(epsilon=Epsilon.BESIDE_HAT),
    "ε inside √": Dialect(epsilon=Epsilon.INSIDE_ROOT),
    "ε at least": Dialect(epsilon=Epsilon.FLOOR),
    "decayed per occurrence": Dialect(weight_decay=WeightDecay.PER_OCCURRENCE),
    "decayed per occurrence, squares apart": Dialect(
        duplicates=Duplicates.SQUARES_APART, weight_decay=WeightDecay.PER_OCCURRENCE
    ),
    "decoupled": Dialect(weight_decay=WeightDecay.DECOUPLED),
    "Nesterov": Dialect(),
}
ROWS = np.array([0, 1, 2, 2, 2, 3, 3])


def bound(
    dialect: str, p: Precision, constants: Constants = CONSTANTS, arithmetic: Arithmetic = IEEE
) -> np.ndarray:
    """Of w, m and v after each of two steps; ε is a number of every type."""
    rng = np.random.default_rng(3)
    w, m, v = rng.standard_normal((3, 4, 5))
    decays = "deca" in dialect or "decou" in dialect
    h = Hyperparameters(0.1, 0.7, 0.9, 2.0**-10, weight_decay=0.3 * decays, loss_scale=3.0 if decays else 1.0)
    rules = Rules(p, DIALECTS[dialect], arithmetic, dialect == "Nesterov", constants=constants)
    running, result = Running(State(w, m, v * v)), []
    for t in (1, 2):
        g = coalesce(ROWS, rng.standard_normal((7, 5)), rules.dialect.duplicates, p, constants)
        advance(running, g, exact(h, t), rules)
        result.append(np.stack(running.now()[1]))
    return np.stack(result)


@pytest.mark.parametrize("p", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("constant", [field.name for field in fields(Constants)])
def test_linear_in_every_constant(constant: str, dialect: str, p: Precision) -> None:
    """As a term of first order is: with twice the roundings twice the share."""
    half, whole, twice = (
        bound(dialect, p, replace(CONSTANTS, **{constant: x * getattr(CONSTANTS, constant)}))
        for x in (0.5, 1.0, 2.0)
    )
    assert (abs((twice - whole) - 2 * (whole - half)) <= 1e-4 * whole).all()
    assert (twice >= whole).all()


@pytest.mark.parametrize("p", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_root_and_a_division_with_3_times_the_error_count_as_3_roundings(
    dialect: str, p: Precision
) -> None:
    inexact = bound(dialect, p, arithmetic=Arithmetic(root_error=3.0, division_error=3.0))
    np.testing.assert_allclose(inexact, bound(dialect, p, replace(CONSTANTS, root=3, division=3)), rtol=1e-12)


def added_one_by_one(x: np.ndarray, parts: np.ndarray, beta: float, omega: float) -> np.ndarray:
    """β·x, to which ω times each part is added, every operation rounded to float32."""
    result = (np.float32(beta) * x.astype(np.float32)).astype(np.float32)
    for part in parts.astype(np.float32):
        result = result + np.float32(omega) * part
    return result.astype(np.float64)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
@pytest.mark.parametrize("moment", [0.01, 1.0, 1000.0])
@pytest.mark.parametrize("cancel", [False, True])
def test_occurrences_may_be_added_to_the_moments_one_by_one(count: int, moment: float, cancel: bool) -> None:
    """Even where their sum is nearly nothing."""
    rng = np.random.default_rng(count)
    m, v = round_to(moment * rng.uniform(0.5, 1, (2, 20_000, 1)), "float32")
    parts = round_to(rng.uniform(1, 2, (count, *m.shape)), "float32")
    if cancel:
        parts[1::2] = round_to((2.0**-23 - 1) * parts[: count // 2 * 2 : 2], "float32")
    beta = float(np.float32(0.7))  # and 1 − β are numbers of the type
    s = exact(Hyperparameters(beta1=beta, beta2=beta), 1)
    rows = np.tile(np.arange(len(m)), count)
    g = coalesce(rows, parts.reshape(-1, 1), Duplicates.SQUARES_APART, FLOAT32)
    new, errors, _ = step(State(np.zeros_like(m), m, v), g, s, Rules(FLOAT32, DIALECTS["squares apart"]))
    seen_m = added_one_by_one(m, parts, beta, 1 - beta)
    seen_v = added_one_by_one(v, round_to(parts**2, "float32"), beta, 1 - beta)
    least = 0.0 if cancel else 0.15 if moment <= 1 else 0.4
    assert least <= (abs(seen_m - new.m) / errors.m).max() <= 1
    assert least <= (abs(seen_v - new.v) / errors.v).max() <= 1


@pytest.mark.parametrize("cancel", [False, True])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_squares_summed_apart_are_those_of_decayed_and_unscaled_occurrences(count: int, cancel: bool) -> None:
    rng = np.random.default_rng(count)
    w, *parts = (round_to(x, "float32") for x in rng.uniform(1, 2, (count + 1, 20_000, 1)))
    decay = 0.25
    if cancel:  # λ·w is nearly −g/3
        parts = [round_to(-0.75 * w * (1 + 1e-6 * x), "float32") for x in parts]
    h = Hyperparameters(beta2=0.75, weight_decay=decay, loss_scale=3.0)
    rows = np.tile(np.arange(len(w)), count)
    g = coalesce(rows, np.concatenate(parts), Duplicates.SQUARES_APART, FLOAT32)
    nothing, rules = np.zeros_like(w), Rules(FLOAT32, DIALECTS["decayed per occurrence, squares apart"])
    new, errors, _ = step(State(w, nothing, nothing), g, exact(h, 1), rules)
    joined = [x.astype(np.float32) / np.float32(3) + np.float32(decay) * w.astype(np.float32) for x in parts]
    ratio = abs(added_one_by_one(nothing, np.stack([x * x for x in joined]), 0.75, 0.25) - new.v) / errors.v
    assert (0.0 if cancel else 0.05 / count) <= ratio.max() <= 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_rows_have_no_bound(dialect: str) -> None:
    nothing = np.zeros((0, 5))
    gradient = coalesce(np.zeros(0, np.int64), nothing, DIALECTS[dialect].duplicates, FLOAT32)
    for p in TYPES.values():
        new = step(
            State(*np.ones((3, 4, 5))), gradient, exact(Hyperparameters(), 1), Rules(p, DIALECTS[dialect])
        )
        assert [x.shape for x in new.errors] == 3 * [(0, 5)]


def test_a_decoupled_decay_of_0_is_none() -> None:
    rng = np.random.default_rng(0)
    state, g = State(*rng.uniform(1, 2, (3, 4, 5))), Coalesced(np.arange(4), rng.standard_normal((4, 5)))
    none, decoupled = (
        step(state, g, exact(Hyperparameters(), 1), Rules(FLOAT32, Dialect(weight_decay=x))).errors
        for x in (WeightDecay.NONE, WeightDecay.DECOUPLED)
    )
    np.testing.assert_array_equal(none, decoupled)


def test_rows_that_all_have_another_sign_or_decay_take_it() -> None:
    """Signs and decays of rows that share them, and differ in the rate, are columns."""
    ones = np.ones((2, 1))
    h = Hyperparameters(beta1=0.5, beta2=0.5, weight_decay=1.0, maximize=True)
    s = Scalars(*np.array([exact(replace(h, lr=lr), 1) for lr in (0.1, 0.2)]).T[:, :, None])
    new = step(State(2 * ones, 0 * ones, ones), Coalesced(np.arange(2), 4 * ones), s, Rules(FLOAT32))
    assert (new.state.m == -1).all()  # (−4 + λ·2) / 2


def test_a_beta_of_0_has_a_bound() -> None:
    ones = np.ones((2, 1))
    s = exact(Hyperparameters(beta1=0.0, beta2=0.0), 1)
    new = step(State(ones, ones, ones), Coalesced(np.arange(2), ones), s, Rules(FLOAT32))
    assert (new.errors.w <= 4 * FLOAT32.u).all()


def test_columns_of_a_number_bound_as_the_number() -> None:
    rng = np.random.default_rng(0)
    state, g = State(*rng.uniform(1, 2, (3, 4, 5))), Coalesced(np.arange(4), rng.standard_normal((4, 5)))
    number = exact(Hyperparameters(), 1)
    columns = Scalars(*(np.full((4, 1), x) for x in number))
    np.testing.assert_array_equal(
        step(state, g, columns, Rules(FLOAT32)).errors, step(state, g, number, Rules(FLOAT32)).errors
    )


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_the_square_of_a_row_that_stands_once_is_bounded_as_one_of_a_sum(decay: float) -> None:
    """To second order, and the η that both allow; of a row that stands twice there is more."""
    h = Hyperparameters(beta2=0.0, weight_decay=decay, loss_scale=3.0 if decay else 1.0)
    rows, values = np.array([0, 1, 1]), np.ones((3, 4))
    one = np.ones((2, 4))
    state = State(one, one, np.zeros((2, 4)))
    decayed = WeightDecay.PER_OCCURRENCE
    summed, apart = (
        step(
            state,
            coalesce(rows, values, duplicates, FLOAT32),
            exact(h, 1),
            Rules(FLOAT32, Dialect(duplicates=duplicates, weight_decay=decayed)),
        ).errors.v
        for duplicates in (Duplicates.SUM, Duplicates.SQUARES_APART)
    )
    np.testing.assert_allclose(apart[0], summed[0], rtol=1e-5)
    assert (apart[1] > 1.5 * apart[0]).all()


@pytest.mark.parametrize("count", [2, 5])
def test_a_sum_of_squares_counts_each_of_its_additions_once(count: int) -> None:
    """Beside the square, and the two products and the sum of its average."""
    h, rows = Hyperparameters(beta2=0.0), np.zeros(count, np.int64)
    g = coalesce(rows, np.ones((count, 1)), Duplicates.SQUARES_APART, FLOAT32)
    state, rules = State(*np.zeros((3, 1, 1))), Rules(FLOAT32, DIALECTS["squares apart"])
    error = step(state, g, exact(h, 1), rules).errors.v.item()
    assert error == pytest.approx((count - 1 + 1 + 2 + 1) * count * FLOAT32.u, rel=1e-5)


@pytest.mark.parametrize("unknown", [0.0, 2.0**-10], ids=["w known", "w known to a bound"])
@pytest.mark.parametrize("apart", [False, True], ids=["summed", "squares apart"])
def test_what_a_decay_of_each_occurrence_adds_is_counted_to_the_letter(apart: bool, unknown: float) -> None:
    """Three occurrences of 1, each joined by λ·w = 1, of a w that may be off by a bound; ω is 1."""
    duplicates = Duplicates.SQUARES_APART if apart else Duplicates.SUM
    rules = Rules(FLOAT32, Dialect(duplicates=duplicates, weight_decay=WeightDecay.PER_OCCURRENCE))
    g = coalesce(np.zeros(3, np.int64), np.ones((3, 1)), duplicates, FLOAT32)
    nothing, s = np.zeros((1, 1)), exact(Hyperparameters(beta1=0.0, beta2=0.0, weight_decay=0.5), 1)
    before = Errors(np.full((1, 1), unknown), nothing.copy(), nothing.copy())
    state = State(np.full((1, 1), 2.0), nothing.copy(), nothing.copy())
    _, em, ev = step_in_place(state, before, g, s, rules).errors
    entering = (
        2 * 3 + (1 * 6 + 2 * 3) + 2 * 3
    )  # two sums of g; each joined, λ and λ·w rounded; two sums of λ·w
    inherited = 3 * 0.5 * unknown
    average = 3 * 6  # two roundings and a sum
    again = entering * FLOAT32.u + inherited if apart else 0.0  # added to m one by one
    expected = (entering + average) * FLOAT32.u + inherited + again
    assert em.item() == pytest.approx(expected, rel=1e-5)
    if apart:  # two sums of squares of 2; 2|x_j| times its own 1 + 2/2 roundings; its average, and the square
        squares = 2 * 12 + 2 * (12 + 2 * 6) + 4 * 12
        inherited = 0.5 * unknown * (2 * 6 + 1.5 * unknown)
        assert ev.item() == pytest.approx(squares * FLOAT32.u + inherited, rel=1e-5)
    else:
        eg = entering * FLOAT32.u + inherited
        assert ev.item() == pytest.approx(eg * (2 * 6 + eg) + 4 * 36 * FLOAT32.u, rel=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("decay", [0.1, 0.6, 0.99, 1.5])
def test_a_decoupled_decay_of_any_size_is_within_the_bound_in_either_form(dtype: str, decay: float) -> None:
    """w·(1 − λ·lr) − lr·q and w − lr·(q + λ·w), every operation rounded to the type."""

    def r(x: np.ndarray | float) -> np.ndarray:
        return round_to(x, dtype)

    rng, p = np.random.default_rng(1), PRECISIONS[dtype]
    lr, decay = float(r(1.3)), float(r(decay / 1.3))
    w = r(rng.uniform(1, 2, (5000, 1)) * 64)
    g, zero = r(rng.uniform(0.5, 1, w.shape)), np.zeros_like(w)
    s = exact(Hyperparameters(lr, 0.0, 0.0, 2.0**-9, decay), 1)  # m is g then, and v its square
    gradient = Coalesced(np.arange(len(w)), g)
    bounded = step(State(w, zero, zero), gradient, s, Rules(p, DIALECTS["decoupled"]))
    q = r(g / r(r(np.sqrt(r(g * g))) + s.epsilon))
    forms = (
        r(r(w * r(1 - r(decay * lr))) - r(lr * q)),
        r(w - r(lr * r(q + r(decay * w)))),
    )
    for form in forms:
        assert (np.abs(form - bounded.state.w) <= bounded.errors.w).all()


def test_the_error_of_a_maximum_is_that_of_the_larger_unless_the_other_may_be_larger() -> None:
    x, y = (np.array(z) for z in ([5.0, 1.0, 1.0, 0.0], [1.0, 1.05, 0.8, 0.0]))
    ex, ey = (np.array(z) for z in ([0.0, 0.1, 0.1, 0.25], [0.1, 0.2, 0.5, 0.5]))
    assert np.allclose(maximum_error(x, ex, y, ey), [0.0, 0.2, 0.3, 0.5], rtol=1e-12, atol=0)
    corners = [np.maximum(x + a * ex, y + b * ey) for a in (-1, 1) for b in (-1, 1)]
    reached = np.abs(np.array(corners) - np.maximum(x, y)).max(axis=0)
    assert (reached <= maximum_error(x, ex, y, ey) + 1e-12).all()
