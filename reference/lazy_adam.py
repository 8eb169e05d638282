"""LazyAdam in float64: the update rule in the shape of its formula, and the bound beside it.

    m_R ← β1·m_R + (1 − β1)·g          v_R ← β2·v_R + (1 − β2)·g²
    α_t = lr·√(1 − β2^t) / (1 − β1^t)    w_R ← w_R − α_t·m_R / (√v_R + ε)

on the rows R that a gradient touches; every other row stays bit for bit. D. P. Kingma and J. L. Ba,
Adam: A Method for Stochastic Optimization, arXiv:1412.6980, the order of computation at the end of
its section 2, on the touched rows alone.

Arrays are two-dimensional, (rows, elements of a row). Rows of many parameters, steps and cases may
stand in one array: scalars are then columns, one entry for each row.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from reference.dialect import (
    Arithmetic,
    Dialect,
    Duplicates,
    Epsilon,
    Subnormals,
    WeightDecay,
)
from reference.rounding import (
    CONSTANTS,
    Constants,
    Errors,
    Precision,
    first_moment_error,
    inherited_root_error,
    inherited_square_error,
    round_to,
    second_moment_error,
    second_moment_factors,
)
from reference.scalars import Scalars

BLOCK = 32768  # elements worked on at a time: the intermediates of a block stay in the cache


class Update(NamedTuple):
    """New values on the touched rows, and the intermediates that lead to w."""

    w: np.ndarray
    m: np.ndarray
    v: np.ndarray
    root: np.ndarray
    denominator: np.ndarray
    quotient: np.ndarray


@dataclass
class Gradient:
    """What a step brings to the touched rows.

    rows: indices into the state, each once (Duplicates.SCATTERED: each occurrence). values: the
    coalesced gradient (rows, elements), with the bound `error` on its rounding. squares: the sum of
    squares, where these are summed apart. occurrences: how often each row stood in the gradient.
    """

    rows: np.ndarray
    values: np.ndarray
    error: np.ndarray | None = None
    squares: np.ndarray | None = None
    occurrences: np.ndarray | None = None


def update(
    w: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    g: np.ndarray,
    square: np.ndarray,
    s: Scalars,
    epsilon: Epsilon,
    nesterov: bool,
) -> Update:
    """One step of LazyAdam on the touched rows."""
    m = s.beta1 * m + s.omega1 * g
    v = s.beta2 * v + s.omega2 * square
    root = np.sqrt(v)
    if epsilon is Epsilon.BESIDE_ROOT:
        alpha, denominator = s.alpha, root + s.epsilon
    else:
        alpha, denominator = s.rate, root / s.root_correction + s.epsilon
    quotient = (s.beta1 * m + s.omega1 * g if nesterov else m) / denominator
    return Update(w - alpha * quotient, m, v, root, denominator, quotient)


@dataclass
class State:
    """w, m and v of all rows, and the bound on their errors: none while they are exact."""

    w: np.ndarray
    m: np.ndarray
    v: np.ndarray
    errors: Errors | None = None


@dataclass(frozen=True)
class Rules:
    """How a step is taken, and in whose arithmetic its rounding is bounded."""

    type: Precision
    dialect: Dialect = Dialect()
    arithmetic: Arithmetic = Arithmetic()
    nesterov: bool = False
    constants: Constants = CONSTANTS

    @cached_property
    def precision(self) -> Precision:
        """The type, with the underflow that the dialect allows."""
        if self.dialect.subnormals is Subnormals.KEPT:
            return self.type
        return replace(self.type, eta=max(self.type.eta, self.type.flushing))


class Bounded(NamedTuple):
    """An update and the bound on the error of its w, m and v."""

    update: Update
    errors: Errors


def step(state: State, gradient: Gradient, s: Scalars, rules: Rules) -> Bounded:
    """One step on the touched rows; the state is left as it is."""
    rows = gradient.rows
    w, m, v = (x.take(rows, axis=0) for x in (state.w, state.m, state.v))
    before = Errors(*(e.take(rows, axis=0) for e in state.errors)) if state.errors else None
    with np.errstate(all="ignore"):
        g, eg, square, esquare = _prepare(w, before, gradient, s, rules)
        new = update(w, m, v, g, square, s, rules.dialect.epsilon, rules.nesterov)
        errors, moved = _bound(m, v, before, g, eg, esquare, new, gradient, s, rules)
    if scattered(rules):
        return _scatter(w, before, rows, new, moved, errors, rules)
    return Bounded(new, errors)


def predict(state: State, gradient: Gradient, s: Scalars, rules: Rules) -> tuple[Errors, Errors]:
    """The values of w, m and v on the touched rows after a step, and the bounds on their errors.

    `step`, block by block of rows so that the intermediates stay in the cache.
    """
    blocks = _blocks(gradient, s, state.w.shape[1], rules)
    if blocks is None:
        new, errors = step(state, gradient, s, rules)
        return Errors(new.w, new.m, new.v), errors
    shape = (len(gradient.rows), state.w.shape[1])
    values, bounds = (Errors(*(np.empty(shape) for _ in range(3))) for _ in range(2))
    at = 0
    for block in blocks:
        new, errors = step(state, *block, rules)
        end = at + len(new.w)
        for i in range(3):
            values[i][at:end] = new[i]
            bounds[i][at:end] = errors[i]
        at = end
    return values, bounds


def advance(state: State, gradient: Gradient, s: Scalars, rules: Rules) -> None:
    """One step in place, errors included: the free-running reference."""
    if state.errors is None:
        state.errors = Errors(*(np.zeros_like(state.w) for _ in range(3)))
    for part, scalars in _blocks(gradient, s, state.w.shape[1], rules) or [(gradient, s)]:
        new, errors = step(state, part, scalars, rules)
        for name in ("w", "m", "v"):
            getattr(state, name)[part.rows] = getattr(new, name)
            getattr(state.errors, name)[part.rows] = getattr(errors, name)


def _blocks(
    gradient: Gradient, s: Scalars, width: int, rules: Rules
) -> list[tuple[Gradient, Scalars]] | None:
    """The gradient and its scalars cut into blocks of rows; None where one block is enough.

    Occurrences of one row have to stay together, so a scattered gradient is not cut.
    """
    count, size = len(gradient.rows), max(1, BLOCK // width)
    if count <= size or scattered(rules):
        return None

    def cut(x: np.ndarray | None, at: slice) -> np.ndarray | None:
        return None if x is None else x[at]

    return [
        (
            Gradient(
                gradient.rows[at],
                gradient.values[at],
                cut(gradient.error, at),
                cut(gradient.squares, at),
                cut(gradient.occurrences, at),
            ),
            Scalars(*(x[at] if isinstance(x, np.ndarray) else x for x in s)),
        )
        for at in (slice(i, i + size) for i in range(0, count, size))
    ]


def _prepare(
    w: np.ndarray, before: Errors | None, gradient: Gradient, s: Scalars, rules: Rules
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray | None]:
    """The gradient that enters the moments, its square, and their errors.

    sign·g / loss_scale + λ·w, with λ once for each occurrence where the dialect says so.
    """
    p, k = rules.precision, rules.constants
    g, eg, squares = gradient.values, gradient.error, gradient.squares
    plain = _all(s.scale, 1.0) and _all(s.decay, 0.0)
    if not _all(s.sign, 1.0):
        g = s.sign * g
    if plain:
        magnitude = None
    else:
        decay = s.decay
        if rules.dialect.weight_decay is WeightDecay.PER_OCCURRENCE and gradient.occurrences is not None:
            decay = decay * gradient.occurrences[:, None]
        if squares is not None:
            squares = squares / s.scale**2 + 2 * s.decay * w * (g / s.scale) + s.decay * decay * w * w
        magnitude = np.abs(g) / s.scale + decay * np.abs(w)
        g = g / s.scale + decay * w
        unscaled = (k.unscale * p.u * (1 + 8 * p.u)) * magnitude + 3 * k.underflow * p.eta
        eg = unscaled if eg is None else eg / s.scale + unscaled
        if before is not None:
            eg = eg + decay * before.w
    if squares is None:
        return g, eg, g * g, inherited_square_error(g, eg, p, k)
    # Σ g_j²: each square rounded, then their sum; the parts of a decayed g_j have been rounded before.
    roundings = k.addition * (_times(gradient) - 1) + (0 if plain else 4 * k.unscale)
    largest = squares if magnitude is None else np.maximum(squares, magnitude * magnitude)
    return g, eg, squares, roundings * p.u * largest + _times(gradient) * k.underflow * p.eta


def _all(x: float | np.ndarray, value: float) -> bool:
    return x == value if isinstance(x, float) else bool(np.all(x == value))


def _times(gradient: Gradient) -> np.ndarray | float:
    return 1.0 if gradient.occurrences is None else gradient.occurrences[:, None]


def _bound(
    m: np.ndarray,
    v: np.ndarray,
    before: Errors | None,
    g: np.ndarray,
    eg: np.ndarray | None,
    esquare: np.ndarray | None,
    new: Update,
    gradient: Gradient,
    s: Scalars,
    rules: Rules,
) -> tuple[Errors, np.ndarray]:
    """The bound on the new w, m and v; and, for w, the part that comes from the step itself."""
    p, k = rules.precision, rules.constants
    u, eta = p.u, k.underflow * p.eta
    size, magnitude, q = np.abs(g), np.abs(new.m), np.abs(new.quotient)
    em = first_moment_error(
        np.abs(m), before.m if before else None, size, eg, magnitude, s.beta1, s.omega1, p, k
    )
    ev = second_moment_error(v, before.v if before else None, esquare, new.v, s.beta2, s.omega2, p, k)
    if rules.dialect.duplicates is Duplicates.SQUARES_APART and gradient.occurrences is not None:
        # Each occurrence is added to the decayed moment, which is rounded every time.
        additions = k.addition * u * np.maximum(gradient.occurrences - 1, 0)[:, None]
        em += additions * (s.beta1 * np.abs(m) + size)
        ev += additions * new.v
    if rules.nesterov:
        numerator = np.abs(s.beta1 * new.m + s.omega1 * g)
        en = first_moment_error(magnitude, em, size, eg, numerator, s.beta1, s.omega1, p, k)
    else:
        en = em

    # q = m'/d: Eq = (Em + |q|·Ed) / lowest, Eq += c_d·u(|q| + Eq) + η. Then α·q: E = α·Eq,
    # E += 2u(α|q| + E) + η(1 + 1/lowest), since α·m may underflow before the division; and the sum.
    # η is only ever added: a product with a subnormal costs a hundred times one without.
    alpha = s.alpha if rules.dialect.epsilon is Epsilon.BESIDE_ROOT else s.rate
    underflow = np.divide(eta, alpha, out=np.zeros_like(alpha, np.float64), where=np.asarray(alpha) > 0)
    exact_state = before is None and eg is None and esquare is None
    relative = _relative_denominator_error(s, rules) if exact_state else None
    if relative is not None:
        # Ed ≤ relative·d, so Eq = (Em/d + |q|·relative) / (1 − relative).
        ed = en + underflow
        ed /= new.denominator
        gain, own = 1 / (1 - relative), relative / (1 - relative)
    else:
        ed = _denominator_error(ev, new, s, rules)
        lowest = new.denominator - ed
        np.maximum(lowest, (s.epsilon - epsilon_lost(s.epsilon, p)) * (1 - 2 * u), out=lowest)
        ed *= q
        ed += en
        ed += underflow
        ed /= lowest
        if not lowest.min(initial=np.inf) > 0:
            ed[~(lowest > 0)] = np.inf
        gain, own = 1.0, 0.0
    division = 1 + k.division * rules.arithmetic.division_error * u
    twice, stored = 1 + k.step * u, 1 + k.store * u
    ed *= stored * twice * division * gain * alpha
    q *= stored * (twice * division * (1 + own) - 1) * alpha
    ed += q
    ed += 2 * eta
    ew = ed + stored * before.w if before else ed.copy() if scattered(rules) else ed
    np.abs(new.w, out=q)
    q *= k.store * u
    ew += q
    return Errors(ew, em, ev), ed


def _denominator_error(ev: np.ndarray, new: Update, s: Scalars, rules: Rules) -> np.ndarray:
    """Ed: s = √v', Es += c_s·u(s + Es); s/√(1 − β2^t) where ε stands there; d = s + ε, Ed = Es + ∂ε,
    Ed += u(d + Ed)."""
    p, k = rules.precision, rules.constants
    ed = inherited_root_error(new.v, ev, new.root)
    own = k.root * rules.arithmetic.root_error * p.u
    last = 1 + k.denominator * p.u
    lost = epsilon_lost(s.epsilon, p)
    if rules.dialect.epsilon is Epsilon.BESIDE_ROOT:
        ed *= last * (1 + own)
        ed += (last * own) * new.root
    else:
        hat = k.hat * p.u
        ed *= last * (1 + own) * (1 + hat) / s.root_correction
        ed += (last * (own * (1 + hat) + hat) / s.root_correction) * new.root
        lost = lost + k.underflow * p.eta
    ed += last * lost
    ed += (k.denominator * p.u) * new.denominator
    return ed


def _relative_denominator_error(s: Scalars, rules: Rules) -> float | np.ndarray | None:
    """A bound on Ed / d that holds for every element of an exact state; None where there is no good one.

    There Ev ≤ K·v' + 3η, so Es ≤ (1 − √(1 − K))·s + 2√(3η), which ε dwarfs in all but small types.
    """
    p, k = rules.precision, rules.constants
    of_result, of_v = second_moment_factors(s.beta2, s.omega2, p, k)
    if not np.all(np.asarray(s.beta2) > 0.25):
        return None
    of_v_bar = of_result + np.maximum(of_v, 0) / s.beta2
    own = k.root * rules.arithmetic.root_error * p.u
    root = of_v_bar / (1 + np.sqrt(1 - of_v_bar)) * (1 + own) + own
    tiny = 2 * np.sqrt(3 * k.underflow * p.eta) * (1 + own) / s.epsilon
    if rules.dialect.epsilon is not Epsilon.BESIDE_ROOT:
        root = root * (1 + k.hat * p.u) + k.hat * p.u
        tiny = tiny / s.root_correction
    if np.any(tiny > 0.01 * p.u) or np.any(epsilon_lost(s.epsilon, p)):
        return None
    return (root + tiny) * (1 + k.denominator * p.u) + k.denominator * p.u


def scattered(rules: Rules) -> bool:
    return rules.dialect.duplicates is Duplicates.SCATTERED


def epsilon_lost(epsilon: float | np.ndarray, p: Precision) -> float | np.ndarray:
    """What ε loses where it is rounded to the tensor's type before it is added."""
    return 0.0 if p.name == p.scalar else np.abs(epsilon - round_to(epsilon, p.name))


def _scatter(
    w: np.ndarray,
    before: Errors | None,
    rows: np.ndarray,
    new: Update,
    moved: np.ndarray,
    errors: Errors,
    rules: Rules,
) -> Bounded:
    """Duplicates.SCATTERED: w takes the update of every occurrence, m and v that of the last.

    Every occurrence of a row is given the result of the row.
    """
    unique, inverse, counts = np.unique(rows, return_inverse=True, return_counts=True)
    last = np.empty(len(unique), np.int64)
    last[inverse] = np.arange(len(rows))  # of repeated indices, the last assignment stands
    total, size, error = (np.zeros((len(unique), w.shape[1])) for _ in range(3))
    np.add.at(total, inverse, new.w - w)
    np.add.at(size, inverse, np.abs(new.w - w))
    np.add.at(error, inverse, moved)
    if before is not None:
        error += before.w[last]
    start = w[last]
    error += counts[:, None] * rules.constants.store * rules.precision.u * (np.abs(start) + size + error)
    at = last[inverse]
    result = Update((start + total)[inverse], new.m[at], new.v[at], *new[3:])
    return Bounded(result, Errors(error[inverse], errors.m[at], errors.v[at]))
