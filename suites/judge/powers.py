"""Which numbers a backend's powers β^t were, where they may be some ulps off the nearest one.

A power is one number in a whole step: what it was is found from all elements that it moved, and every
element is then judged by it, without an allowance for what it might have been.
"""

from dataclasses import replace
from itertools import product

import numpy as np

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.chain import inexact
from lazyadam.reference.dialect import Power
from lazyadam.reference.scalars import Scalars
from lazyadam.suites.judge.comparison import compare
from lazyadam.suites.judge.stack import Builder, Stack


def with_powers_found(builder: Builder, stack: Stack, before: State, after: State, rules: Rules) -> Stack:
    """The stack with the scalars of, for each segment, the powers nearest to the exact ones that explain w.

    Where no powers explain all of them, of the nearest.
    """
    arithmetic = rules.arithmetic
    if not inexact(arithmetic):
        return stack
    scalars = [builder.scalars_of(i, (0, 0)) for i in range(len(builder.asked))]
    nearest = _given(builder, stack, scalars)
    # Where it is weights of the moments that they give, nothing is allowed for what they might be.
    if arithmetic.power is not Power.OF_CORRECTED and len(_wrong(stack, before, after, rules)):
        return nearest  # with all that any power allows w is not explained
    left = _wrong(nearest, before, after, rules)
    off = range(-arithmetic.power_ulps, arithmetic.power_ulps + 1)
    for ulps in sorted(product(off, off), key=lambda pair: max(map(abs, pair))):
        if not len(left):
            break
        tried = [builder.scalars_of(i, ulps) if i in left else s for i, s in enumerate(scalars)]
        rows = np.flatnonzero(np.isin(stack.owner, left))
        wrong = _wrong(_given(builder, stack, tried).part(rows), before, after, rules)
        for i in np.setdiff1d(left, wrong):
            scalars[i] = tried[i]
        left = np.intersect1d(left, wrong)
    return _given(builder, stack, scalars)


def _given(builder: Builder, stack: Stack, scalars: list[Scalars]) -> Stack:
    return replace(stack, scalars=builder.by_row(scalars, stack.gradient, stack.owner))


def _wrong(stack: Stack, before: State, after: State, rules: Rules) -> np.ndarray:
    """The segments whose w is beyond the bound; or m or v, where powers give the weights of these."""
    bounded = step(before, stack.gradient, stack.scalars, rules)
    observed = State(*(x[stack.gradient.rows] for x in after))
    ratios = compare(before, stack, bounded, observed, rules)
    weights = rules.arithmetic.power is Power.OF_CORRECTED
    ratio = np.maximum(ratios.m, ratios.v) if weights else ratios.w
    return np.unique(stack.owner[(ratio > 1).any(axis=1)])
