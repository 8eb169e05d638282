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

from lazyadam.reference.dialect import (
    Arithmetic,
    Dialect,
    Duplicates,
    Epsilon,
    Hat,
    Subnormals,
    Untouched,
    WeightDecay,
)
from lazyadam.reference.rounding import (
    CONSTANTS,
    Constants,
    Errors,
    Precision,
    average_error,
    average_factors,
    compounded,
    inherited_root_error,
    inherited_square_error,
    round_to,
)
from lazyadam.reference.scalars import Scalars

BLOCK = 49152  # elements worked on at a time: the intermediates of a block stay in the cache
SMALL = 2.0**-8  # the share of v' up to which its error counts as small


Index = slice | np.ndarray | list[int]


class Intermediates(NamedTuple):
    """What leads from v to w: √v, the denominator, and the quotient that the step size multiplies."""

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

    def part(self, at: Index) -> "Gradient":
        """The gradient of some of its rows."""

        def cut(x: np.ndarray) -> np.ndarray:
            return x[at] if isinstance(at, slice) else x.take(at, axis=0)  # of many rows take is faster

        return Gradient(
            cut(self.rows),
            cut(self.values),
            *(None if x is None else cut(x) for x in (self.error, self.squares, self.occurrences)),
        )


def update(
    w: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    g: np.ndarray,
    square: np.ndarray,
    s: Scalars,
    epsilon: Epsilon,
    nesterov: bool,
) -> Intermediates:
    """One step of LazyAdam on the touched rows, in place."""
    m *= s.beta1
    m += s.omega1 * g
    v *= s.beta2
    v += s.omega2 * square
    if epsilon is Epsilon.INSIDE_ROOT:
        root = denominator = np.sqrt(v + s.epsilon)
    else:
        root = np.sqrt(v)
        denominator = (root if epsilon is Epsilon.BESIDE_ROOT else root / s.root_correction) + s.epsilon
    quotient = (s.beta1 * m + s.omega1 * g if nesterov else m) / denominator
    w -= step_size(s, epsilon) * quotient
    return Intermediates(root, denominator, quotient)


def step_size(s: Scalars, epsilon: Epsilon) -> float | np.ndarray:
    """What multiplies the quotient: the corrections that are not yet in the denominator."""
    return s.rate if epsilon is Epsilon.BESIDE_HAT else s.alpha


def step_size_error(s: Scalars, epsilon: Epsilon) -> float | np.ndarray:
    """A relative bound on the error of the step size."""
    return s.rate_error if epsilon is Epsilon.BESIDE_HAT else s.alpha_error


class State(NamedTuple):
    """w, m and v of all rows, taken as exact."""

    w: np.ndarray
    m: np.ndarray
    v: np.ndarray


class Running:
    """A state that runs on by itself, with the bound on the errors that it gathers.

    Rows stay in `start`, exact, until a gradient touches them. From then on a row is table[slot], and
    slots are given in the order of first touch: table (6, slots, elements) holds w, m, v and their
    errors.
    """

    def __init__(self, start: State) -> None:
        rows, elements = start.w.shape
        self.start = start
        self.slot = np.full(rows, -1)
        self.touched = 0
        self.table = np.full((6, rows, elements), 0.0)

    def now(self) -> tuple[State, Errors]:
        """w, m and v of all rows, and the bounds on their errors."""
        touched = np.flatnonzero(self.slot >= 0)
        result = [*(x.copy() for x in self.start), *(np.zeros_like(x) for x in self.start)]
        for x, latest in zip(result, self.table, strict=True):
            x[touched] = latest[self.slot[touched]]
        return State(*result[:3]), Errors(*result[3:])


@dataclass(frozen=True)
class Rules:
    """How a step is taken, and in whose arithmetic its rounding is bounded.

    strict_epsilon: ε is held to survive the tensor's type; otherwise what rounding takes from it is allowed.
    """

    type: Precision
    dialect: Dialect = Dialect()
    arithmetic: Arithmetic = Arithmetic()
    nesterov: bool = False
    strict_epsilon: bool = False
    constants: Constants = CONSTANTS

    @cached_property
    def epsilon(self) -> Epsilon:
        """Where ε stands in the arithmetic: beside √v where √(1 − β2^t) is folded into it."""
        folded = folds(self.dialect, self.arithmetic)
        return Epsilon.BESIDE_ROOT if folded else self.dialect.epsilon

    @cached_property
    def precision(self) -> Precision:
        """The type, with the underflow that the dialect allows."""
        if self.dialect.subnormals is Subnormals.KEPT:
            return self.type
        return replace(self.type, eta=max(self.type.eta, self.type.flushing))


def folds(dialect: Dialect, arithmetic: Arithmetic) -> bool:
    """Whether the scalars of a step have `folded_epsilon` for ε."""
    return dialect.epsilon is Epsilon.BESIDE_HAT and arithmetic.hat is Hat.FOLDED


class Bounded(NamedTuple):
    """The touched rows after a step, the bound on their errors, and the intermediates."""

    state: State
    errors: Errors
    inner: Intermediates


def step(state: State, gradient: Gradient, s: Scalars, rules: Rules) -> Bounded:
    """One step on the touched rows; the state is left as it is."""
    return _step(State(*(x.take(gradient.rows, axis=0) for x in state)), None, gradient, s, rules)


def advance(running: Running, gradient: Gradient, s: Scalars, rules: Rules) -> None:
    """One step in place, errors included: the free-running reference."""
    width, slots = running.table.shape[2], running.slot[gradient.rows]
    first = np.flatnonzero(slots < 0)
    for at in blocks(len(first), width, rules):
        part = gradient.part(first[at])
        new = step(running.start, part, s.part(first[at]), rules)
        once = slice(None)
        if scattered(rules):
            _, once = np.unique(part.rows, return_index=True)
        rows = part.rows[once]
        end = running.touched + len(rows)
        for table, x in zip(running.table, (*new.state, *new.errors), strict=True):
            table[running.touched : end] = x[once]
        running.slot[rows] = np.arange(running.touched, end)
        running.touched = end
    again = np.flatnonzero(slots >= 0)
    for at in blocks(len(again), width, rules):
        slot, part = slots[again[at]], gradient.part(again[at])
        now = [x.take(slot, axis=0) for x in running.table]
        new = _step(State(*now[:3]), Errors(*now[3:]), part, s.part(again[at]), rules)
        for table, x in zip(running.table, (*new.state, *new.errors), strict=True):
            table[slot] = x


def blocks(count: int, width: int, rules: Rules) -> list[slice]:
    """Rows of a gradient in blocks whose intermediates stay in the cache.

    Occurrences of one row have to stay together, so a scattered gradient is one block.
    """
    size = max(1, count if scattered(rules) else BLOCK // max(1, width))
    return [slice(i, i + size) for i in range(0, count, size)]


def _step(state: State, before: Errors | None, gradient: Gradient, s: Scalars, rules: Rules) -> Bounded:
    """One step, in place, of the touched rows and the errors they come with: none where they are exact."""
    p, k = rules.precision, rules.constants
    w, m, v = state
    idle = None
    if rules.dialect.untouched is Untouched.MOMENTS_DECAY and gradient.occurrences is not None:
        idle = gradient.occurrences == 0
    start = w.copy() if scattered(rules) or idle is not None else w
    with np.errstate(all="ignore"):
        g, eg, square, esquare = _prepare(w, before, gradient, s, rules)
        exact_state = before is None and eg is None and esquare is None
        _, em, ev = before or (None, None, None)
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
        decoupled = rules.dialect.weight_decay is WeightDecay.DECOUPLED and not _all(s.decay, 0.0)
        if decoupled:
            w *= 1 - s.lr * s.decay
        inner = update(w, m, v, g, square, s, rules.epsilon, rules.nesterov)
        en = em
        if rules.nesterov:
            en = average_error(np.abs(m), em.copy(), np.abs(g), eg, 0, s.beta1, s.omega1, p, k)
        moved = _movement_error(en, ev, v, inner, s, rules, exact_state)
        if scattered(rules):
            return _scatter(start, before, gradient.rows, state, Errors(moved, em, ev), inner, s, rules)
        ew = moved  # w − α·q: E = Ew + ED, E += u(|w'| + E)
        if before is not None:
            inherited = before.w
            inherited *= 1 + k.store * p.u
            ew += inherited
        size = np.abs(w)
        size *= k.store * p.u
        ew += size
        if decoupled:  # λ·lr, 1 − λ·lr, and the product with w
            ew += 3 * k.store * p.u * (np.abs(w) + np.abs(inner.quotient) * step_size(s, rules.epsilon))
            ew += k.underflow * p.eta
        if idle is not None:
            w[idle], ew[idle] = start[idle], 0.0 if before is None else before.w[idle]
    return Bounded(state, Errors(ew, em, ev), inner)


def _prepare(
    w: np.ndarray, before: Errors | None, gradient: Gradient, s: Scalars, rules: Rules
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray | None]:
    """The gradient that enters the moments, its square, and their errors.

    sign·g / loss_scale + λ·w, with λ where the dialect says so: once for each occurrence, or not here.
    """
    p, k = rules.precision, rules.constants
    g, eg, squares = gradient.values, gradient.error, gradient.squares
    joins = rules.dialect.weight_decay in (WeightDecay.COALESCED, WeightDecay.PER_OCCURRENCE)
    decay = s.decay if joins else 0.0
    plain = _all(s.scale, 1.0) and _all(decay, 0.0)
    if not _all(s.sign, 1.0):
        g = s.sign * g
    if plain:
        magnitude = None
    else:
        w = np.where(decay == 0, 0.0, w)  # λ = 0 takes nothing of w, not even a NaN
        if rules.dialect.weight_decay is WeightDecay.PER_OCCURRENCE and gradient.occurrences is not None:
            decay = decay * gradient.occurrences[:, None]
        if squares is not None:
            # Σ (g_j + λ_j·w)²; a decay that joins once is shared by the occurrences.
            assert gradient.occurrences is not None
            each = decay / np.maximum(gradient.occurrences, 1)[:, None]
            squares = squares / s.scale**2 + 2 * each * w * (g / s.scale) + each * decay * w * w
        magnitude = np.abs(g) / s.scale + decay * np.abs(w)
        g = g / s.scale + decay * w
        unscaled = (k.unscale * p.u * (1 + 8 * p.u)) * magnitude
        unscaled += (2 + 1 / s.scale) * k.underflow * p.eta  # λ·w may underflow before it is unscaled
        eg = unscaled if eg is None else eg / s.scale + unscaled
        if before is not None:
            eg = eg + decay * before.w
    if squares is None:
        return g, eg, g * g, inherited_square_error(g, eg)
    # Σ g_j²: each square rounded, then their sum; the parts of a decayed g_j have been rounded before.
    assert gradient.occurrences is not None
    times = gradient.occurrences[:, None]
    roundings = k.addition * (times - 1) + (0 if plain else 4 * k.unscale)
    largest = squares if magnitude is None else np.maximum(squares, magnitude * magnitude)
    return g, eg, squares, roundings * p.u * largest + times * k.underflow * p.eta


def _all(x: float | np.ndarray, value: float) -> bool:
    return x == value if isinstance(x, float) else bool(np.all(x == value))


def _movement_error(
    en: np.ndarray,
    ev: np.ndarray,
    v: np.ndarray,
    inner: Intermediates,
    s: Scalars,
    rules: Rules,
    exact_state: bool,
) -> np.ndarray:
    """The error of α·q, q the quotient of a numerator with error en and a denominator from v ± ev.

    Eq += c_d·u(|q| + Eq) + η for the division. Then E = α·Eq, E += 2u(α|q| + E) + η(1 + max(1, α)/lowest),
    since what is divided, α·m or m/(1 − β1^t), may underflow before; and the factor 1 + u for the sum that
    follows.
    """
    p, k = rules.precision, rules.constants
    # η is only ever added: a product with a subnormal costs a hundred times one without.
    eta = k.underflow * p.eta
    alpha = step_size(s, rules.epsilon)
    underflow = np.divide(eta, alpha, out=np.zeros_like(alpha, np.float64), where=np.asarray(alpha) > 0)
    underflow = np.maximum(underflow, eta)  # of α·m, or of m/(1 − β1^t)
    q = np.abs(inner.quotient)
    error, gain, own = _quotient_error(en, ev, v, q, underflow, inner, s, rules, exact_state)
    stored = 1 + k.store * p.u
    rounded = compounded(
        k.step * p.u,
        k.division * rules.arithmetic.division_error * p.u,
        step_size_error(s, rules.epsilon),
    )
    error *= stored * (1 + rounded) * gain * alpha
    q *= stored * compounded(rounded, own) * alpha
    error += q
    error += (1 + stored * (1 + rounded) * alpha) * eta
    return error


def _quotient_error(
    en: np.ndarray,
    ev: np.ndarray,
    v: np.ndarray,
    q: np.ndarray,
    underflow: np.ndarray,
    inner: Intermediates,
    s: Scalars,
    rules: Rules,
    exact_state: bool,
) -> tuple[np.ndarray, float | np.ndarray, float | np.ndarray]:
    """Eq = (Em + |q|·Ed) / (d − Ed), q = m'/d, as (E, gain, own) with Eq ≤ gain·E + own·|q|."""
    p, k = rules.precision, rules.constants
    inside = rules.epsilon is Epsilon.INSIDE_ROOT
    if rules.epsilon is Epsilon.BESIDE_HAT:
        ev = ev + k.underflow * p.eta * s.root_correction**2  # v̂ = v'/(1 − β2^t) may underflow
    if exact_state and not inside and (relative := _relative_denominator_error(s, rules)) is not None:
        error = en + underflow
        error /= inner.denominator
        return error, 1 / (1 - relative), relative / (1 - relative)
    error = ev / v
    if not inside and p.name == p.scalar and error.max(initial=0.0) <= SMALL:
        # Ed ≤ inherited·Ev/s + relative·d, and at most share·d in all: no root, no second division.
        beside_root = rules.epsilon is Epsilon.BESIDE_ROOT
        root = k.root * rules.arithmetic.root_error * p.u
        rounded = (
            k.denominator * p.u
            + root
            + (_folded_error(s, rules) if beside_root else k.hat * p.u + s.root_error)
        )
        relative = rounded + np.sqrt(p.eta)  # of ∂√v̂ ≤ η, where v̂ ≥ v' ≥ η/SMALL
        inherited = 1 / (1 + np.sqrt(1 - SMALL))
        share = relative + inherited * SMALL
        error *= inner.root
        error *= inherited if beside_root else inherited / s.root_correction
        error *= q
        error += en
        error += underflow
        error /= inner.denominator
        return error, 1 / (1 - share), relative / (1 - share)
    error = _denominator_error(ev, v, inner, s, rules)
    lowest = inner.denominator - error
    least = (s.epsilon - epsilon_lost(s.epsilon, rules)) * (1 - 2 * p.u)
    np.maximum(lowest, np.sqrt(least) * (1 - p.u) if inside else least, out=lowest)
    error *= q
    error += en
    error += underflow
    error /= lowest
    return error, 1.0, 0.0


def _denominator_error(
    ev: np.ndarray, v: np.ndarray, inner: Intermediates, s: Scalars, rules: Rules
) -> np.ndarray:
    """Ed: s = √v', Es += c_s·u·s; s/√(1 − β2^t) where ε stands there; d = s + ε, Ed = Es + ∂ε, Ed += u·d.

    Of how far d may be less than it is: there errors compound to less than their sum. Upwards it may be
    further by some u·Ed, but (Em + |q|·Ed) / (d + Ed) stays below (Em + |q|·Ed) / (d − Ed), as Ed ≥ u·d.
    """
    p, k = rules.precision, rules.constants
    own = k.root * rules.arithmetic.root_error * p.u
    lost = epsilon_lost(s.epsilon, rules) + _folded_error(s, rules) * s.epsilon
    if rules.epsilon is Epsilon.INSIDE_ROOT:
        inside = v + s.epsilon
        ed = inherited_root_error(inside, ev + lost + k.denominator * p.u * inside, inner.root)
        ed += own * inner.root
        return ed
    ed = inherited_root_error(v, ev, inner.root)
    if rules.epsilon is Epsilon.BESIDE_ROOT:
        ed += own * inner.root
    else:
        ed += (own + k.hat * p.u + s.root_error) * inner.root
        ed /= s.root_correction
        lost = lost + k.underflow * p.eta
    ed += lost
    ed += (k.denominator * p.u) * inner.denominator
    return ed


def _relative_denominator_error(s: Scalars, rules: Rules) -> float | np.ndarray | None:
    """A bound on Ed / d that holds for every element of an exact state; None where there is no good one.

    There Ev ≤ K·v' + 4η, so Es ≤ (1 − √(1 − K))·s + 4√η, which ε dwarfs in all but small types.
    """
    p, k = rules.precision, rules.constants
    if not np.all(np.asarray(s.beta2) > 0.25):
        return None
    of_v, of_square = average_factors(k.square, s.beta2, s.omega2, p, k)
    of_v_bar = np.maximum(of_v / s.beta2, of_square / s.omega2)
    own = k.root * rules.arithmetic.root_error * p.u
    root = of_v_bar / (1 + np.sqrt(1 - of_v_bar)) + own
    tiny = 4 * np.sqrt(k.underflow * p.eta) / s.epsilon
    if rules.epsilon is not Epsilon.BESIDE_ROOT:
        root = root + k.hat * p.u + s.root_error
        tiny = tiny / s.root_correction
    if np.any(tiny > 0.01 * p.u) or np.any(epsilon_lost(s.epsilon, rules)):
        return None
    return root + tiny + k.denominator * p.u + _folded_error(s, rules)


def scattered(rules: Rules) -> bool:
    return rules.dialect.duplicates is Duplicates.SCATTERED


def epsilon_lost(epsilon: float | np.ndarray, rules: Rules) -> float | np.ndarray:
    """What ε loses where it is rounded to the tensor's type before it is added."""
    p = rules.type
    exact = rules.strict_epsilon or p.name == p.scalar
    return 0.0 if exact else np.abs(epsilon - round_to(epsilon, p.name))


def _folded_error(s: Scalars, rules: Rules) -> float | np.ndarray:
    """The relative error of an ε that √(1 − β2^t) is folded into."""
    return s.epsilon_error if folds(rules.dialect, rules.arithmetic) else 0.0


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
    total, size, error = (np.zeros((len(unique), moved.shape[1])) for _ in range(3))
    np.add.at(total, inverse, moved)
    np.add.at(size, inverse, np.abs(moved))
    np.add.at(error, inverse, errors.w)
    if before is not None:
        error += before.w[last]
    error += (
        counts[:, None] * rules.constants.store * rules.precision.u * (np.abs(start[last]) + size + error)
    )
    at = last[inverse]
    new = State((start[last] - total)[inverse], state.m[at], state.v[at])
    return Bounded(new, Errors(error[inverse], errors.m[at], errors.v[at]), inner)
