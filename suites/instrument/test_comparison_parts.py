"""What the comparison works out on its way: rows that it looks at, and largest numbers."""

from math import inf, sqrt
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import Bounded, State, step
from lazyadam.reference.dialect import Dialect, Duplicates, WeightDecay
from lazyadam.reference.gradient import Coalesced, coalesce
from lazyadam.reference.rounding import PRECISIONS, Errors
from lazyadam.reference.scalars import Hyperparameters, exact
from lazyadam.suites.instrument.element import FLOAT32, HAT, L, U
from lazyadam.suites.judge import comparison
from lazyadam.suites.judge.stack import Stack

pytestmark = pytest.mark.filterwarnings("error")


def test_beyond_the_largest_number_is_from_halfway_to_the_next_and_by_the_whole_bound() -> None:
    """Of float64 twice the bound, for the reference rounds as the backend does."""
    at, none = np.array([[1.0]]), np.zeros((1, 1))
    for share, beyond in ((0.4, False), (0.6, True)):
        x = at * L * (1 + share * U) / (1 - U)
        assert comparison._beyond(x, none, FLOAT32).item() == beyond
    p = PRECISIONS["float64"]
    with np.errstate(over="ignore"):
        assert comparison._beyond(none, at * 0.6 * p.largest, p).item()
    assert not comparison._beyond(none, at * 0.4 * p.largest, p).item()


OCCURRENCES = {0: 1, 1: 2, 4: 4}  # of each row


@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("scale", [1.0, 4.0, 0.25])
@pytest.mark.parametrize("joins", [WeightDecay.COALESCED, WeightDecay.PER_OCCURRENCE, WeightDecay.DECOUPLED])
def test_what_is_largest_on_the_way_to_a_gradient(joins: WeightDecay, scale: float, decay: float) -> None:
    """One number alone, scaled and decayed in any order; of a sum Σ|g_j|, and λ·w where it joins unscaled."""
    rng = np.random.default_rng(0)
    rows = np.repeat([*OCCURRENCES], [*OCCURRENCES.values()])
    values, w = 0.1 * rng.standard_normal((len(rows), 3)), rng.standard_normal((len(OCCURRENCES), 3))
    gradient = coalesce(rows, values, Duplicates.SUM, FLOAT32)
    s = exact(Hyperparameters(loss_scale=scale, weight_decay=decay), 3)
    rules = Rules(FLOAT32, Dialect(weight_decay=joins))
    g, parts, meet = comparison._gradient(w, gradient, s, rules)
    for i, (row, count) in enumerate(OCCURRENCES.items()):
        given = values[rows == row]
        factor = {WeightDecay.PER_OCCURRENCE: count, WeightDecay.DECOUPLED: 0}.get(joins, 1)
        joined = factor * decay * w[i]
        one = np.maximum(np.abs(given.sum(axis=0)) / scale, np.abs(joined) * max(1, scale))
        one = np.maximum(one, np.abs(g[i])) if scale != 1 or joined.any() else np.zeros(3)
        several = (np.abs(given).sum(axis=0) + np.abs(joined) * scale) * max(1, 1 / scale) * (count > 1)
        np.testing.assert_allclose(g[i], given.sum(axis=0) / scale + joined, rtol=1e-12)
        np.testing.assert_allclose(parts[i], np.maximum(one, several), rtol=1e-12)
        assert (meet[i] == (count > 1 or joined.any())).all()


def test_without_a_decay_infinite_weights_are_no_part_of_a_gradient() -> None:
    w, gradient = np.full((1, 1), inf), Coalesced(np.array([0]), np.ones((1, 1)))
    with np.errstate(invalid="ignore"):
        g, parts, _ = comparison._gradient(w, gradient, exact(Hyperparameters(), 3), Rules(FLOAT32))
    assert (g.item(), parts.item()) == (1.0, 0.0)


def test_of_repeated_rows_of_which_one_counts_nothing_is_summed() -> None:
    gradient = coalesce(np.zeros(2, np.int64), np.full((2, 1), L), Duplicates.LAST, FLOAT32)
    w, rules = np.zeros((1, 1)), Rules(FLOAT32, Dialect(duplicates=Duplicates.LAST))
    _, parts, meet = comparison._gradient(w, gradient, exact(Hyperparameters(), 3), rules)
    assert (parts.item(), meet.item()) == (0.0, False)


@pytest.mark.parametrize("dialect", [Dialect(), HAT], ids=["√v", "√v̂"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"loss_scale": 4.0}, {"loss_scale": 0.25}, {"weight_decay": 0.5}, {"lr": 30.0}, {"lr": 0.0}],
    ids=str,
)
def test_rows_are_looked_at_from_the_eighth_root_of_the_largest_number_on(
    settings: dict[str, Any], dialect: Dialect
) -> None:
    """No product of a few smaller ones overflows; what is enlarged on the way counts as it is then."""
    h = Hyperparameters(**settings)
    s, rules = exact(h, 3), Rules(FLOAT32, dialect)
    hat = 1 / sqrt(1 - h.beta2**3) if dialect is HAT else 1.0
    rate = h.lr / (1 - h.beta1**3) if dialect is HAT else h.lr * sqrt(1 - h.beta2**3) / (1 - h.beta1**3)
    growth = max(1 / (1 - h.beta1**3) if h.lr else 1 / (1 - h.beta1), rate)
    low = L**0.125 / max(h.loss_scale, 1 / h.loss_scale, 1 + h.weight_decay)
    stack = Stack([], Coalesced(np.arange(3), np.full((3, 2), 0.5)), s, None, np.zeros(3, np.int64))
    before = State(*(np.full((3, 2), 0.25) for _ in range(3)))
    bounded = step(before, stack.gradient, s, rules)

    def looked_at(tables: State = before, g: float = 0.5, bounded: Bounded = bounded) -> list[int]:
        values = np.full((3, 2), 0.5)
        values[0, 1] = g
        given = Stack([], Coalesced(np.arange(3), values), s, None, stack.owner)
        return [*comparison._rows_to_look_at(tables, given, bounded, rules)]

    def with_one(name: str, x: float) -> State:
        table = getattr(before, name).copy()
        table[1, 1] = x
        return State(*(table if q == name else x for q, x in zip("wmv", before, strict=True)))

    less, more = 1 - 1e-9, 1 + 1e-9
    assert looked_at() == []
    for name, limit in (("w", low), ("m", low / growth), ("v", low / hat**2)):
        assert (looked_at(with_one(name, less * limit)), looked_at(with_one(name, more * limit))) == ([], [1])
    assert looked_at(with_one("w", low)) == [1]
    assert (looked_at(g=less * low / hat), looked_at(g=more * low / hat)) == ([], [0])
    assert looked_at(with_one("w", more * low), g=more * low / hat) == [0, 1]
    at, inner = L / 64, bounded.inner
    for share, rows in ((less, []), (more, [2])):
        wide, quotient, denominator = bounded.errors.w.copy(), inner.quotient.copy(), inner.denominator.copy()
        wide[2, 0], quotient[2, 0], denominator[2, 0] = at * share, at * share / growth, growth / (at * share)
        for changed in (
            bounded._replace(errors=Errors(wide, *bounded.errors[1:])),
            bounded._replace(inner=inner._replace(quotient=quotient)),
            bounded._replace(inner=inner._replace(denominator=denominator)),
        ):
            assert looked_at(bounded=changed) == rows


def test_what_is_rounded_to_the_largest_number_or_beyond_at_the_very_edge() -> None:
    """Where the two sides of the comparison are the same number, ∞ is right."""
    edge = L * (1 + U / 2)
    x = edge / (1 - U)
    while x * (1 - U) != edge:
        x = float(np.nextafter(x, -inf if x * (1 - U) > edge else inf))
    assert comparison._beyond(np.array(x), np.array(0.0), FLOAT32)
