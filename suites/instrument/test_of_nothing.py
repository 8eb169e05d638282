"""Results that some order of evaluation has where a number is 0 as one of its type, or nothing bounds it."""

from dataclasses import replace

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import Dialect, Duplicates
from lazyadam.reference.gradient import coalesce
from lazyadam.reference.rounding import PRECISIONS, round_to
from lazyadam.reference.scalars import Hyperparameters, exact
from lazyadam.suites.instrument.test_overflow import HAT, Elements, Result, ratios
from lazyadam.suites.judge.comparison import compare
from lazyadam.suites.judge.stack import Stack


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("g", "right"), [(2.0**-16, True), (2.0**-10, False)])
def test_a_product_that_underflows_before_it_is_divided_by_0_may_be_nan(g: float, right: bool) -> None:
    """(α·m) / d in float16, of an ε that is 0 there and a v that underflows."""
    x = Elements(*(np.full((1, 1), y) for y in (0.0, 0.0, 0.0, g)))
    h, strict = Hyperparameters(), Rules(PRECISIONS["float16"], HAT, strict_epsilon=True)
    m, v = (round_to(np.full((1, 1), y), "float16") for y in (0.1 * g, 0.001 * g * g))
    seen = Result(np.full((1, 1), np.nan), m, v)
    assert (ratios(x, seen, exact(h, 1), replace(strict, strict_epsilon=False)).w[0, 0] <= 1) == right
    assert ratios(x, seen, exact(h, 1), strict).w[0, 0] > 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("g", "right"), [(2.0**70, True), (2.0**60, False)])
def test_a_square_that_overflows_times_a_0_of_the_type_is_nan(g: float, right: bool) -> None:
    """0·∞ in bfloat16, where β2 = 0.999 is 1."""
    x = Elements(*(np.full((1, 1), y) for y in (0.0, 0.0, 0.0, g)))
    rules = Rules(PRECISIONS["bfloat16"])
    nan = np.full((1, 1), np.nan)
    seen, s = Result(nan, round_to(0.1 * x.g, "bfloat16"), nan), exact(Hyperparameters(), 1)
    assert (ratios(x, seen, s._replace(beta2=1.0, omega2=0.0), rules).v[0, 0] <= 1) == right
    assert ratios(x, seen, s, rules).v[0, 0] > 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("lr", "right"), [(1e-5, True), (1e-3, False)])
def test_a_product_that_underflows_before_it_is_divided_may_move_nothing(lr: float, right: bool) -> None:
    """(α·m) / d in float16, of a v that is the least subnormal: so near to 0 nothing bounds w."""
    zero, g = np.zeros((1, 1)), np.full((1, 1), -(2.0**-7))
    rules = Rules(PRECISIONS["float16"], HAT)
    m, v = (round_to(x, "float16") for x in (0.1 * g, 0.001 * g * g))
    s = exact(Hyperparameters(lr=lr), 8)
    assert (ratios(Elements(zero, zero, zero, g), Result(zero, m, v), s, rules).w[0, 0] <= 1) == right


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("moved", "right"), [(0.0, True), (2.0**-10, False)])
def test_a_step_size_of_0_moves_nothing_where_nothing_bounds_the_quotient(moved: float, right: bool) -> None:
    """In float16 β2^1000 of 0.9999 is 1, and a v that is the least subnormal may be 0."""
    zero, g = np.zeros((1, 1)), np.full((1, 1), -(2.0**-7))
    rules = Rules(PRECISIONS["float16"], HAT)
    m, v = (round_to(x, "float16") for x in (0.1 * g, 0.001 * g * g))
    s = exact(Hyperparameters(), 8)._replace(alpha=0.0, rate=0.0)
    seen = Result(np.full((1, 1), moved), m, v)
    assert (ratios(Elements(zero, zero, zero, g), seen, s, rules).w[0, 0] <= 1) == right


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("g", "right"), [(240.0, True), (24.0, False)])
def test_squares_that_are_summed_apart_may_overflow_where_their_gradients_cancel(
    g: float, right: bool
) -> None:
    """In float16 240² + 240² is infinite, and v with it; the gradient itself is 0."""
    zero, rows = np.zeros((1, 1)), np.array([0, 0])
    rules = Rules(PRECISIONS["float16"], Dialect(duplicates=Duplicates.SQUARES_APART))
    given = coalesce(rows, np.array([[g], [-g]]), Duplicates.SQUARES_APART, rules.type)
    s, before = exact(Hyperparameters(), 1), State(zero, zero, zero)
    with np.errstate(all="ignore"):
        bounded = step(before, given, s, rules)
        seen = State(zero, zero, np.full((1, 1), np.inf))
        stack = Stack([], given, s, None, np.zeros(1, np.int64))
        found = compare(before, stack, bounded, seen, rules)
    assert (found.v[0, 0] <= 1) == right
