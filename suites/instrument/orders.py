"""Correct implementations of LazyAdam in several orders of evaluation, each operation rounded.

Every operation is done in float64 and rounded to the type, which for types of at most 24 bits gives
the correctly rounded result (S. A. Figueroa, SIGNUM Newsletter 30 (1995) 21–26). Shares no code with
the reference's update.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Average, Power
from lazyadam.reference.rounding import round_to
from lazyadam.reference.scalars import Scalars

Rounded = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Order:
    """An order of evaluation: how averages, the quotient and sums of duplicates are written."""

    name: str
    average: str  # 'both', 'omega', 'both-fma', 'omega-fma'
    alpha_first: bool
    summation: str  # 'forward', 'reverse', 'pairwise'
    square: str = "(g*g)*omega"

    def __str__(self) -> str:
        return self.name

    @property
    def arithmetic(self) -> Arithmetic:
        form = Average.OMEGA if self.average.startswith("omega") else Average.BOTH
        return Arithmetic(power=Power.FLOAT64, first_average=form, second_average=form)


ORDERS = (
    Order("omega, α·(m/d), forward", "omega", False, "forward"),
    Order("both, α·(m/d), reverse", "both", False, "reverse"),
    Order("both, (α·m)/d, pairwise", "both", True, "pairwise", "(g*omega)*g"),
    Order("omega, (α·m)/d, reverse", "omega", True, "reverse"),
    Order("both with fma, α·(m/d), pairwise", "both-fma", False, "pairwise"),
    Order("both with fma, (α·m)/d, forward", "both-fma", True, "forward", "(g*omega)*g"),
    Order("omega with fma, α·(m/d), forward", "omega-fma", False, "forward"),
)


def summed(parts: np.ndarray, summation: str, r: Rounded) -> np.ndarray:
    """The sum over the first axis."""
    if summation == "pairwise" and len(parts) > 1:
        half = len(parts) // 2
        return r(summed(parts[:half], summation, r) + summed(parts[half:], summation, r))
    total = parts[-1] if summation == "reverse" else parts[0]
    rest = parts[-2::-1] if summation == "reverse" else parts[1:]
    for part in rest:
        total = r(total + part)
    return total


def averaged(
    x: np.ndarray, y: np.ndarray, beta: np.ndarray, omega: np.ndarray, form: str, r: Rounded
) -> np.ndarray:
    """β·x + ω·y or x + ω·(y − x), with or without fused multiply-add."""
    if form == "both":
        return r(r(beta * x) + r(omega * y))
    if form == "both-fma":
        return r(beta * x + r(omega * y))
    difference = r(y - x)
    return r(x + omega * difference) if form == "omega-fma" else r(x + r(omega * difference))


def implementation(
    w: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    parts: np.ndarray,
    s: Scalars,
    order: Order,
    dtype: str,
    hat: bool = False,
    nesterov: bool = False,
    v_max: np.ndarray | None = None,
    corrected: bool = False,
) -> tuple[np.ndarray, ...]:
    """One step: w, m and v, and v_max where it is given; where `corrected` it is the largest v̂.

    parts: (duplicates, rows, elements), summed in the order's way.
    """

    def r(x: np.ndarray) -> np.ndarray:
        return x if dtype == "float64" else round_to(x, dtype)

    with np.errstate(all="ignore"):
        g = summed(parts, order.summation, r)
        if np.any(s.scale != 1.0) or np.any(s.decay):
            g = r(r(g * r(1 / np.asarray(s.scale))) + r(s.decay * w))
        new_m = averaged(m, g, s.beta1, s.omega1, order.average, r)  # type: ignore[arg-type]
        if order.square == "(g*g)*omega" or order.average.startswith("omega"):
            new_v = averaged(v, r(g * g), s.beta2, s.omega2, order.average, r)  # type: ignore[arg-type]
        elif order.average == "both":
            new_v = r(r(s.beta2 * v) + r(r(g * s.omega2) * g))
        else:
            new_v = r(s.beta2 * v + r(r(g * s.omega2) * g))
        numerator = averaged(new_m, g, s.beta1, s.omega1, order.average, r) if nesterov else new_m  # type: ignore[arg-type]
        largest = new_v if v_max is None else np.maximum(v_max, new_v)
        if v_max is not None and corrected:
            largest = np.maximum(v_max, r(new_v / r(np.asarray(s.root_correction**2))))
        root = r(np.sqrt(largest))
        alpha = s.rate if hat else s.alpha
        d = r((r(root / s.root_correction) if hat and not corrected else root) + s.epsilon)
        moved = r(r(alpha * numerator) / d) if order.alpha_first else r(alpha * r(numerator / d))
        return r(w - moved), new_m, new_v, *([] if v_max is None else [largest])
