"""Comparison: error / bound, and where nothing has a bound, the class of the result."""

import numpy as np

from reference.dialect import WeightDecay
from reference.lazy_adam import Rules, State
from reference.rounding import REFERENCE_ROUNDOFF, Errors, Precision
from suites.judge.stack import Stack


def compare(
    before: State, stack: Stack, values: State, bounds: Errors, observed: State, rules: Rules
) -> Errors:
    """The ratio error / bound of every element of w, m and v.

    Twice the bound for float64, where the reference rounds as the backend does. Where a number is not
    finite or an operation may overflow, the class of the result decides: 0 or infinite.
    """
    p = rules.precision
    slack = 1 + REFERENCE_ROUNDOFF / p.u
    with np.errstate(all="ignore"):
        ratios = Errors(
            *(
                np.where(o == x, 0.0, np.abs(o - x) / (slack * e))
                for o, x, e in zip(observed, values, bounds, strict=True)
            )
        )
        special = _special(before, stack, values, bounds, p)
    if special.any():
        _by_class(special, before, stack, values, bounds, observed, ratios, rules)
    for ratio in ratios:
        ratio[np.isnan(ratio)] = np.inf
    return ratios


def _special(before: State, stack: Stack, values: State, bounds: Errors, p: Precision) -> np.ndarray:
    """Elements where something is not finite, or may become so in some order of evaluation."""
    rows = stack.gradient.rows
    g = stack.gradient.values
    limit = p.largest / 8
    ordinary = (np.abs(g) < np.sqrt(p.largest) / 8) & (np.abs(before.m[rows]) < limit)
    for x in (before.w[rows], before.v[rows], *values):
        ordinary &= np.abs(x) < limit
    for e in bounds:
        ordinary &= e < limit
    return ~ordinary


def _by_class(
    special: np.ndarray,
    before: State,
    stack: Stack,
    values: State,
    bounds: Errors,
    observed: State,
    ratios: Errors,
    rules: Rules,
) -> None:
    """Judge the special elements by class, in place.

    Certain: NaN in gives NaN out; infinity in gives infinity or NaN (∞ − ∞ in m + ω(g − m)); what is
    surely beyond the largest number is infinite; a v that overflows leaves w as it was, or moves it by
    the wider v where only the stored one overflows.
    Where orders of evaluation legitimately differ (g² overflows and ω2·g² does not; g − m overflows
    and β·m + ω·g does not; ε lost, and v perhaps zero), every class is right.
    """
    p = rules.precision
    rows = stack.gradient.rows[np.nonzero(special)[0]]
    column = np.nonzero(special)[1]
    w, m, v = (x[rows, column] for x in (before.w, before.m, before.v))
    scale, sign, omega2, decay = (
        np.broadcast_to(x, special.shape)[special]
        for x in (stack.scalars.scale, stack.scalars.sign, stack.scalars.omega2, stack.scalars.decay)
    )
    joins = rules.dialect.weight_decay in (WeightDecay.COALESCED, WeightDecay.PER_OCCURRENCE)
    with np.errstate(all="ignore"):
        g = sign * stack.gradient.values[special] / scale
        if joins:
            g = g + np.where(decay == 0, 0.0, decay * w)
        size = np.abs(g)
        nan_m, nan_v = np.isnan(g) | np.isnan(m), np.isnan(g) | np.isnan(v)
        infinite_m, infinite_v = np.isinf(g) | np.isinf(m), np.isinf(g) | np.isinf(v)
        may_m = size + np.abs(m) > p.largest / 8
        sure_v = np.sqrt(omega2) * size > np.sqrt(p.largest) * (1 + 8 * p.u)
        may_v = (size > np.sqrt(p.largest) / 8) | (v > p.largest / 8)

        seen_w, seen_m, seen_v = (x[special] for x in observed)
        bounded_w, bounded_m, bounded_v = (r[special] <= 1 for r in ratios)
        # Near the end of the range any class may come out, and a float64 reference may itself overflow.
        open_w = ~np.isfinite(seen_w) | ~np.isfinite(values.w[special])
        open_m = ~np.isfinite(seen_m) | ~np.isfinite(values.m[special])
        open_v = ~np.isfinite(seen_v) | ~np.isfinite(values.v[special])
        good_m = np.select(
            [nan_m, infinite_m, may_m],
            [np.isnan(seen_m), ~np.isfinite(seen_m), bounded_m | open_m],
            bounded_m,
        )
        good_v = np.select(
            [nan_v, infinite_v, sure_v, may_v],
            [np.isnan(seen_v), ~np.isfinite(seen_v), ~np.isfinite(seen_v), bounded_v | open_v],
            bounded_v,
        )
        kept = sure_v & ~infinite_v & np.isfinite(seen_m)
        certain = ~(may_m | may_v | ~np.isfinite(bounds.w[special]))
        good_w = np.select(
            [nan_m | nan_v | np.isnan(w), kept, certain],
            [
                np.isnan(seen_w),
                (seen_w == w) | bounded_w | ~np.isfinite(w),
                bounded_w | (open_w & (np.abs(values.w[special]) > p.largest / 8)),
            ],
            True,
        )
    for ratio, good in zip(ratios, (good_w, good_m, good_v), strict=True):
        ratio[special] = np.where(good, np.minimum(np.nan_to_num(ratio[special]), 1.0), np.inf)
