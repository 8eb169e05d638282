"""Coalescing beside a loop over rows and occurrences, and the rounding of sums beside real roundings."""

from dataclasses import replace

import numpy as np
import pytest

from lazyadam.reference.dialect import Duplicates
from lazyadam.reference.gradient import coalesce
from lazyadam.reference.rounding import CONSTANTS, PRECISIONS, round_to
from lazyadam.suites.instrument.orders import summed

P = PRECISIONS["bfloat16"]
NAMED, ADDED = [4, 1, 4, 0, 7, 1, 4], [0, 1, 2, 3]


def loop(rows: list[int], values: np.ndarray, present: list[bool], how: Duplicates) -> dict[int, tuple]:
    """By row: the gradient, the sum of squares, and the number of occurrences."""
    result: dict[int, tuple] = {}
    for row in rows:
        mine = [x for x, r, named in zip(values, rows, present, strict=True) if r == row and named]
        given = mine or [np.zeros(values.shape[1])]
        value = {
            Duplicates.MEAN: sum(given) / len(given),
            Duplicates.FIRST: given[0],
            Duplicates.LAST: given[-1],
        }.get(how, sum(given))
        result[row] = value, sum(x * x for x in given), len(mine)
    return result


def gradient(added: bool) -> tuple[list[int], np.ndarray, list[bool]]:
    rng = np.random.default_rng(5)
    rows = NAMED + (ADDED if added else [])
    values = rng.integers(-8, 8, (len(rows), 3)).astype(np.float64)  # sums are exact
    values[len(NAMED) :] = 0
    return rows, values, [True] * len(NAMED) + [False] * (len(rows) - len(NAMED))


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("how", [d for d in Duplicates if d is not Duplicates.SCATTERED])
def test_every_row_once_in_order_with_what_the_dialect_makes_of_it(how: Duplicates, added: bool) -> None:
    rows, values, present = gradient(added)
    g = coalesce(np.array(rows), values, how, P, present=np.array(present) if added else None)
    expected = loop(rows, values, present, how)
    assert g.rows.tolist() == sorted(expected)
    assert g.occurrences is not None
    assert g.occurrences.tolist() == [expected[r][2] for r in g.rows]
    np.testing.assert_array_equal(g.values, [expected[r][0] for r in g.rows])
    if how is Duplicates.SQUARES_APART:
        assert g.squares is not None
        np.testing.assert_array_equal(g.squares, [expected[r][1] for r in g.rows])
    else:
        assert g.squares is None


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("how", [d for d in Duplicates if d is not Duplicates.SCATTERED])
def test_distinct_rows_in_any_order_are_exact(how: Duplicates, added: bool) -> None:
    rows, values = np.array([5, 2, 9, 0]), np.arange(8.0).reshape(4, 2)
    present = np.array([True, True, False, True]) if added else None
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        g = coalesce(rows[order], values[order], how, P, present=None if present is None else present[order])
        assert g.rows.tolist() == [0, 2, 5, 9]
        np.testing.assert_array_equal(g.values, values[[3, 1, 0, 2]])
        assert (g.error, g.squares) == (None, None)
        assert (g.occurrences is None) is (not added)
        if g.occurrences is not None:
            assert g.occurrences.tolist() == [1, 1, 1, 0]


def test_scattered_rows_stay_as_they_are() -> None:
    rows, values, _ = gradient(False)
    g = coalesce(np.array(rows), values, Duplicates.SCATTERED, P)
    assert g.rows.tolist() == rows
    np.testing.assert_array_equal(g.values, values)
    assert (g.error, g.squares, g.occurrences) == (None, None, None)


def test_scattered_rows_are_added_only_where_none_was_named() -> None:
    rows, values, present = gradient(True)
    g = coalesce(np.array(rows), values, Duplicates.SCATTERED, P, present=np.array(present))
    kept = [i for i, (r, named) in enumerate(zip(rows, present, strict=True)) if named or r not in NAMED]
    assert g.rows.tolist() == [rows[i] for i in kept]
    np.testing.assert_array_equal(g.values, values[kept])
    assert g.occurrences is not None
    assert g.occurrences.tolist() == [float(present[i]) for i in kept]


@pytest.mark.parametrize("rows", [[], [3], [0, 1, 2]])
@pytest.mark.parametrize("how", Duplicates)
def test_few_rows_come_back(how: Duplicates, rows: list[int]) -> None:
    values = np.ones((len(rows), 2))
    g = coalesce(np.array(rows, np.int64), values, how, P)
    assert g.rows.tolist() == rows
    assert g.error is None
    np.testing.assert_array_equal(g.values, values)


@pytest.mark.parametrize("how", [Duplicates.SUM, Duplicates.MEAN, Duplicates.SQUARES_APART])
@pytest.mark.parametrize("count", [1, 2, 3, 17])
@pytest.mark.parametrize("addition", [1.0, 2.0])
def test_rounding_of_sums_is_bounded_and_the_bound_is_that_of_k_minus_1_additions(
    how: Duplicates, count: int, addition: float
) -> None:
    rng = np.random.default_rng(count)
    parts = round_to(rng.standard_normal((count, 200, 4)), "bfloat16")
    rows = np.concatenate([np.tile(np.arange(200), count), [200, 200]])  # something repeats in any case
    flat = np.concatenate([parts.reshape(-1, 4), np.ones((2, 4))])
    g = coalesce(rows, flat, how, P, replace(CONSTANTS, addition=addition))
    assert g.error is not None
    division = count if how is Duplicates.MEAN else 1
    error = addition * (count - 1) * P.u * np.abs(parts).sum(axis=0) / division
    if division > 1:
        error += addition * P.u * (np.abs(g.values[:200]) + error)
    np.testing.assert_allclose(g.error[:200], error, rtol=1e-12)
    for summation in ("forward", "reverse", "pairwise"):
        total = summed(parts, summation, lambda x: round_to(x, P.name))
        total = round_to(total / division, P.name)
        assert (np.abs(total - g.values[:200]) <= g.error[:200]).all()
