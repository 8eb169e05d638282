"""The update rule of LazyAdam in every dialect: what is right, in the order of the paper.

    m_R ← β1·m_R + (1 − β1)·g          v_R ← β2·v_R + (1 − β2)·g²
    α_t = lr·√(1 − β2^t) / (1 − β1^t)    w_R ← w_R − α_t·m_R / (√v_R + ε)

on the rows R that a gradient touches; every other row stays bit for bit. D. P. Kingma and J. L. Ba,
Adam: A Method for Stochastic Optimization, arXiv:1412.6980, the order of computation at the end of
its section 2, on the touched rows alone. AMSGrad puts v̂_R ← max(v̂_R, v_R) in the place of v_R: S. J. Reddi,
S. Kale and S. Kumar, On the Convergence of Adam and Beyond, arXiv:1904.09237, algorithm 2.

`step` is the whole of it. The functions that it consists of also take rows of many parameters, steps and
cases in one array, (rows, elements of a row): scalars are then columns, one entry for each row.
"""

from typing import NamedTuple

import numpy as np

from lazyadam.reference.dialect import (
    BiasCorrection,
    Dialect,
    Duplicates,
    EmptyGradient,
    Epsilon,
    Maximum,
    StepCount,
    Untouched,
    WeightDecay,
)
from lazyadam.reference.gradient import Coalesced, brought, coalesce, without_zero_rows
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, Scalars, columns, exact

LAZY_ADAM = Dialect()


def step(
    w: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    rows: np.ndarray | None,
    values: np.ndarray,
    t: int | np.ndarray,
    h: Hyperparameters,
    dialect: Dialect = LAZY_ADAM,
    v_max: np.ndarray | None = None,
) -> None:
    """One step of one parameter, in place, in float64.

    w, m, v: (n, …). rows: (k,), in any order, repeated at will; None: of all, as in a dense gradient. values:
    (k, …), the gradient of each. t: the number of the step, from 1; where rows count, (n,) of each. v_max:
    (n, …), where the dialect has a maximum.
    """
    arrays = [w, m, v, *([] if v_max is None else [v_max])]
    assert (v_max is None) is (dialect.maximum is Maximum.NONE)
    if not counts(True, rows is not None and not len(rows), dialect):
        return  # nothing happens
    state = [x.reshape(len(x), -1).copy() for x in arrays]
    flat = values.reshape(len(values), state[0].shape[1])
    parts = zip(*brought(rows, flat, len(w), dialect), strict=True)
    given, g, present = (np.concatenate(part) for part in parts)
    idle = None if present.all() else present
    coalesced = coalesce(given, g, dialect.duplicates, PRECISIONS["float64"], present=idle)
    gradient = without_zero_rows(coalesced, dialect)
    at = gradient.rows
    numbers = t[at].tolist() if isinstance(t, np.ndarray) else [t]
    sparse = rows is not None
    s = columns([corrected(exact(h, corrects_by(x, dialect, sparse)), dialect) for x in numbers])
    new_w, new_m, new_v, *new_max = new = [x[at] for x in state]
    if (unnamed := of_unnamed_rows(gradient, dialect)) is not None:
        beside = beside_root(s, dialect.epsilon).epsilon
        s = s._replace(epsilon=np.where(unnamed[:, None], beside, s.epsilon))
    start = new_w.copy()
    g, square, *_ = entering(new_w, gradient, s, dialect)
    shrink(new_w, s, dialect)
    inner = update(new_w, new_m, new_v, g, square, s, dialect, dialect.epsilon, h.nesterov, *new_max)
    if dialect.duplicates is Duplicates.SCATTERED:
        new_w[...] = start - scattered(at, step_size(s, dialect.epsilon) * inner.quotient)
    if (stays := keeps_w(gradient, dialect)) is not None:
        new_w[stays] = start[stays]
    for x, whole, rows_of_it in zip(arrays, state, new, strict=True):
        whole[at] = rows_of_it  # of repeated rows, the last stands
        x[...] = whole.reshape(x.shape)


def counts(present: bool, empty: bool, dialect: Dialect) -> bool:
    """Whether a step counts for a parameter: its gradient is there; it has no rows."""
    if dialect.step_count is StepCount.OPTIMIZER:
        return True
    return present and not (empty and dialect.empty_gradient is EmptyGradient.SKIPPED)


def corrects_by(t: int, dialect: Dialect, sparse: bool) -> int:
    """Which t the corrections 1 − β^t of step t take."""
    following = dialect.bias_correction is BiasCorrection.NEXT or (
        sparse and dialect.bias_correction is BiasCorrection.NEXT_OF_SPARSE
    )
    return t + 1 if following else t


def corrected(s: Scalars, dialect: Dialect) -> Scalars:
    """The scalars of a step, with the corrections or without."""
    return s.uncorrected() if dialect.bias_correction is BiasCorrection.NONE else s


class Entering(NamedTuple):
    """What enters the moments: g, its square; and with which decay, of which w, it was joined.

    plain: it is the gradient itself, but for its sign.
    """

    g: np.ndarray
    square: np.ndarray
    decay: float | np.ndarray
    w: np.ndarray
    plain: bool


def entering(w: np.ndarray, gradient: Coalesced, s: Scalars, dialect: Dialect) -> Entering:
    """sign·g / loss_scale + λ·w, with λ where the dialect says so: once for each occurrence, or not here."""
    g, squares = gradient.values, gradient.squares
    joins = dialect.weight_decay in (WeightDecay.COALESCED, WeightDecay.PER_OCCURRENCE)
    decay = s.decay if joins else 0.0
    plain = is_all(s.scale, 1.0) and is_all(decay, 0.0)
    if not is_all(s.sign, 1.0):
        g = s.sign * g
    if not plain:
        if dialect.weight_decay is WeightDecay.PER_OCCURRENCE and gradient.occurrences is not None:
            decay = decay * gradient.occurrences[:, None]
        w = np.where(decay == 0, 0.0, w)  # λ = 0 takes nothing of w, not even a NaN
        if squares is not None:
            # Σ (g_j + λ_j·w)²; a decay that joins once is shared by the occurrences.
            assert gradient.occurrences is not None
            each = decay / np.maximum(gradient.occurrences, 1)[:, None]
            squares = squares / s.scale**2 + 2 * each * w * (g / s.scale) + each * decay * w * w
        g = g / s.scale + decay * w
    return Entering(g, g * g if squares is None else squares, decay, w, plain)


def shrink(w: np.ndarray, s: Scalars, dialect: Dialect) -> bool:
    """Take lr·λ·w from w where the decay is decoupled, and say whether it was."""
    decoupled = dialect.weight_decay is WeightDecay.DECOUPLED and not is_all(s.decay, 0.0)
    if decoupled:
        w *= 1 - s.lr * s.decay
    return decoupled


class Intermediates(NamedTuple):
    """What leads from v to w: √v, the denominator, and the quotient that the step size multiplies."""

    root: np.ndarray
    denominator: np.ndarray
    quotient: np.ndarray


def update(
    w: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    g: np.ndarray,
    square: np.ndarray,
    s: Scalars,
    dialect: Dialect,
    epsilon: Epsilon,
    nesterov: bool,
    v_max: np.ndarray | None = None,
) -> Intermediates:
    """One step of LazyAdam on the touched rows, in place. epsilon: where it stands in the arithmetic."""
    m *= s.beta1
    m += s.omega1 * g
    v *= s.beta2
    v += s.omega2 * square
    if v_max is not None:
        hat = of_maximum(s, dialect)
        np.maximum(v_max, v / hat, out=v_max)
        v = v_max * hat
    if epsilon is Epsilon.INSIDE_ROOT:
        root = denominator = np.sqrt(v + s.epsilon)
    else:
        root = np.sqrt(v)
        corrected_root = root / s.root_correction if epsilon.of_hat else root
        floor = epsilon is Epsilon.FLOOR
        denominator = np.maximum(corrected_root, s.epsilon) if floor else corrected_root + s.epsilon
    quotient = (s.beta1 * m + s.omega1 * g if nesterov else m) / denominator
    w -= step_size(s, epsilon) * quotient
    return Intermediates(root, denominator, quotient)


def of_maximum(s: Scalars, dialect: Dialect) -> float | np.ndarray:
    """What v is divided by before the largest is kept: 1 − β2^t, or 1."""
    return s.root_correction**2 if dialect.maximum is Maximum.OF_CORRECTED else 1.0


def step_size(s: Scalars, epsilon: Epsilon) -> float | np.ndarray:
    """What multiplies the quotient: the corrections that are not yet in the denominator."""
    return s.rate if epsilon.of_hat else s.alpha


def scattered(rows: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Of every occurrence the sum of what all of its row move by: each updates from the old state."""
    unique, inverse = np.unique(rows, return_inverse=True)
    total = np.zeros((len(unique), moved.shape[1]))
    np.add.at(total, inverse, moved)
    return total[inverse]


def keeps_w(gradient: Coalesced, dialect: Dialect) -> np.ndarray | None:
    """Rows of which only the moments decay; None where there are none such."""
    if dialect.untouched is not Untouched.MOMENTS_DECAY or gradient.occurrences is None:
        return None
    return gradient.occurrences == 0


def of_unnamed_rows(gradient: Coalesced, dialect: Dialect) -> np.ndarray | None:
    """Rows with an ε of their own, as the gradient does not name them; None where there are none such."""
    if dialect.untouched is not Untouched.DENSE_BESIDE_ROOT or gradient.occurrences is None:
        return None
    return gradient.occurrences == 0


def beside_root(s: Scalars, epsilon: Epsilon) -> Scalars:
    """The scalars with which ε is beside √v though it stands beside √v̂: √v̂ + ε / √(1 − β2^t)."""
    return s._replace(epsilon=s.epsilon / s.root_correction) if epsilon is Epsilon.BESIDE_HAT else s


def is_all(x: float | np.ndarray, value: float) -> bool:
    return x == value if isinstance(x, float) else bool(np.all(x == value))
