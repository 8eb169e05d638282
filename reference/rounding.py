"""Precisions, and the bound on the rounding error of a correct implementation.

Beside each quantity x, in float64, goes a bound E on how far a correct implementation in unit
roundoff u may be from it, in any order of evaluation of the same formula: with or without fused
multiply-add, β·m + ω·g or m + ω·(g − m), α·(m/d) or (α·m)/d, duplicates summed in any order.
Running error analysis: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 3;
sums: C.-P. Jeannerod and S. M. Rump, SIAM J. Matrix Anal. Appl. 34 (2013) 338–344.
"""

from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import Self

import numpy as np

with suppress(ImportError):  # NumPy knows bfloat16 by it; where a worker runs it may not be there
    import ml_dtypes as ml_dtypes

REFERENCE_ROUNDOFF = 2.0**-53


@dataclass(frozen=True)
class Precision:
    """A floating-point type: unit roundoff u, half its least subnormal η, its largest number.

    `scalar` is the type in which scalars meet tensors of this type. Where subnormals may become zero
    `flushing` stands for η: operands and results may each lose the least normal number of that type.
    """

    name: str
    u: float
    eta: float
    largest: float
    scalar: str

    @property
    def flushing(self) -> float:
        return 3 * float(np.finfo(self.scalar).tiny)


# Half the least float64 subnormal is no float64; the least subnormal stands for it.
PRECISIONS = {
    p.name: p
    for p in (
        Precision("float16", 2.0**-11, 2.0**-25, 65504.0, "float32"),
        Precision("bfloat16", 2.0**-8, 2.0**-134, (2 - 2.0**-7) * 2.0**127, "float32"),
        Precision("float32", 2.0**-24, 2.0**-150, float(np.finfo(np.float32).max), "float32"),
        Precision("float64", 2.0**-53, 2.0**-1074, float(np.finfo(np.float64).max), "float64"),
    )
}


def round_to(x: float | np.ndarray, dtype: str) -> np.ndarray:
    """x rounded to the nearest number of the type, as float64."""
    with np.errstate(over="ignore"):
        return np.asarray(x).astype(dtype).astype(np.float64)


class Quantities(tuple[np.ndarray, ...]):
    """Arrays of w, m and v; and of the largest v, v_max, where there is one."""

    def __new__(cls, w: np.ndarray, m: np.ndarray, v: np.ndarray, v_max: np.ndarray | None = None) -> Self:
        return super().__new__(cls, (w, m, v) if v_max is None else (w, m, v, v_max))

    w: np.ndarray = property(itemgetter(0))  # type: ignore[assignment]
    m: np.ndarray = property(itemgetter(1))  # type: ignore[assignment]
    v: np.ndarray = property(itemgetter(2))  # type: ignore[assignment]

    @property
    def v_max(self) -> np.ndarray | None:
        return self[3] if len(self) > 3 else None


class Errors(Quantities):
    """Bounds on the errors of w, m and v, and of v_max."""


@dataclass(frozen=True)
class Constants:
    """How many roundings each term of the bound stands for. Tests loosen them one at a time."""

    unscale: float = 2  # g/ls, and its reciprocal
    decay: float = 2  # λ, and λ·w
    addition: float = 1  # g + λ·w, and each of the k − 1 additions of a sum of k duplicates
    square: float = 1  # g²
    average: float = 2  # two products, or a difference and a product, in a moving average
    average_sum: float = 1  # the sum that ends it
    root: float = 1  # √v, in units of the backend's own error
    hat: float = 3  # √v / √(1 − β2^t): the scalar rounded, its reciprocal, the product
    denominator: float = 1  # the addition of ε
    division: float = 1  # m / d, in units of the backend's own error
    step: float = 2  # α·q, in either order; or m / (1 − β1^t), and lr·q
    store: float = 1  # w − α·q
    underflow: float = 1  # every η


CONSTANTS = Constants()


def compounded(*errors: float | np.ndarray) -> float | np.ndarray:
    """(1 + a)·(1 + b)·… − 1, without the cancellation that would leave nothing of it in float64."""
    total: float | np.ndarray = 0.0
    for error in errors:
        total = total + error + total * error
    return total


def average_error(
    x: np.ndarray,
    ex: np.ndarray | None,
    g: np.ndarray,
    eg: np.ndarray | None,
    own: float,
    beta: float | np.ndarray,
    omega: float | np.ndarray,
    p: Precision,
    k: Constants,
) -> np.ndarray:
    """Error of the moving average β·x + ω·g or x + ω·(g − x), where g has been rounded by `own`·u.

    x and g: magnitudes.

    E ← β·Ex + ω·Eg + 2u(1+4u)·[β·x̄ + ω·(ḡ + x̄)] + u·(β·x̄ + ω·ḡ) + 2η, with x̄ = |x| + Ex: of two
    roundings, of the square and of the sum, of which four compound to less than 4u + 8u². A given ex is
    overwritten.

    (√ω·y)² for ω·y² has as many: of r·y, which counts twice in its square, and of the square, where r is √ω
    rounded. That rounding counts twice more, and is not allowed for: ω is r² (Average.ROOT), a number that
    is known. Of ω it is off by up to 2u, and with it v would be by 6u where only 4u are allowed.
    """
    of_x, of_g = average_factors(own, beta, omega, p, k)
    error = of_x * x
    error += of_g * g
    if ex is not None:
        ex *= beta + of_x
        error += ex
    if eg is not None:
        error += (omega + of_g) * eg
    error += (3 if own else 2) * k.underflow * p.eta  # two products, and the square
    return error


def average_factors(
    own: float, beta: float | np.ndarray, omega: float | np.ndarray, p: Precision, k: Constants
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """What |x| and |g| contribute to the error of their moving average."""
    average, last = k.average * p.u * (1 + 4 * p.u), k.average_sum * p.u
    return average * (beta + omega) + last * beta, (average + own * p.u + last) * omega


def inherited_square_error(g: np.ndarray, eg: np.ndarray | None) -> np.ndarray | None:
    """The part of the error of g² that g brings along, before the square's own rounding: 2|g|Eg + Eg²."""
    return None if eg is None else eg * (2 * np.abs(g) + eg)


def maximum_error(x: np.ndarray, ex: np.ndarray, y: np.ndarray, ey: np.ndarray) -> np.ndarray:
    """Error of max(x, y): that of the larger, or what that of the other is beyond the distance of the two."""
    larger = x >= y
    of_other = np.where(larger, ey, ex) - np.abs(x - y)
    return np.maximum(np.where(larger, ex, ey), of_other)


def inherited_root_error(v: np.ndarray, ev: np.ndarray, root: np.ndarray) -> np.ndarray:
    """The part of the error of √v that v brings along, before the root's own rounding.

    The larger of √v − √(v − Ev) and √(v + Ev) − √v, written Ev / (√v + √(v − Ev)), which does not
    cancel. Where Ev exceeds v that form is useless, and √(v + Ev), an upper bound of both, replaces it.
    """
    lower = v - ev
    unsafe = lower < 0 if not lower.min(initial=0.0) >= 0 else None
    np.sqrt(lower, out=lower)
    lower += root
    np.divide(ev, lower, out=lower)
    if unsafe is not None:
        lower[unsafe] = np.sqrt(v[unsafe] + ev[unsafe])
    return lower
