"""The bound on the rounding of a step: how far a correct implementation may be from the rule.

Beside each line of the rule (rule.py) goes the error that its operations, in any order, may bring, and what
is inherited. The bound on the error of x is written ex.
"""

from typing import NamedTuple

import numpy as np

from lazyadam.reference.arithmetic import Rules, is_scattered
from lazyadam.reference.dialect import Duplicates, Maximum, WeightDecay
from lazyadam.reference.gradient import Coalesced
from lazyadam.reference.movement import movement_error
from lazyadam.reference.rounding import (
    Errors,
    Quantities,
    average_error,
    compounded,
    inherited_square_error,
    maximum_error,
)
from lazyadam.reference.rule import (
    Entering,
    Intermediates,
    entering,
    keeps_w,
    of_maximum,
    scattered,
    shrink,
    step_size,
    update,
)
from lazyadam.reference.scalars import Scalars


class State(Quantities):
    """w, m and v of all rows, and v_max where the dialect has a maximum; taken as exact."""


class Bounded(NamedTuple):
    """The touched rows after a step, the bound on their errors, and the intermediates."""

    state: State
    errors: Errors
    inner: Intermediates


def step(state: State, gradient: Coalesced, s: Scalars, rules: Rules) -> Bounded:
    """One step on the touched rows; the state is left as it is."""
    return step_in_place(State(*(x.take(gradient.rows, axis=0) for x in state)), None, gradient, s, rules)


def step_in_place(
    state: State, before: Errors | None, gradient: Coalesced, s: Scalars, rules: Rules
) -> Bounded:
    """One step, in place, of the touched rows and the errors they come with: none where they are exact."""
    p, k = rules.precision, rules.constants
    w, m, v, *kept = state
    idle = keeps_w(gradient, rules.dialect)
    start = w.copy() if is_scattered(rules) or idle is not None else w
    with np.errstate(all="ignore"):
        e = entering(w, gradient, s, rules.dialect)
        g, square = e.g, e.square
        eg, esquare = _entering_errors(before, gradient, e, s, rules)
        exact_state = before is None and eg is None and esquare is None
        _, em, ev, *emax = before or (None, None, None)
        largest = [x.copy() for x in kept]
        em = average_error(np.abs(m), em, np.abs(g), eg, 0, s.beta1, s.omega1, p, k)
        ev = average_error(v, ev, square, esquare, k.square, s.beta2, s.omega2, p, k)
        if rules.dialect.duplicates is Duplicates.SQUARES_APART and gradient.occurrences is not None:
            # Each occurrence is multiplied by ω and added to the decayed moment by itself. In k − 1 sums more
            # β·|m| is rounded; what products and sums round of Σ|g_j| is no more than eg holds of it, twice.
            more = np.maximum(gradient.occurrences - 1, 0)[:, None]
            em += more * (k.addition * p.u * s.beta1 * np.abs(m) + k.underflow * p.eta)
            ev += more * (k.addition * p.u * s.beta2 * v + k.underflow * p.eta)
            if eg is not None:
                em += s.omega1 * eg
        given = np.abs(w) if rules.dialect.weight_decay is WeightDecay.DECOUPLED else w
        decoupled = shrink(w, s, rules.dialect)
        inner = update(w, m, v, g, square, s, rules.dialect, rules.epsilon, rules.nesterov, *kept)
        en = em
        if rules.nesterov:
            en = average_error(np.abs(m), em.copy(), np.abs(g), eg, 0, s.beta1, s.omega1, p, k)
        below, ebelow = v, ev  # what stands in the denominator
        for x, old in zip(kept, largest, strict=True):
            hat = of_maximum(s, rules.dialect)
            emax = [maximum_error(old, emax[0] if emax else np.zeros_like(v), *_kept(v, ev, s, rules))]
            below, ebelow = x * hat, emax[0] * hat
        moved = movement_error(en, ebelow, below, inner, s, rules, exact_state)
        if is_scattered(rules):
            errors = Errors(moved, em, ev, *emax)
            return _scatter(start, before, gradient.rows, state, errors, inner, s, rules)
        ew = moved  # w − α·q: E = Ew + ED, E += u(|w'| + E)
        if before is not None:
            inherited = before.w
            inherited *= 1 + k.store * p.u
            ew += inherited
        size = np.abs(w)
        size *= k.store * p.u
        ew += size
        if decoupled:
            # λ·lr, 1 − λ·lr, and the product with w; or λ·w, its sum with q, and lr times that.
            taken = s.lr * s.decay
            given *= 3 * taken + 2 * np.abs(1 - taken)
            given += np.abs(inner.quotient) * step_size(s, rules.epsilon)
            ew += k.store * p.u * (1 + 8 * p.u) * given
            ew += k.underflow * p.eta
        if idle is not None:
            w[idle], ew[idle] = start[idle], 0.0 if before is None else before.w[idle]
    return Bounded(state, Errors(ew, em, ev, *emax), inner)


def _kept(v: np.ndarray, ev: np.ndarray, s: Scalars, rules: Rules) -> tuple[np.ndarray, np.ndarray]:
    """What is compared with v_max, and its error: v, or v̂ = v / (1 − β2^t), which is rounded."""
    if rules.dialect.maximum is not Maximum.OF_CORRECTED:
        return v, ev
    p, k = rules.precision, rules.constants
    hat = of_maximum(s, rules.dialect)
    root = s.root_error / (1 - s.root_error)
    rounded = compounded(k.hat * p.u, root, root)
    return v / hat, (ev * (1 + rounded) + rounded * v) / hat + k.underflow * p.eta


def _entering_errors(
    before: Errors | None, gradient: Coalesced, e: Entering, s: Scalars, rules: Rules
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The errors of what enters the moments, g and its square: None where there are none.

    An occurrence g_j may be unscaled before the sum, and is where λ·w joins it: then it is each of them that
    rounds, and Σ|g_j| counts, of which repeats that cancel leave nothing in |g|.
    """
    p, k = rules.precision, rules.constants
    eg = gradient.error
    if e.plain:
        if gradient.squares is None:
            return eg, inherited_square_error(e.g, eg)
        times = _times(gradient)
        return eg, k.addition * (times - 1) * p.u * gradient.squares + times * k.underflow * p.eta
    of_w = np.abs(e.decay * e.w)
    size = (np.abs(gradient.values) if gradient.size is None else gradient.size) / s.scale
    once = k.unscale * (s.scale != 1) + k.addition * (e.decay != 0)
    each = (1 + 8 * p.u) * p.u
    underflow = (2 + 1 / s.scale) * k.underflow * p.eta  # λ·w may underflow before it is unscaled
    entered = each * (once * (size + of_w) + k.decay * of_w)
    entered += underflow if gradient.occurrences is None else _times(gradient) * underflow
    if rules.dialect.weight_decay is WeightDecay.PER_OCCURRENCE and gradient.occurrences is not None:
        # λ·w joins each of k occurrences: their k − 1 sums round it too.
        entered += k.addition * p.u * np.maximum(gradient.occurrences - 1, 0)[:, None] * of_w
    eg = entered if eg is None else eg / s.scale + entered
    inherited = 0.0 if before is None else np.where(e.decay == 0, 0.0, e.decay * before.w)
    eg = eg + inherited
    if gradient.squares is None:
        return eg, inherited_square_error(e.g, eg)
    # Of Σ x_j², x_j = g_j + λ_j·w, what x_j is off by counts 2|x_j| times; then squares and sums are rounded.
    times, total = _times(gradient), size + of_w
    sizes = gradient.squares / s.scale**2 + of_w / times * (size + total)  # Σ (|g_j| + λ_j·|w|)²
    esquare = k.addition * (times - 1) * p.u * sizes + times * k.underflow * p.eta
    esquare += 2 * each * (once * sizes + k.decay * of_w / times * total)
    return eg, esquare + inherited / times * (2 * total + inherited)


def _times(gradient: Coalesced) -> np.ndarray:
    """How often each row stood in a gradient: at least once, for rows of zeros may have been added."""
    assert gradient.occurrences is not None
    return np.maximum(gradient.occurrences, 1)[:, None]


def _scatter(
    start: np.ndarray,
    before: Errors | None,
    rows: np.ndarray,
    state: State,
    errors: Errors,
    inner: Intermediates,
    s: Scalars,
    rules: Rules,
) -> Bounded:
    """Duplicates.SCATTERED: w takes the update of every occurrence, m and v that of the last.

    Every occurrence of a row is given the result of the row. errors.w is the error of the update alone.
    """
    unique, inverse, counts = np.unique(rows, return_inverse=True, return_counts=True)
    last = np.empty(len(unique), np.int64)
    last[inverse] = np.arange(len(rows))  # of repeated indices, the last assignment stands
    moved = step_size(s, rules.epsilon) * inner.quotient
    size, error = (np.zeros((len(unique), moved.shape[1])) for _ in range(2))
    np.add.at(size, inverse, np.abs(moved))
    np.add.at(error, inverse, errors.w)
    if before is not None:
        error += before.w[last]
    error += (
        counts[:, None] * rules.constants.store * rules.precision.u * (np.abs(start[last]) + size + error)
    )
    at = last[inverse]
    new = State(start - scattered(rows, moved), *(x[at] for x in state[1:]))
    return Bounded(new, Errors(error[inverse], *(x[at] for x in errors[1:])), inner)
