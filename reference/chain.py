"""The scalars that follow from β^t, operation by operation, and how they meet tensors."""

import math
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Hat, Power, StepSize, Storage
from lazyadam.reference.powers import float32_of_text, float32_product, nearest_power
from lazyadam.reference.rounding import Precision, round_to

if TYPE_CHECKING:
    from lazyadam.reference.scalars import Hyperparameters

FLOAT32_PRODUCTS = (Power.FLOAT32_PRODUCT, Power.FLOAT32_PRODUCT_CAST)
OF_THE_TENSOR = (Storage.TENSOR, Storage.FLOAT32_RATE)


def of_its_type(arithmetic: Arithmetic) -> bool:
    """Whether scalars are of the tensor's own type, that of 16 bits too."""
    return arithmetic.storage in OF_THE_TENSOR or arithmetic.power is Power.OWN_POWER


def met(x: float, arithmetic: Arithmetic, precision: Precision) -> float:
    """A scalar where it meets a tensor: once both are of one type. To 16 bits it comes through float32."""
    if arithmetic.storage is Storage.TEXT:
        return float(float32_of_text(x))
    scalar = float(round_to(x, precision.scalar))
    return float(round_to(scalar, precision.name)) if of_its_type(arithmetic) else scalar


def inexact(arithmetic: Arithmetic) -> bool:
    """Whether its powers may be some ulps off."""
    exact = Power.EXACT, Power.FLOAT64, Power.FLOAT64_PRODUCT, Power.WORKING_PRODUCT, *FLOAT32_PRODUCTS
    return arithmetic.power not in exact


class Chain(NamedTuple):
    """The scalars that follow from the powers."""

    alpha: float
    rate: float
    root: float
    folded: float


@np.errstate(all="ignore")  # t may overflow its type, and β round to 1
def chain(
    h: "Hyperparameters", t: int, arithmetic: Arithmetic, precision: Precision, ulps: tuple[int, int]
) -> Chain:
    """From powers of a type, each operation rounded to it; or in float64, where the order is not known, or
    where it is tensors that are divided by 1 − β^t.
    """
    kind, scalar = _kind(arithmetic, precision), np.dtype(precision.scalar).type
    if arithmetic.power in FLOAT32_PRODUCTS:
        power1, power2 = float32_product(h.beta1, t), float32_product(h.beta2, t)
    elif arithmetic.power is Power.OWN_POWER:
        # of types below float32 it is taken in float32, and rounded
        kept = [h.beta1, h.beta2]
        if arithmetic.storage is not Storage.RATE:
            kept = [float(np.float32(beta)) for beta in kept]
        of, at = [met(beta, arithmetic, precision) for beta in kept], float(kind(t))
        power1, power2 = (
            kind(nearest_power(beta, at, off, scalar)) for beta, off in zip(of, ulps, strict=True)
        )
    else:
        betas = zip((h.beta1, h.beta2), ulps, strict=True)
        power1, power2 = (nearest_power(beta, t, off, kind) for beta, off in betas)
    below, above = kind(1) - power1, kind(1) - power2
    if arithmetic.hat is Hat.MOMENTS:
        rate, of_m, of_v = (met(float(x), arithmetic, precision) for x in (h.lr, below, above))
        correction = math.sqrt(of_v)
        return Chain(rate * correction / of_m, rate / of_m, correction, h.epsilon * correction)
    own = arithmetic.storage in OF_THE_TENSOR  # the learning rate is of its type before
    wide: Any = scalar if own else np.float64
    real = wide if own or arithmetic.step_size_error else kind
    lr = real(met(h.lr, arithmetic, precision) if own else kind(h.lr))
    epsilon, root = real(kind(h.epsilon)), np.sqrt(real(above))
    alpha = step_size(lr, root, real(below), arithmetic)
    found = Chain(*map(float, (alpha, lr / real(below), root, epsilon * root)))
    if own:
        found = Chain(*(met(x, arithmetic, precision) for x in found))
    if arithmetic.hat is Hat.MULTIPLIES:
        found = found._replace(root=1 / met(float(kind(1) / np.sqrt(above)), arithmetic, precision))
    return found


def step_size(lr: Any, root: Any, below: Any, arithmetic: Arithmetic) -> Any:
    """α, of numbers of one type: root √(1 − β2^t), below 1 − β1^t."""
    quotient_first = arithmetic.step_size is StepSize.QUOTIENT_FIRST
    return lr * (root / below) if quotient_first else lr * root / below


def _kind(arithmetic: Arithmetic, precision: Precision) -> Any:
    """The type in which powers, and what follows from them, are computed."""
    if arithmetic.power is Power.OWN_POWER:
        return np.dtype(precision.name).type
    if arithmetic.power is Power.FLOAT32_PRODUCT_CAST:
        return np.dtype(precision.scalar).type
    return np.float64 if arithmetic.power is Power.FLOAT64_POWER else np.float32


def chain_errors(
    h: "Hyperparameters",
    t: int,
    arithmetic: Arithmetic,
    precision: Precision,
    ulps: tuple[int, int] | None,
) -> dict[str, float]:
    """Relative bounds on the errors of a chain.

    1 − β^t cancels, so that an ulp of the power is many of the correction. What follows is monotonic in both
    powers: its extremes are at the corners of what they may be.
    """
    centre = chain(h, t, arithmetic, precision, (0, 0))
    u, most = 2.0**-24, arithmetic.step_size_error
    # The rounding of √(1 − β2^t) itself is one of Constants.hat.
    of_rate = most if arithmetic.hat is Hat.INTO_DENOMINATOR else min(most, 1)
    own = Chain(most * u, of_rate * u, 0.0, min(most, 2) * u)
    if arithmetic.power is Power.OWN_POWER and most:
        own = _own_errors(h, centre, most, precision)
    if inexact(arithmetic) and ulps is None:
        n = arithmetic.power_ulps
        corners = [chain(h, t, arithmetic, precision, corner) for corner in product((-n, n), (-n, n))]

        def furthest(name: str, power: int = 1) -> float:
            at, ends = getattr(centre, name), [getattr(x, name) for x in corners]
            if power < 0 and 0 in ends:  # the power may round to 1
                return math.inf if at else 0.0
            return max(abs((x / at) ** power - 1) for x in ends) if at else 0.0

        own = Chain(
            own.alpha + furthest("alpha") * (1 + own.alpha),
            own.rate + furthest("rate") * (1 + own.rate),
            furthest("root", -1),
            own.folded + furthest("folded") * (1 + own.folded),
        )
    names = ("alpha_error", "rate_error", "root_error", "epsilon_error")
    return dict(zip(names, own, strict=True))


def _own_errors(h: "Hyperparameters", s: Chain, most: float, precision: Precision) -> Chain:
    """The errors of a chain in the tensor's own type, where a product or a quotient may be subnormal.

    One of them is what the next operation takes, so that its η counts as a share of it. In float64 the
    replay rounds too.
    """
    u = precision.u * (2 if precision.name == "float64" else 1)

    def underflow(*results: float) -> float:
        least_normal = precision.eta / precision.u
        return sum(precision.eta / x for x in results if 0 < x < 2 * least_normal)

    return Chain(
        most * u + underflow(h.lr * s.root, s.rate, s.alpha),
        min(most, 1) * u + underflow(s.rate),
        0.0,
        min(most, 2) * u + underflow(s.folded),
    )
