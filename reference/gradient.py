"""What a sparse gradient brings to which rows: rows that repeat, of zeros, and that it does not name."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lazyadam.reference.dialect import Dialect, Duplicates, Untouched, ZeroRows
from lazyadam.reference.rounding import CONSTANTS, PRECISIONS, Constants, Precision

Index = slice | np.ndarray | list[int]


@dataclass
class Coalesced:
    """What a step brings to the touched rows.

    rows: indices into the state, each once (Duplicates.SCATTERED: each occurrence). values: the
    coalesced gradient (rows, elements), with the bound `error` on its rounding. size: Σ|g_j|, where
    rows repeat. squares: the sum of squares, where these are summed apart. occurrences: how often each
    row stood in the gradient.
    """

    rows: np.ndarray
    values: np.ndarray
    error: np.ndarray | None = None
    size: np.ndarray | None = None
    squares: np.ndarray | None = None
    occurrences: np.ndarray | None = None

    def part(self, at: Index) -> "Coalesced":
        """The gradient of some of its rows."""

        def cut(x: np.ndarray) -> np.ndarray:
            return x[at] if isinstance(at, slice) else x.take(at, axis=0)  # of many rows take is faster

        return Coalesced(
            cut(self.rows),
            cut(self.values),
            *(None if x is None else cut(x) for x in (self.error, self.size, self.squares, self.occurrences)),
        )


def coalesce(
    rows: np.ndarray,
    values: np.ndarray,
    duplicates: Duplicates,
    p: Precision,
    k: Constants = CONSTANTS,
    present: np.ndarray | None = None,
) -> Coalesced:
    """The gradient that a step brings to each row.

    rows: (n,), in any order, repeated at will; values: (n, elements). present: False where a row was
    added only to be updated with a gradient of zero, and is no occurrence.
    A sum of k values is off by at most (k − 1)·u·Σ|g_j|, in any order of summation.
    """
    if duplicates is Duplicates.SCATTERED:
        if present is None:
            return Coalesced(rows, values)
        kept = np.flatnonzero(present | ~np.isin(rows, rows[present]))
        return Coalesced(rows[kept], values[kept], occurrences=present[kept].astype(np.float64))
    if present is None and (rows[1:] > rows[:-1]).all():
        return Coalesced(rows, values)
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    first = np.ones(len(rows), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    if len(starts) == len(rows):
        occurrences = None if present is None else present[order].astype(np.float64)
        return Coalesced(ordered, values[order], occurrences=occurrences)
    one = np.ones(len(rows)) if present is None else present[order].astype(np.float64)
    occurrences = np.add.reduceat(one, starts)
    if duplicates in (Duplicates.FIRST, Duplicates.LAST):
        # The order is stable: occurrences of a row stand as the caller gave them, added rows behind.
        chosen = starts
        if duplicates is Duplicates.LAST:
            chosen = starts + np.maximum(occurrences - 1, 0).astype(np.int64)
        return Coalesced(ordered[starts], values[order[chosen]], occurrences=occurrences)
    # Along the contiguous axis NumPy sums pairwise.
    by_element = np.ascontiguousarray(values[order].T)
    summed = np.add.reduceat(by_element, starts, axis=1).T
    size = np.add.reduceat(np.abs(by_element), starts, axis=1).T
    additions = k.addition * np.maximum(occurrences - 1, 0)[:, None]
    with np.errstate(invalid="ignore"):  # an infinity that nothing is added to
        error = additions * p.u * size
    if duplicates is Duplicates.MEAN:
        count = np.maximum(occurrences, 1)[:, None]
        summed, error, size = summed / count, error / count, size / count
        error += (count > 1) * k.addition * p.u * (np.abs(summed) + error)
    squares = None
    if duplicates is Duplicates.SQUARES_APART:
        squares = np.add.reduceat(by_element * by_element, starts, axis=1).T
    return Coalesced(ordered[starts], summed, error, size, squares, occurrences)


def brought(
    rows: np.ndarray | None, values: np.ndarray, count: int, dialect: Dialect
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rows, values, and whether each is of the gradient: it, and the other rows where these move too."""
    given = np.arange(count) if rows is None else rows
    yield given, values, np.full(len(given), True)
    if rows is not None and dialect.untouched is not Untouched.FROZEN:
        yield np.arange(count), np.zeros((count, *values.shape[1:])), np.full(count, False)


def named(rows: np.ndarray | None, values: np.ndarray, count: int, dialect: Dialect) -> np.ndarray:
    """The rows of a gradient, each once, which count a step where rows do."""
    given = np.arange(count) if rows is None else rows
    flat = values.reshape(len(given), math.prod(values.shape[1:]))
    gradient = coalesce(given, flat, dialect.duplicates, PRECISIONS["float64"])
    return np.unique(without_zero_rows(gradient, replace(dialect, untouched=Untouched.FROZEN)).rows)


def without_zero_rows(gradient: Coalesced, dialect: Dialect) -> Coalesced:
    """The gradient as if rows of zeros were not named, where the dialect has it so."""
    if dialect.zero_rows is not ZeroRows.IGNORED:
        return gradient
    named = (gradient.values != 0).any(axis=1)
    if dialect.untouched is Untouched.FROZEN:
        return gradient.part(np.flatnonzero(named))
    if gradient.occurrences is not None:
        gradient.occurrences = gradient.occurrences * named
    return gradient
