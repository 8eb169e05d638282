"""Coalescing: what becomes of the rows that a sparse gradient repeats, and the rounding it brings."""

import numpy as np

from lazyadam.reference.dialect import Duplicates
from lazyadam.reference.lazy_adam import Gradient
from lazyadam.reference.rounding import CONSTANTS, Constants, Precision


def coalesce(
    rows: np.ndarray,
    values: np.ndarray,
    duplicates: Duplicates,
    p: Precision,
    k: Constants = CONSTANTS,
    present: np.ndarray | None = None,
) -> Gradient:
    """The gradient that a step brings to each row.

    rows: (n,), in any order, repeated at will; values: (n, elements). present: False where a row was
    added only to be updated with a gradient of zero, and is no occurrence.
    A sum of k values is off by at most (k − 1)·u·Σ|g_j|, in any order of summation.
    """
    if duplicates is Duplicates.SCATTERED:
        if present is None:
            return Gradient(rows, values)
        kept = np.flatnonzero(present | ~np.isin(rows, rows[present]))
        return Gradient(rows[kept], values[kept], occurrences=present[kept].astype(np.float64))
    if present is None and (rows[1:] > rows[:-1]).all():
        return Gradient(rows, values)
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    first = np.ones(len(rows), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    if len(starts) == len(rows):
        occurrences = None if present is None else present[order].astype(np.float64)
        return Gradient(ordered, values[order], occurrences=occurrences)
    one = np.ones(len(rows)) if present is None else present[order].astype(np.float64)
    occurrences = np.add.reduceat(one, starts)
    if duplicates in (Duplicates.FIRST, Duplicates.LAST):
        # The order is stable: occurrences of a row stand as the caller gave them, added rows behind.
        chosen = starts
        if duplicates is Duplicates.LAST:
            chosen = starts + np.maximum(occurrences - 1, 0).astype(np.int64)
        return Gradient(ordered[starts], values[order[chosen]], occurrences=occurrences)
    # Along the contiguous axis NumPy sums pairwise.
    by_element = np.ascontiguousarray(values[order].T)
    summed = np.add.reduceat(by_element, starts, axis=1).T
    size = np.add.reduceat(np.abs(by_element), starts, axis=1).T
    additions = k.addition * np.maximum(occurrences - 1, 0)[:, None]
    error = additions * p.u * size
    if duplicates is Duplicates.MEAN:
        count = np.maximum(occurrences, 1)[:, None]
        summed, error = summed / count, error / count
        error += (count > 1) * k.addition * p.u * (np.abs(summed) + error)
    squares = None
    if duplicates is Duplicates.SQUARES_APART:
        squares = np.add.reduceat(by_element * by_element, starts, axis=1).T
    return Gradient(ordered[starts], summed, error, squares, occurrences)
