"""The bound on how far w moves: α·q, of q = m' / (√v' + ε), in the errors of m' and v'."""

import numpy as np

from lazyadam.reference.arithmetic import Rules, epsilon_lost, folded_error
from lazyadam.reference.dialect import Epsilon, Maximum
from lazyadam.reference.rounding import average_factors, compounded, inherited_root_error
from lazyadam.reference.rule import Intermediates, step_size
from lazyadam.reference.scalars import Scalars

SMALL = 2.0**-8  # the share of v' up to which its error counts as small


def movement_error(
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
    unbounded = np.isinf(error) if np.any(alpha == 0) else None  # 0·∞ is no bound
    error *= stored * (1 + rounded) * gain * alpha
    if unbounded is not None:
        error[unbounded] = np.inf
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
    if rules.epsilon.of_hat and rules.dialect.maximum is not Maximum.OF_CORRECTED:
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
            k.denominator * p.u + root + (folded_error(s, rules) if beside_root else _hat_error(s, rules))
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
    lost = epsilon_lost(s.epsilon, rules) + folded_error(s, rules) * s.epsilon
    if rules.epsilon is Epsilon.INSIDE_ROOT:
        inside = v + s.epsilon
        ed = inherited_root_error(inside, ev + lost + k.denominator * p.u * inside, inner.root)
        ed += own * inner.root
        return ed
    ed = inherited_root_error(v, ev, inner.root)
    if rules.epsilon is Epsilon.BESIDE_ROOT:
        ed += own * inner.root
    else:
        ed += (own + _hat_error(s, rules)) * inner.root
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
    if rules.dialect.maximum is Maximum.OF_CORRECTED:
        return None
    if not (np.all(np.asarray(s.beta2) > 0.25) and np.all(np.asarray(s.omega2) > 0)):
        return None
    of_v, of_square = average_factors(k.square, s.beta2, s.omega2, p, k)
    of_v_bar = np.maximum(of_v / s.beta2, of_square / s.omega2)
    own = k.root * rules.arithmetic.root_error * p.u
    root = of_v_bar / (1 + np.sqrt(1 - of_v_bar)) + own
    tiny = 4 * np.sqrt(k.underflow * p.eta) / s.epsilon
    if rules.epsilon is not Epsilon.BESIDE_ROOT:
        root = root + _hat_error(s, rules)
        tiny = tiny / s.root_correction
    if np.any(tiny > 0.01 * p.u) or np.any(epsilon_lost(s.epsilon, rules)):
        return None
    return root + tiny + k.denominator * p.u + folded_error(s, rules)


def _hat_error(s: Scalars, rules: Rules) -> float | np.ndarray:
    """The relative error of a division by √(1 − β2^t); none where what is kept was corrected before."""
    if rules.dialect.maximum is Maximum.OF_CORRECTED:
        return 0.0
    return rules.constants.hat * rules.precision.u + s.root_error


def step_size_error(s: Scalars, epsilon: Epsilon) -> float | np.ndarray:
    """A relative bound on the error of the step size."""
    return s.rate_error if epsilon.of_hat else s.alpha_error
