"""Where a number is not finite, or an operation may overflow: which classes of results are right."""

from dataclasses import replace
from math import inf, nan, sqrt
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import Dialect, Duplicates, Untouched, WeightDecay
from lazyadam.reference.gradient import Coalesced, coalesce
from lazyadam.reference.rounding import PRECISIONS, REFERENCE_ROUNDOFF
from lazyadam.reference.scalars import Hyperparameters, exact
from lazyadam.suites.instrument.element import FLOAT16, FLOAT32, HAT, ROOT, Element, L, U
from lazyadam.suites.instrument.elements import ELEMENTS, RIGHT, WRONG
from lazyadam.suites.judge import comparison
from lazyadam.suites.judge.comparison import compare
from lazyadam.suites.judge.stack import Stack

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=[*ELEMENTS])
def test_accepts_what_is_right_and_nothing_else(element: Element) -> None:
    for quantity, results in element.accepts.items():
        for seen in results:
            assert element.ratio(quantity, seen) <= (0 if seen is RIGHT else 1), (quantity, seen)
    for quantity, results in element.rejects.items():
        for seen in results:
            assert element.ratio(quantity, seen) > 1, (quantity, seen)


@pytest.mark.parametrize("dialect", [Dialect(), HAT], ids=["√v", "√v̂"])
def test_where_nothing_bounds_the_quotient_w_is_held_to_the_v_that_was_seen(dialect: Dialect) -> None:
    """ε is 0, and v may be half of what it is, or nothing."""
    settings: dict[str, Any] = {"epsilon": 0.0}
    tiny = 2 * FLOAT32.eta
    element = Element(m=1e-20, v=tiny, g=0.0, settings=settings, seen={"v": tiny}, dialect=dialect)
    s = exact(Hyperparameters(**settings), 3)
    moved = float(s.alpha * s.beta1 * element.m / sqrt(element.v))
    assert 0.01 < moved < 0.1
    for share in (0.52, 1.0, 1.48):
        assert element.ratio("w", 1.0 - share * moved) <= 1
    for share in (-1.0, 0.0, 0.4, 1.6):
        assert element.ratio("w", 1.0 - share * moved) > 1


def test_an_epsilon_that_the_type_loses_bounds_no_quotient() -> None:
    """1e-8 is 0 in float16: w is held to the v that was seen, of which half may be lost, and to the sums."""
    tiny = 2 * FLOAT16.eta
    element = Element(m=0.1, v=tiny, g=0.0, seen={"v": tiny}, p=FLOAT16)
    s = exact(Hyperparameters(), 3)
    moved = float(s.alpha * s.beta1 * element.m / sqrt(tiny))
    assert 0.01 < moved < 0.1
    for share, right in ((0.52, True), (1.0, True), (1.48, True), (0.3, False), (1.7, False)):
        assert (element.ratio("w", 1.0 - share * moved) <= 1) == right


def test_where_v_and_m_are_next_to_nothing_w_is_held_to_both() -> None:
    """Of 2η half may be lost, and of 3.6η, β1 times 4η, another share; of α times that next to nothing."""
    eta, settings = FLOAT32.eta, {"epsilon": 0.0, "lr": 1e3}
    element = Element(w=0.0, m=4 * eta, v=2 * eta, g=0.0, settings=settings, seen={"v": 2 * eta})
    s = exact(Hyperparameters(epsilon=0.0, lr=1e3), 3)
    moved = float(s.alpha * s.beta1 * element.m / sqrt(element.v))
    lost = 0.5 + 1 / 3.6
    for share, right in ((1 - lost, 0.99), (1 + lost, 0.99)):
        assert element.ratio("w", -moved * (1 + right * (share - 1))) <= 1
        assert element.ratio("w", -moved * (1 + 1.01 * (share - 1))) > 1


def test_what_is_multiplied_by_no_more_than_1_does_not_overflow() -> None:
    still = Element(g=L * (1 - 2 * U), settings={"beta1": 0.0}, seen={"v": 4.0})
    assert still.ratio("w", -inf) > 1


def test_with_a_learning_rate_of_0_what_stays_is_right() -> None:
    assert Element(settings={"lr": 0.0}).ratio("w", RIGHT) == 0


def test_where_v_may_be_nothing_w_may_be_infinite() -> None:
    tiny = Element(m=1e-20, v=2 * FLOAT32.eta, g=0.0, settings={"epsilon": 0.0})
    assert tiny.ratio("w", -inf) <= 1
    assert tiny.ratio("w", inf) > 1
    assert replace(tiny, v=2e4 * FLOAT32.eta).ratio("w", -inf) > 1


def test_a_v_that_no_correction_enlarges_does_not_overflow_later() -> None:
    """β2 is 0, so that v̂ is v, a few units below the largest number: w moves by the learning rate."""
    still = Element(g=ROOT * (1 - U), settings={"beta2": 0.0}, dialect=HAT)
    assert still.ratio("w", RIGHT) <= 1
    assert still.ratio("w", 1.0) > 1


def test_at_the_very_edge_of_what_follows_from_m_either_result_is_right() -> None:
    """8 units of the largest number away from it what moves w may be infinite or not."""
    edge = L * (1 - 8 * U)
    element = Element(settings={"beta1": 0.0}, seen={"v": 4.0}, nesterov=True)
    assert replace(element, g=edge).ratio("w", -inf) <= 1
    assert replace(element, g=edge * (1 - U / 4)).ratio("w", -inf) > 1


def repeated(
    first: float, last: float, m: float = 0.5, v: float = 0.25, beta1: float = 0.9, single: float = 0.5
) -> tuple[State, Stack, Rules]:
    """A row that occurs twice beside one that occurs once, where each occurrence goes on by itself."""
    before = State(*(np.array([[0.5], [0.5], [x]]) for x in (1.0, m, v)))
    gradient = Coalesced(np.array([0, 2, 2]), np.array([[single], [first], [last]]))
    stack = Stack([], gradient, exact(Hyperparameters(beta1=beta1), 3), None, np.zeros(3, np.int64))
    return before, stack, Rules(FLOAT32, Dialect(duplicates=Duplicates.SCATTERED))


@pytest.mark.parametrize(("m", "may_be"), [(L * (1 - 2 * U), True), (0.9 * L, False)])
def test_an_average_that_is_not_seen_may_have_overflowed(m: float, may_be: bool) -> None:
    before, stack, rules = repeated(1.0, 1.0, m, 1e4, 0.5)
    bounded = step(before, stack.gradient, stack.scalars, rules)
    seen = State(*(x.copy() for x in bounded.state))
    seen.w[1:] = -inf
    assert (compare(before, stack, bounded, seen, rules).w[1:] <= 1).all() == may_be


def test_beside_rows_that_repeat_one_that_does_not_is_judged_by_what_is_seen_of_it() -> None:
    """Its v is infinite, so that it stays; of the others anything may be hidden."""
    before, stack, rules = repeated(3 * ROOT, 1.0, single=1e3 * ROOT)
    bounded = step(before, stack.gradient, stack.scalars, rules)
    right = State(*(np.where(np.abs(x) > L, inf, x) for x in bounded.state))
    assert (compare(before, stack, bounded, right, rules).w <= 1).all()
    right.w[0] += 0.5
    assert compare(before, stack, bounded, right, rules).w[0] > 1


def test_a_row_that_no_gradient_names_stays_where_averages_decay_alone() -> None:
    """One large, one NaN, one whose m is infinite, beside one that moves by much."""
    w = np.array([[1.0], [1e30], [nan], [1.0]])
    before = State(w, np.array([[0.5], [0.5], [0.5], [inf]]), np.full((4, 1), 0.25))
    given, occurrences = np.array([[1e18], [0.0], [0.0], [0.0]]), np.array([1.0, 0.0, 0.0, 0.0])
    gradient = Coalesced(np.arange(4), given, occurrences=occurrences)
    stack = Stack([], gradient, exact(Hyperparameters(lr=0.5), 3), None, np.zeros(4, np.int64))
    rules = Rules(FLOAT32, Dialect(untouched=Untouched.MOMENTS_DECAY))
    with np.errstate(invalid="ignore"):
        bounded = step(before, gradient, stack.scalars, rules)
    seen = State(*(x.copy() for x in bounded.state))
    assert abs(seen.w[0, 0] - w[0, 0]) > 0.1
    seen.w[1:] = w[1:]
    assert (compare(before, stack, bounded, seen, rules).w <= 1).all()
    for row, wrong in ((0, 1.0), (1, 1.001e30), (1, nan), (2, 1.0), (3, -inf)):
        moved = State(seen.w.copy(), seen.m, seen.v)
        moved.w[row] = wrong
        ratios = compare(before, stack, bounded, moved, rules).w
        assert [*np.flatnonzero(ratios > 1)] == [row]


@pytest.mark.parametrize("w", [1024.0, 2.0**-10])
def test_weights_that_only_decay_are_so_by_a_few_roundings(w: float) -> None:
    """v is infinite: nothing else moves them."""
    element = Element(w=w, g=1e3 * ROOT, settings={"weight_decay": 0.1}, decay=WeightDecay.DECOUPLED)
    base = w * (1 - 1e-3 * 0.1)
    for units, right in ((0.0, True), (3.9, True), (4.1, False)):
        for sign in (-1, 1):
            assert (element.ratio("w", base + sign * units * U * w, v=inf) <= 1) == right


@pytest.mark.parametrize(("first", "may_be"), [(3 * ROOT, True), (3.0, False)], ids=["it may", "it can not"])
def test_an_occurrence_that_is_not_seen_may_have_overflowed(first: float, may_be: bool) -> None:
    """Of a row that repeats w takes the moves of all occurrences, and m and v of the last alone are left."""
    before, stack, rules = repeated(first, 1.0)
    bounded = step(before, stack.gradient, stack.scalars, rules)
    right = State(*(x.copy() for x in bounded.state))
    assert (compare(before, stack, bounded, right, rules).w <= 1).all()
    of_last = step(before, Coalesced(np.array([2]), np.array([[1.0]])), stack.scalars, Rules(FLOAT32)).state.w
    alone = State(right.w.copy(), right.m, right.v)
    alone.w[1:] = of_last  # of the other v is infinite, so it moves nothing
    ratio = compare(before, stack, bounded, alone, rules).w
    assert (ratio[1:] <= 1).all() if may_be else (ratio[1:] > 1).all()
    alone.w[0] += 0.5
    assert compare(before, stack, bounded, alone, rules).w[0] > 1


@pytest.mark.parametrize(
    ("values", "may_be"),
    [([0.9, 0.9, -0.9], True), ([0.9, 0.9], True), ([0.5, 0.5], True), ([inf], False)],
    ids=str,
)
def test_a_sum_of_float64_may_have_overflowed_in_another_order(values: list[float], may_be: bool) -> None:
    """The reference's own sum is one order of many: where it is infinite another may be NaN."""
    p = PRECISIONS["float64"]
    before = State(np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)))
    given = np.array(values)[:, None] * p.largest
    with np.errstate(over="ignore"):
        gradient = coalesce(np.zeros(len(values), np.int64), given, Duplicates.SUM, p)
        stack = Stack([], gradient, exact(Hyperparameters(), 3), None, np.zeros(1, np.int64))
        bounded = step(before, gradient, stack.scalars, Rules(p))
    for m, v, always in ((inf, inf, True), (-inf, inf, False), (nan, nan, False)):
        seen = State(np.array([[nan]]), np.array([[m]]), np.array([[v]]))
        ratios = compare(before, stack, bounded, seen, Rules(p))
        assert (ratios.m[0, 0] <= 1) == (always or may_be)
        assert (ratios.v[0, 0] <= 1) == (v == inf or may_be)
    seen = State(np.array([[nan]]), np.array([[3.0]]), np.array([[3.0]]))
    ratios = compare(before, stack, bounded, seen, Rules(p))
    assert min(ratios.m[0, 0], ratios.v[0, 0]) > 1


def test_beside_repeated_rows_of_float64_one_that_is_infinite_by_itself_has_one_result() -> None:
    p = PRECISIONS["float64"]
    before = State(*(np.full((2, 1), x) for x in (1.0, 0.0, 0.0)))
    gradient = coalesce(np.array([0, 1, 1]), np.array([[inf], [1.0], [1.0]]), Duplicates.SUM, p)
    stack = Stack([], gradient, exact(Hyperparameters(loss_scale=3.0), 3), None, np.zeros(2, np.int64))
    with np.errstate(over="ignore"):
        bounded = step(before, gradient, stack.scalars, Rules(p))
    seen = State(*(x.copy() for x in bounded.state))
    assert compare(before, stack, bounded, seen, Rules(p)).m[0, 0] <= 1
    seen.m[0], seen.v[0] = nan, nan
    ratios = compare(before, stack, bounded, seen, Rules(p))
    assert min(ratios.m[0, 0], ratios.v[0, 0]) > 1


def test_at_the_very_edge_of_a_zone_either_result_is_right() -> None:
    """16 units of the largest number away from it an average may overflow or not."""
    edge = L * (1 - 16 * U)
    assert Element(m=0.0, g=edge).ratio("m", inf) <= 1
    assert Element(m=0.0, g=edge).ratio("m", RIGHT) <= 1
    assert Element(m=0.0, g=edge * (1 - U / 4)).ratio("m", inf) > 1


def test_of_repeated_rows_of_float64_whose_sum_is_finite_no_infinity_is_right() -> None:
    p = PRECISIONS["float64"]
    before = State(np.full((1, 1), 1e300), np.zeros((1, 1)), np.zeros((1, 1)))
    gradient = coalesce(np.zeros(2, np.int64), np.ones((2, 1)), Duplicates.SUM, p)
    stack = Stack([], gradient, exact(Hyperparameters(), 3), None, np.zeros(1, np.int64))
    bounded = step(before, gradient, stack.scalars, Rules(p))
    for m, v in ((inf, inf), (nan, nan)):
        ratios = compare(before, stack, bounded, State(before.w, np.array([[m]]), np.array([[v]])), Rules(p))
        assert min(ratios.m[0, 0], ratios.v[0, 0]) > 1


@pytest.mark.parametrize(("squares", "may_be"), [(1e33, True), (1e31, False)])
def test_squares_that_are_apart_are_scaled_as_squares(squares: float, may_be: bool) -> None:
    """By a loss scale of 1e-3 they may overflow, though the sum's own square does not."""
    before = State(np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)))
    given = np.array([[sqrt(squares / 2)], [1.0 - sqrt(squares / 2)]])  # they nearly cancel
    gradient = coalesce(np.zeros(2, np.int64), given, Duplicates.SQUARES_APART, FLOAT32)
    s = exact(Hyperparameters(loss_scale=1e-3), 3)
    rules = Rules(FLOAT32, Dialect(duplicates=Duplicates.SQUARES_APART))
    bounded = step(before, gradient, s, rules)
    seen = State(bounded.state.w, bounded.state.m, np.array([[inf]]))
    stack = Stack([], gradient, s, None, np.zeros(1, np.int64))
    assert (compare(before, stack, bounded, seen, rules).v[0, 0] <= 1) == may_be


def test_without_a_type_wider_than_float64_what_overflows_there_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparison, "BLIND", True)
    monkeypatch.setattr(comparison, "WIDE", np.float64)
    near = Element(g=1e200, p=PRECISIONS["float64"])  # its square is infinite in float64
    for quantity in "wmv":
        assert near.ratio(quantity, inf) <= 1
    assert near.ratio("m", RIGHT) <= 1
    ordinary = Element(g=1e100, p=PRECISIONS["float64"])
    for quantity in "wmv":
        assert ordinary.ratio(quantity, inf) > 1
        assert ordinary.ratio(quantity, nan) > 1
    assert Element(g=0.0, w=1e200, p=PRECISIONS["float64"]).ratio("m", inf) > 1
    assert Element(g=1e3 * ROOT).ratio("w", nan) > 1  # float32 has a wider type everywhere


@pytest.mark.parametrize("w", [1.0, 0.2 * L])
def test_the_bound_itself_is_right_and_beyond_it_is_wrong(w: float) -> None:
    """Of an ordinary element, and of one that is judged by class for its w."""
    element = Element(w=w, v=0.0, g=0.0)
    slack = 1 + REFERENCE_ROUNDOFF / U
    bound = 2 * FLOAT32.eta  # of two products that may underflow, and a square
    assert element.ratio("v", 1.5 * bound * slack) == 1
    assert element.ratio("v", 1.6 * bound * slack) > 1


@pytest.mark.parametrize(("quantity", "size"), [("m", L), ("v", L), ("w", L), ("g", ROOT)])
def test_a_fault_has_a_finite_ratio_wherever_there_is_a_bound(quantity: str, size: float) -> None:
    for share in (0.12, 0.9, 1.0):
        assert 1 < Element(**{quantity: share * size}).ratio("v", WRONG) < inf  # type: ignore[arg-type]
