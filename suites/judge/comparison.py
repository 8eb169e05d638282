"""Comparison: error / bound; where an operation may overflow, the results that some order of evaluation has.

An operation overflows where its exact result is beyond the largest number L of the type. Operands differ from
the reference's by some u: between L(1 − 16u) and L(1 + 16u) it may overflow or not, and beyond that it does.
Outside of these zones the bound alone decides. Within, these are right beside a number within the bound:

    g           any, where Σ|g_j| overflows, or a part of g / scale + λ·w
    m           β·m + ω·g never overflows, but g − m does: ∞ of its sign. Where ω ≥ 1/2 also −∞ of it, by
                g − β·(g − m), which starts from the nearer end, as torch.lerp does
    v           ∞ where g² overflows, though ω·g·g or (√ω·g)² do not. NaN, ∞ − ∞, from the nearer end;
                and 0·∞, where ω is 0 as a number of the type
    v_max       the larger of what it was and the v observed; NaN where one is; ∞ where v / (1 − β2^t) is
    w unmoved   where d is ∞: the v that was observed is, or v / (1 − β2^t), or √v / √(1 − β2^t)
    w infinite  where n / (1 − β1^t), α·n, n / d or α / d overflows, whose n is that m (of Nesterov: m and g)
    w NaN       where such an ∞ meets d = ∞ or a learning rate of 0, and for 0/0, where α·n underflows too

A v that overflows only where it is stored, from a wider type, moves w by its finite value. What is not finite
before the step goes the way of IEEE 754 (infinite m: ∞, or ∞ − ∞ = NaN from m + ω·(g − m)). Where the
largest v is kept it stands for v in what is said of w.
"""

import numpy as np

from lazyadam.reference.arithmetic import Rules, epsilon_lost
from lazyadam.reference.bound import Bounded, State, step
from lazyadam.reference.dialect import Duplicates, Epsilon, Untouched, WeightDecay
from lazyadam.reference.gradient import Coalesced
from lazyadam.reference.rounding import REFERENCE_ROUNDOFF, Errors, Precision, Quantities
from lazyadam.reference.rule import of_maximum, step_size
from lazyadam.reference.scalars import Scalars
from lazyadam.suites.judge.stack import Stack

NEAR, NEAR_SEEN = 16, 8  # units of u: of what comes before m and v, of what follows from those observed
# In float64 the reference may overflow as the backend does: there it is evaluated in a wider type.
WIDE = np.longdouble
BLIND = np.finfo(WIDE).maxexp == np.finfo(np.float64).maxexp  # there is no such type on this machine


def compare(before: State, stack: Stack, bounded: Bounded, observed: State, rules: Rules) -> Errors:
    """The ratio error / bound of every element of w, m and v; 1 at most where it is right by its class alone.

    Twice the bound for float64, where the reference rounds as the backend does. Infinite: wrong, and nothing
    bounds it.
    """
    ratios = _ratios(bounded, observed, rules.precision)
    rows = _rows_to_look_at(before, stack, bounded, rules)
    if len(rows):
        part = State(*(x[rows] for x in observed))
        for ratio, new in zip(ratios, _by_class(before, stack.part(rows), part, rules), strict=True):
            ratio[rows] = new
    for ratio in ratios:
        ratio[np.isnan(ratio)] = np.inf
    return ratios


def _ratios(bounded: Bounded, observed: State, p: Precision) -> Errors:
    slack = 1 + REFERENCE_ROUNDOFF / p.u
    with np.errstate(all="ignore"):
        return Errors(
            *(
                np.where(o == x, 0.0, np.abs(o - x) / (slack * e)).astype(np.float64)
                for o, x, e in zip(observed, bounded.state, bounded.errors, strict=True)
            )
        )


def _rows_to_look_at(before: State, stack: Stack, bounded: Bounded, rules: Rules) -> np.ndarray:
    """Rows with a number so large, or a bound so wide, that something might overflow: a coarse sieve.

    Where all numbers are below the eighth root of L no product of a few of them reaches L.
    """
    p, s, rows = rules.precision, stack.scalars, stack.gradient.rows
    with np.errstate(all="ignore"):
        scale, hat, growth = np.asarray(s.scale), _hat(s, rules), _growth(s, rules)
        low = p.largest**0.125 / np.maximum(np.maximum(scale, 1 / scale), 1 + np.abs(s.decay))
        errors = () if stack.gradient.error is None else (stack.gradient.error,)
        squares = () if stack.gradient.squares is None else (np.sqrt(stack.gradient.squares),)
        w, m, v, *kept = (x[rows] for x in before)
        share = np.maximum(np.abs(bounded.inner.quotient), 1 / bounded.inner.denominator) * growth
        sieve = [
            (x, low) for x in (stack.gradient.values * hat, *errors, *squares, w, m * growth, v * hat**2)
        ]
        sieve += [(x, low) for x in kept and (*kept, v / of_maximum(s, rules.dialect))]
        sieve += [(x, p.largest / 64) for x in (share, bounded.errors.w)]
        loud = np.zeros(len(rows), bool)
        for x, limit in sieve:
            quiet = np.abs(x) < limit
            if not quiet.all():
                loud |= ~quiet.all(axis=1)
        if not loud.any():
            return np.empty(0, np.int64)
    if rules.dialect.duplicates is Duplicates.SCATTERED:  # occurrences of a row stay together
        loud = np.isin(rows, rows[loud])
    return np.flatnonzero(loud)


def _hat(s: Scalars, rules: Rules) -> np.ndarray:
    """1 / √(1 − β2^t), where √v is divided by that; else 1."""
    return 1 / np.asarray(s.root_correction if rules.epsilon.of_hat else 1.0)


def _growth(s: Scalars, rules: Rules) -> np.ndarray:
    """The most that n, or n / d, is multiplied by in any order on its way to α·n / d."""
    lr = np.asarray(s.lr)
    inverse = np.where(lr > 0, s.rate / np.where(lr > 0, lr, 1.0), 1 / np.asarray(s.omega1))  # 1 / (1 − β1^t)
    return np.maximum(np.maximum(1.0, inverse), step_size(s, rules.epsilon))


def _beyond(x: np.ndarray, error: np.ndarray, p: Precision) -> np.ndarray:
    """Whether a result with this bound may have been rounded to ∞: halfway from L to the next number."""
    return ~(np.abs(x) * (1 - p.u) + (1 + REFERENCE_ROUNDOFF / p.u) * error < p.largest * (1 + p.u / 2))


def _widened(before: State, gradient: Coalesced, p: Precision) -> tuple[State, Coalesced]:
    """The rows of a gradient, and that on these rows, in a type in which the reference does not overflow."""
    kind = WIDE if p.name == "float64" else np.float64
    rows, inverse = np.unique(gradient.rows, return_inverse=True)
    state = State(*(x[rows].astype(kind) for x in before))
    given = (gradient.values, gradient.error, gradient.size, gradient.squares)
    values, error, size, squares = (None if x is None else x.astype(kind) for x in given)
    assert values is not None
    return state, Coalesced(inverse, values, error, size, squares, gradient.occurrences)


def _by_class(before: State, stack: Stack, observed: State, rules: Rules) -> Errors:
    """The ratios of rows in which something may overflow or is not finite."""
    p, s = rules.precision, stack.scalars

    def may(x: np.ndarray) -> np.ndarray:
        return ~(x < p.largest * (1 - NEAR * p.u))

    with np.errstate(all="ignore"):
        wide, gradient = _widened(before, stack.gradient, p)
        bounded = step(wide, gradient, s, rules)
        ratios = _ratios(bounded, observed, p)
        within = [ratio <= 1 for ratio in ratios]
        new, errors = bounded.state, bounded.errors
        w, m, v, *kept = (x[gradient.rows] for x in wide)
        g, parts, meet = _gradient(w, gradient, s, rules)
        blind = (BLIND and p.name == "float64") & ~np.isfinite(g * g + new.v + new.m + new.w + errors.w)
        any_g = may(parts) & np.isfinite(parts) & meet | blind
        one_g = may(parts) & ~meet
        if p.name == "float64" and gradient.occurrences is not None:  # the sum itself may have overflowed
            any_g |= ~np.isfinite(parts) & (gradient.occurrences[:, None] > 1)

        infinite_g, infinite_m, infinite_v = np.isinf(g), np.isinf(m), np.isinf(v)
        nan_m, nan_v = np.isnan(g) | np.isnan(m), np.isnan(g) | np.isnan(v)
        from_g1, from_g2 = np.asarray(s.omega1) >= 0.5, np.asarray(s.omega2) >= 0.5
        apart = np.abs(g - m)

        def infinity_of(x: np.ndarray, where: np.ndarray) -> np.ndarray:
            return where & (observed.m == np.copysign(np.inf, x))

        good_m = (within[1] & (np.isfinite(errors.m) | np.isinf(observed.m))) | any_g & ~np.isfinite(
            observed.m
        )
        good_m |= np.isnan(observed.m) & (nan_m | infinite_m | (infinite_g | one_g) & from_g1)
        good_m |= ~nan_m & (
            infinity_of(g, one_g & ~infinite_m)
            | infinity_of(g - m, may(apart) & ~infinite_m)
            | infinity_of(m - g, may(apart) & ~infinite_m & ~infinite_g & from_g1)
            | infinity_of(new.m, _beyond(new.m, errors.m, p) & ~np.isnan(new.m))
        )
        square = g * g
        if gradient.squares is not None:
            square = np.maximum(square, gradient.squares / np.asarray(s.scale) ** 2)
        good_v = (within[2] & (np.isfinite(errors.v) | np.isinf(observed.v))) | any_g & (
            np.isnan(observed.v) | (observed.v == np.inf)
        )
        good_v |= np.isnan(observed.v) & (
            nan_v | infinite_v | may(square) & (from_g2 | (np.asarray(s.omega2) == 0))
        )
        good_v |= ~nan_v & (observed.v == np.inf) & (may(square) | _beyond(new.v, errors.v, p))
        dividing = _dividing(observed, s, rules)
        divided = Bounded(_dividing(new, s, rules), Errors(*_dividing(errors, s, rules)), bounded.inner)
        good_w = _good_w(w, g, m, divided, within[0], dividing, stack, rules) | blind & ~nan_m & ~nan_v
        good = [good_w, good_m, good_v]
        for x, old, as_it_should in zip(observed[3:], kept, within[3:], strict=True):
            hat = of_maximum(s, rules.dialect)
            both = np.maximum(old, observed.v / hat)  # NaN where one of them is
            overflows = (x == np.inf) & may(both) & (np.asarray(hat) < 1)
            good.append(as_it_should | np.where(np.isnan(both), np.isnan(x), (x == both) | overflows))
    return Errors(
        *(
            np.where(ok, np.minimum(np.nan_to_num(ratio), 1.0), np.where(inside, np.inf, ratio))
            for ok, inside, ratio in zip(good, within, ratios, strict=True)
        )
    )


def _dividing(x: Quantities, s: Scalars, rules: Rules) -> State:
    """w and m, and in the place of v what stands for it in the denominator."""
    return State(x.w, x.m, x.v if x.v_max is None else x.v_max * of_maximum(s, rules.dialect))


def _gradient(
    w: np.ndarray, gradient: Coalesced, s: Scalars, rules: Rules
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradient that enters the moments, the largest number on the way to it, where such may cancel."""
    decay = np.asarray(s.decay if _joins(rules) else 0.0)
    if rules.dialect.weight_decay is WeightDecay.PER_OCCURRENCE and gradient.occurrences is not None:
        decay = decay * gradient.occurrences[:, None]
    decayed = np.where(decay == 0, 0.0, decay * w)
    g = s.sign * gradient.values / s.scale + decayed
    given, scale, size = np.abs(gradient.values), np.asarray(s.scale), np.abs(decayed)
    one_by_one = np.where((scale == 1) & (decay == 0), 0.0, np.maximum(given / scale, np.abs(g)))
    summed = np.zeros_like(given)
    if gradient.size is not None and gradient.occurrences is not None:
        summed = np.where(gradient.occurrences[:, None] > 1, gradient.size, 0.0)
    together = (summed + size * scale) * np.maximum(1, 1 / scale)
    parts = np.maximum(one_by_one, together)
    return g, parts, (summed > 0) | np.broadcast_to(decay != 0, g.shape)


def _joins(rules: Rules) -> bool:
    return rules.dialect.weight_decay in (WeightDecay.COALESCED, WeightDecay.PER_OCCURRENCE)


def _good_w(
    w: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    bounded: Bounded,
    within: np.ndarray,
    observed: State,
    stack: Stack,
    rules: Rules,
) -> np.ndarray:
    """Whether w is one that follows from the m that was observed, and the v that divides it."""
    p, s, seen = rules.precision, stack.scalars, observed
    new, errors = bounded.state, bounded.errors

    def may(x: np.ndarray) -> np.ndarray:
        return ~(x < p.largest * (1 - NEAR_SEEN * p.u))

    n = s.beta1 * seen.m + s.omega1 * g if rules.nesterov else seen.m
    surely_infinite_n = ~np.isfinite(n)
    infinite_n = surely_infinite_n | rules.nesterov & may(np.maximum(np.abs(g - seen.m), np.abs(n)))
    growth, size, hat = _growth(s, rules), np.abs(n), _hat(s, rules)
    # Stored from a wider type: what moves w is finite. Not so where it overflowed on the way.
    stored_m, stored_v = _beyond(new.m, errors.m, p), _beyond(new.v, errors.v, p)
    epsilon = np.asarray(s.epsilon - epsilon_lost(s.epsilon, rules))
    lowest = np.minimum(np.maximum(new.v - errors.v, 0), seen.v)
    inside = rules.epsilon is Epsilon.INSIDE_ROOT
    root = np.sqrt(lowest) * hat
    floor = rules.epsilon is Epsilon.FLOOR
    d = np.sqrt(lowest + epsilon) if inside else np.maximum(root, epsilon) if floor else root + epsilon

    infinite_d = np.isinf(seen.v)
    if rules.epsilon.of_hat:
        infinite_d |= (hat > 1) & may(seen.v * hat**2) & ~np.isnan(seen.v)
    overflows = infinite_n | (growth > 1) & may(size * growth)
    share = may(growth / d)
    infinite = ~np.isinf(seen.v) & (overflows | (n != 0) & (may(size * growth / d) | share))
    infinite |= surely_infinite_n & ~np.isfinite(new.m) & stored_v & np.isfinite(new.v)
    still = np.asarray(s.lr) == 0

    decoupled = rules.dialect.weight_decay is WeightDecay.DECOUPLED
    base = w * (1 - s.lr * s.decay) if decoupled else w
    unmoved = (seen.w == base) | decoupled & np.isfinite(w) & (np.abs(seen.w - base) <= 4 * p.u * np.abs(w))
    from_nan = np.isnan(w) | np.isnan(seen.m) | np.isnan(seen.v) | rules.nesterov & np.isnan(g)

    bounds = np.isfinite(errors.w) | ~np.isfinite(seen.w)
    if np.any(epsilon == 0):  # v may be nothing, and nothing bounds what is divided by it
        moved = step_size(s, rules.epsilon) * n / (np.sqrt(seen.v) * hat)
        lost = NEAR * p.u + p.eta / seen.v + p.eta / size
        kept = NEAR * (p.u * np.abs(w) + p.eta) + p.eta / (np.sqrt(seen.v) * hat)  # α·n may underflow
        direct = np.abs(base - moved - seen.w) <= lost * np.abs(moved) + kept
        bounds |= (epsilon == 0) & np.isfinite(new.v + seen.m) & (direct | (seen.v == 0) | (n == 0))
    finite = (~np.isinf(seen.m) | stored_m) & (~np.isinf(seen.v) | stored_v)
    good = within & bounds & finite
    good |= unmoved & (infinite_d & ~surely_infinite_n | np.isinf(w))
    good |= infinite & ~still & (seen.w == -np.copysign(np.inf, n))
    last = _beyond(new.w, errors.w, p) & np.isfinite(errors.w)
    good |= last & finite & (seen.w == np.copysign(np.inf, new.w))
    nan = overflows & infinite_d | infinite & still
    # α/d may overflow, and 0·∞ be NaN; where ε is held to survive the type, nothing may come of 0.
    nan |= (n == 0) & ((d == 0) | share & (not rules.strict_epsilon))
    nothing = size * step_size(s, rules.epsilon) <= p.eta * (1 + NEAR_SEEN * p.u)
    nan |= nothing & (d == 0) & (not rules.strict_epsilon)
    nan |= np.isinf(w) & (infinite | decoupled & (np.asarray(s.decay) != 0))
    if rules.nesterov:
        by_m = np.isinf(seen.m) & ~still & (seen.w == -np.copysign(np.inf, seen.m))
        by_g = may(np.abs(g - seen.m)) & np.isfinite(seen.m) & (seen.w == -np.copysign(np.inf, g - seen.m))
        good |= ~np.isinf(seen.v) & (by_m | by_g & ~still)
        nan |= np.isinf(seen.m)
    good = np.where(from_nan, np.isnan(seen.w), good | nan & np.isnan(seen.w))
    if rules.dialect.untouched is Untouched.MOMENTS_DECAY and stack.gradient.occurrences is not None:
        idle = (stack.gradient.occurrences == 0)[:, None]
        good = np.where(idle, (seen.w == w) | np.isnan(seen.w) & np.isnan(w), good)
    if rules.dialect.duplicates is Duplicates.SCATTERED:
        # Of a row that repeats the m and v of the last occurrence alone are seen; w takes all of them.
        _, inverse, counts = np.unique(stack.gradient.rows, return_inverse=True, return_counts=True)
        open_w = (
            infinite_d | overflows | infinite | nan | from_nan | last | ~bounds | may(g * g) | may(np.abs(m))
        )
        of_row = np.zeros((len(counts), *w.shape[1:]), bool)
        np.logical_or.at(of_row, inverse, open_w)
        good |= (counts[inverse] > 1)[:, None] & of_row[inverse] & ~np.isnan(w)
    return np.asarray(good)
