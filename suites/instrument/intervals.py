"""Every result that a correct implementation of LazyAdam may compute, enclosed by interval arithmetic.

Each operation is rounded by itself: |fl(x) − x| ≤ max(u·|x|, η), the standard model with underflow
(N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 2.2 and problem 2.19).
Where a formula may be evaluated in several orders, the hull of their results stands for all of them and for
every mixture. Shares with the reference the scalars of a step and the u and η of a type, and no formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple, TypeAlias

import ml_dtypes
import numpy as np
from mpmath import iv
from mpmath.ctx_iv import ivmpf

from lazyadam.reference.dialect import Dialect, Duplicates, Epsilon, WeightDecay
from lazyadam.reference.rounding import Precision
from lazyadam.reference.scalars import Scalars

Interval: TypeAlias = ivmpf

iv.prec = 200  # u² of float64 is 2⁻¹⁰⁶


class State(NamedTuple):
    """Enclosures of w, m and v of one element."""

    w: Interval
    m: Interval
    v: Interval


def hull(*parts: Interval) -> Interval:
    """The least interval that holds all of them."""
    return iv.mpf([min(x.a for x in parts), max(x.b for x in parts)])


@dataclass(frozen=True)
class Rounded:
    """Operations on intervals, each rounded to a type. A result never lies across zero from the exact one."""

    p: Precision

    def error(self, x: Interval) -> Interval:
        """fl(x) − x of a product, quotient or root, or of a fused multiply-add."""
        size = abs(x).b
        return symmetric(max(self.p.u * size, min(self.p.eta, size)))

    def sum_error(self, x: Interval, y: Interval) -> Interval:
        """fl(x + y) − (x + y), at most |x| or |y|, numbers of the type themselves.

        These are multiples of 2η, and so is their sum: where it is small it is exact.
        """
        size = abs(x + y).b
        exact = size <= 2 * self.p.eta / self.p.u
        return symmetric(0 if exact else min(self.p.u * size, abs(x).b, abs(y).b))

    def scalar(self, x: Interval) -> Interval:
        """fl(x) far above η: of a scalar, which may have a wider type, or of a sum that a scalar joins."""
        return x * iv.mpf([1 - self.p.u, 1 + self.p.u])

    def fl(self, x: Interval) -> Interval:
        return sign_kept(x, self.error(x))

    def sum(self, x: Interval, y: Interval) -> Interval:
        return sign_kept(x + y, self.sum_error(x, y))

    def product(self, x: Interval, y: Interval) -> Interval:
        return self.fl(x * y)

    def quotient(self, x: Interval, y: Interval) -> Interval:
        return self.fl(x / y)

    def root(self, x: Interval) -> Interval:
        return self.fl(iv.sqrt(x))


def symmetric(x: Interval) -> Interval:
    return iv.mpf([-x, x])


def sign_kept(exact: Interval, error: Interval) -> Interval:
    """exact + error, but not across zero from exact."""
    x = exact + error
    lowest = max(x.a, 0) if exact.a >= 0 else x.a
    highest = min(x.b, 0) if exact.b <= 0 else x.b
    return iv.mpf([lowest, highest])


def total(parts: Sequence[Interval], r: Rounded) -> Interval:
    """The sum of all occurrences: forward, reverse and pairwise."""
    return hull(reduce(r.sum, parts), reduce(r.sum, reversed(parts)), _pairwise(parts, r))


def _pairwise(parts: Sequence[Interval], r: Rounded) -> Interval:
    half = len(parts) // 2
    return r.sum(_pairwise(parts[:half], r), _pairwise(parts[half:], r)) if half else parts[0]


def unscaled(g: Interval, w: Interval, s: Scalars, decay: Interval, r: Rounded) -> Interval:
    """g / scale + λ·w, through the reciprocal of the scale or a division, λ·w before or after it."""
    if s.scale == 1:
        return joined(g, w, decay, r)
    reciprocal = r.scalar(1 / s.scale)
    quotients = r.quotient(g, s.scale), r.product(g, reciprocal)
    if decay == 0:
        return hull(*quotients)
    scaled = joined(g, w, decay * s.scale, r)
    return hull(
        *(joined(q, w, decay, r) for q in quotients),
        r.quotient(scaled, s.scale),
        r.product(scaled, reciprocal),
    )


def joined(g: Interval, w: Interval, decay: Interval, r: Rounded) -> Interval:
    """g + λ·w, with and without fused multiply-add."""
    if decay == 0:
        return g
    return hull(r.sum(g, r.product(r.scalar(decay), w)), r.fl(g + r.scalar(decay) * w))


def entering(
    parts: Sequence[Interval], w: Interval, s: Scalars, decay: Interval, place: WeightDecay, r: Rounded
) -> Interval:
    """The sum of all occurrences, unscaled before it or after it, and λ·w once or with each of them."""
    if place is WeightDecay.PER_OCCURRENCE:
        return total([unscaled(x, w, s, decay, r) for x in parts], r)
    before = total([unscaled(x, w, s, iv.mpf(0), r) for x in parts], r)
    return hull(unscaled(total(parts, r), w, s, decay, r), joined(before, w, decay, r))


def average(x: Interval, y: Interval, beta: Interval, omega: Interval, r: Rounded) -> Interval:
    """β·x + ω·y and x + ω·(y − x), with and without fused multiply-add, β = 1 − ω.

    The latter is enclosed as β·x + ω·y and the errors made: written as computed it names x twice, and the
    interval would be wider than the truth.
    """
    exact, change = beta * x + omega * y, omega * (y - x)
    once = omega * r.sum_error(y, -x)
    twice = once + r.error(change + once)
    return hull(
        r.sum(r.product(beta, x), r.product(omega, y)),
        r.fl(beta * x + r.product(omega, y)),
        r.fl(r.product(beta, x) + omega * y),
        exact + twice + r.sum_error(x, change + twice),
        r.fl(exact + once),
    )


def nonnegative(*parts: Interval) -> Interval:
    """Their hull, but for what is below zero, where g·g of an interval around it reaches."""
    new = hull(*parts)
    return iv.mpf([max(new.a, 0), new.b])


def added(x: Interval, parts: Sequence[Interval], beta: Interval, omega: Interval, r: Rounded) -> Interval:
    """β·x, to which ω times each part is added by itself."""
    return reduce(r.sum, (r.product(omega, y) for y in parts), r.product(beta, x))


def second_moment(v: Interval, g: Interval, beta: Interval, omega: Interval, r: Rounded) -> Interval:
    """The average of v and g², and β·v + (ω·g)·g."""
    product = r.product(omega, g)
    last = r.product(product, g)
    return nonnegative(
        average(v, r.product(g, g), beta, omega, r),
        r.sum(r.product(beta, v), last),
        r.fl(beta * v + last),
        r.fl(r.product(beta, v) + product * g),
    )


def denominator(v: Interval, s: Scalars, place: Epsilon, r: Rounded) -> Interval:
    """√v + ε, √v̂ + ε in three orders, the greater of √v̂ and ε, or √(v + ε); ε as it is, or rounded."""
    epsilon = hull(s.epsilon, rounded_epsilon(s.epsilon, r.p))
    if place is Epsilon.INSIDE_ROOT:
        return r.root(r.scalar(v + epsilon))
    if place is Epsilon.BESIDE_ROOT:
        return r.scalar(r.root(v) + epsilon)
    correction = r.scalar(s.root_correction)
    hats = (
        r.quotient(r.root(v), correction),
        r.product(r.root(v), r.scalar(1 / correction)),
        r.root(r.quotient(v, r.scalar(s.root_correction**2))),
    )
    if place is Epsilon.FLOOR:
        return hull(*(iv.mpf([max(hat.a, epsilon.a), max(hat.b, epsilon.b)]) for hat in hats))
    return hull(*(r.scalar(hat + epsilon) for hat in hats))


def rounded_epsilon(epsilon: Interval, p: Precision) -> Interval:
    """ε in the type of the tensor, to which a scalar of its own wider type need not be rounded."""
    if p.name == p.scalar:
        return epsilon
    kind = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}[p.name]
    return iv.mpf(float(kind(float(epsilon.mid))))


def decayed(w: Interval, s: Scalars, r: Rounded) -> Interval:
    """(1 − lr·λ)·w and w − (lr·λ)·w; the latter names w once where it counts, like an average."""
    share = s.lr * s.decay
    rounded = r.scalar(share)
    errors = (rounded - share) * w + r.error(rounded * w)
    return hull(
        r.product(r.scalar(1 - rounded), w),
        (1 - share) * w - errors + r.sum_error(w, -(share * w + errors)),
    )


def updated(w: Interval, n: Interval, d: Interval, s: Scalars, place: Epsilon, r: Rounded) -> Interval:
    """w − α·(n/d), w − (α·n)/d, and w − α(1 − β1^t)·(n̂/d) with n̂ = n / (1 − β1^t)."""
    alpha, correction = s.rate if place.of_hat else s.alpha, s.lr / s.rate
    quotient = r.quotient(n, d)
    moved = (
        r.product(alpha, quotient),
        r.quotient(r.product(alpha, n), d),
        r.product(alpha * correction, r.quotient(r.quotient(n, correction), d)),
    )
    return hull(*(r.sum(w, -x) for x in moved), r.fl(w - alpha * quotient))


def step(
    before: State,
    occurrences: Sequence[float],
    s: Scalars,
    p: Precision,
    dialect: Dialect,
    nesterov: bool,
) -> State:
    """One step of one element, from every state enclosed."""
    r, s = Rounded(p), Scalars(*map(iv.mpf, s))
    decoupled = dialect.weight_decay is WeightDecay.DECOUPLED
    joining = iv.mpf(0) if decoupled else s.decay
    parts = [iv.mpf(x) for x in occurrences]
    g = entering(parts, before.w, s, joining, dialect.weight_decay, r)
    m = average(before.m, g, s.beta1, s.omega1, r)
    if dialect.duplicates is Duplicates.SQUARES_APART:
        each = [unscaled(x, before.w, s, joining, r) for x in parts]
        m = hull(m, added(before.m, each, s.beta1, s.omega1, r))
        squares = [r.fl(x**2) for x in each]
        v = nonnegative(
            average(before.v, total(squares, r), s.beta2, s.omega2, r),
            added(before.v, squares, s.beta2, s.omega2, r),
        )
    else:
        v = second_moment(before.v, g, s.beta2, s.omega2, r)
    n = average(m, g, s.beta1, s.omega1, r) if nesterov else m
    d = denominator(v, s, dialect.epsilon, r)
    w = decayed(before.w, s, r) if decoupled else before.w
    return State(updated(w, n, d, s, dialect.epsilon, r), m, v)
