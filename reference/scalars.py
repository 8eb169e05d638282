"""Hyperparameters, and the scalars of one step that follow from them, at three levels.

(a) `exact`: the decimals as written. (b) `stored`: rounded as the backend stores them.
(c) `replayed`: the scalar chain of the backend, operation by operation. Verdicts are given at (c);
the difference between (a) and (c) is the specification gap.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Average, Power, Storage
from lazyadam.reference.rounding import Precision


@dataclass(frozen=True)
class Hyperparameters:
    """The arguments of LazyAdam, as written by the user."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    loss_scale: float = 1.0
    nesterov: bool = False
    maximize: bool = False


class Scalars(NamedTuple):
    """The scalars of one step: floats, or columns with one entry for each row of a block.

    lr is the learning rate, alpha lr·√(1 − β2^t) / (1 − β1^t), rate lr / (1 − β1^t), root_correction
    √(1 − β2^t), folded_epsilon ε·√(1 − β2^t); omega is 1 − β as the implementation computes it. decay is λ,
    scale the loss scale, sign −1 where the objective is maximized. The errors are relative bounds on how far
    a correct implementation's may be from alpha, rate, 1 / root_correction and its ε.
    """

    lr: float | np.ndarray
    alpha: float | np.ndarray
    rate: float | np.ndarray
    beta1: float | np.ndarray
    omega1: float | np.ndarray
    beta2: float | np.ndarray
    omega2: float | np.ndarray
    epsilon: float | np.ndarray
    folded_epsilon: float | np.ndarray
    root_correction: float | np.ndarray
    decay: float | np.ndarray
    scale: float | np.ndarray
    sign: float | np.ndarray
    alpha_error: float | np.ndarray = 0.0
    rate_error: float | np.ndarray = 0.0
    root_error: float | np.ndarray = 0.0
    epsilon_error: float | np.ndarray = 0.0

    def uncorrected(self) -> "Scalars":
        """The scalars without bias correction."""
        plain = self._replace(alpha=self.lr, rate=self.lr, folded_epsilon=self.epsilon, root_correction=1.0)
        return plain._replace(alpha_error=0.0, rate_error=0.0, root_error=0.0, epsilon_error=0.0)

    def part(self, at: slice | np.ndarray | list[int]) -> "Scalars":
        """The scalars of some rows of the block."""
        return Scalars(*(x[at] if isinstance(x, np.ndarray) else x for x in self))


def one_minus_power(beta: float, t: int) -> float:
    """1 − β^t, without the cancellation that the subtraction would suffer for β near 1."""
    return -math.expm1(t * math.log(beta)) if beta else 1.0


def exact(h: Hyperparameters, t: int) -> Scalars:
    """Level (a): the scalars of step t from the hyperparameters as written, in float64."""
    root = math.sqrt(one_minus_power(h.beta2, t))
    return Scalars(
        lr=h.lr,
        alpha=h.lr * root / one_minus_power(h.beta1, t),
        rate=h.lr / one_minus_power(h.beta1, t),
        beta1=h.beta1,
        omega1=1.0 - h.beta1,
        beta2=h.beta2,
        omega2=1.0 - h.beta2,
        epsilon=h.epsilon,
        folded_epsilon=h.epsilon * root,
        root_correction=root,
        decay=h.weight_decay,
        scale=h.loss_scale,
        sign=-1.0 if h.maximize else 1.0,
    )


def working(arithmetic: Arithmetic, precision: Precision) -> Arithmetic:
    """The arithmetic for tensors of a type, where it follows that type."""
    wide = precision.scalar == "float64"
    if arithmetic.storage is Storage.WORKING:
        arithmetic = replace(arithmetic, storage=Storage.FLOAT64 if wide else Storage.FLOAT32)
    if arithmetic.power is Power.WORKING_POWER:
        arithmetic = replace(arithmetic, power=Power.FLOAT64_POWER if wide else Power.FLOAT32_POWER)
    return arithmetic


def inexact(arithmetic: Arithmetic) -> bool:
    """Whether its powers may be some ulps off."""
    return arithmetic.power in (Power.FLOAT32_POWER, Power.FLOAT64_POWER, Power.WORKING_POWER)


def stored(h: Hyperparameters, arithmetic: Arithmetic) -> Hyperparameters:
    """Level (b): the hyperparameters after storage."""
    if arithmetic.storage is Storage.FLOAT64:
        return h
    if arithmetic.storage is Storage.TEXT:  # of 1/loss_scale
        return replace(h, loss_scale=1.0 / float(float32_of_text(1.0 / h.loss_scale)))
    return replace(
        h,
        lr=float(np.float32(h.lr)),
        beta1=float(np.float32(h.beta1)),
        beta2=float(np.float32(h.beta2)),
        epsilon=float(np.float32(h.epsilon)),
        # MindSpore stores λ·loss_scale and 1/loss_scale (nn/optim/optimizer.py, 2.10).
        weight_decay=float(np.float32(h.weight_decay * h.loss_scale)) * float(np.float32(1.0 / h.loss_scale)),
        loss_scale=1.0 / float(np.float32(1.0 / h.loss_scale)),
    )


def replayed(
    h: Hyperparameters,
    t: int,
    arithmetic: Arithmetic,
    precision: Precision,
    ulps: tuple[int, int] | None = None,
) -> Scalars:
    """Level (c): the scalars of step t as the backend computes them.

    Scalars meet tensors in `precision.scalar` (float32 for tensors of at most 32 bits). ulps: how far the
    powers β1^t and β2^t are from the numbers nearest to them, where they may be some off; None: by any
    number up to `arithmetic.power_ulps`, and the errors of the scalars bound what follows from that.
    """
    arithmetic = working(arithmetic, precision)
    h = stored(h, arithmetic)
    if arithmetic.power is Power.EXACT:
        return exact(h, t)
    omega1, omega2 = 1 - h.beta1, 1 - h.beta2
    errors = {}
    if arithmetic.power in (Power.FLOAT64, Power.FLOAT64_PRODUCT):
        power = float64_product if arithmetic.power is Power.FLOAT64_PRODUCT else float.__pow__
        correction1, correction2 = 1 - power(h.beta1, t), 1 - power(h.beta2, t)
        root = math.sqrt(correction2)
        alpha, rate = h.lr * root / correction1, h.lr / correction1
        folded = h.epsilon * root
    else:
        alpha, rate, root, folded = _chain(h, t, arithmetic, ulps or (0, 0))
        errors = _chain_errors(h, t, arithmetic, ulps)
        if arithmetic.storage is Storage.FLOAT32:
            omega1, omega2 = (float(np.float32(1) - np.float32(x)) for x in (h.beta1, h.beta2))

    def meet(x: float) -> float:
        if arithmetic.storage is Storage.TEXT:
            return float(float32_of_text(x))
        return float(np.float32(x)) if precision.scalar == "float32" else x

    if arithmetic.first_average is Average.COMPLEMENT:
        omega1 = 1 - meet(h.beta1)
    if arithmetic.second_average is Average.COMPLEMENT:
        omega2 = 1 - meet(h.beta2)
    rooted = arithmetic.second_average is Average.ROOT
    omega1, omega2 = meet(omega1), meet(math.sqrt(omega2)) ** 2 if rooted else meet(omega2)
    if arithmetic.step_size_error:
        chain = alpha, rate, root, folded
    else:
        chain = meet(alpha), meet(rate), meet(root), meet(folded)
    alpha, rate, root, folded = chain
    return Scalars(
        lr=meet(h.lr),
        alpha=alpha,
        rate=rate,
        beta1=1 - omega1 if arithmetic.first_average is Average.OMEGA else meet(h.beta1),
        omega1=omega1,
        beta2=1 - omega2 if arithmetic.second_average is Average.OMEGA else meet(h.beta2),
        omega2=omega2,
        epsilon=meet(h.epsilon),
        folded_epsilon=folded,
        root_correction=root,
        decay=h.weight_decay if arithmetic.storage is Storage.FLOAT32 else meet(h.weight_decay),
        scale=h.loss_scale,
        sign=-1.0 if h.maximize else 1.0,
        **errors,
    )


class _Chain(NamedTuple):
    """The scalars that follow from the powers."""

    alpha: float
    rate: float
    root: float
    folded: float


def _chain(h: Hyperparameters, t: int, arithmetic: Arithmetic, ulps: tuple[int, int]) -> _Chain:
    """From powers of a type, each operation rounded to it; or in float64, where the order is not known."""
    kind: Any = np.float64 if arithmetic.power is Power.FLOAT64_POWER else np.float32
    if arithmetic.power is Power.FLOAT32_PRODUCT:
        power1, power2 = float32_product(h.beta1, t), float32_product(h.beta2, t)
    else:
        betas = zip((h.beta1, h.beta2), ulps, strict=True)
        power1, power2 = (nearest_power(beta, t, off, kind) for beta, off in betas)
    below, above = kind(1) - power1, kind(1) - power2
    real = np.float64 if arithmetic.step_size_error else kind
    lr, epsilon, root = real(kind(h.lr)), real(kind(h.epsilon)), np.sqrt(real(above))
    return _Chain(*map(float, (lr * root / real(below), lr / real(below), root, epsilon * root)))


def _chain_errors(
    h: Hyperparameters, t: int, arithmetic: Arithmetic, ulps: tuple[int, int] | None
) -> dict[str, float]:
    """Relative bounds on the errors of a chain.

    1 − β^t cancels, so that an ulp of the power is many of the correction. What follows is monotonic in both
    powers: its extremes are at the corners of what they may be.
    """
    u, most = 2.0**-24, arithmetic.step_size_error
    # The rounding of √(1 − β2^t) itself is one of Constants.hat.
    own = _Chain(most * u, min(most, 1) * u, 0.0, min(most, 2) * u)
    if inexact(arithmetic) and ulps is None:
        n = arithmetic.power_ulps
        centre = _chain(h, t, arithmetic, (0, 0))
        corners = [_chain(h, t, arithmetic, corner) for corner in product((-n, n), (-n, n))]

        def furthest(name: str, power: int = 1) -> float:
            at = getattr(centre, name)
            return max(abs((getattr(x, name) / at) ** power - 1) for x in corners) if at else 0.0

        own = _Chain(
            own.alpha + furthest("alpha") * (1 + own.alpha),
            own.rate + furthest("rate") * (1 + own.rate),
            furthest("root", -1),
            own.folded + furthest("folded") * (1 + own.folded),
        )
    names = ("alpha_error", "rate_error", "root_error", "epsilon_error")
    return dict(zip(names, own, strict=True))


def nearest_power(beta: float, t: int, ulps: int = 0, kind: Any = np.float32) -> Any:
    """The number of a type nearest to β^t, of β rounded to it, or one some ulps from it; never above 1.

    In float64 the nearest is what the C library's pow returns, which may be an ulp off itself.
    """
    nearest = kind(float(kind(beta)) ** t)
    for _ in range(abs(ulps)):
        nearest = np.nextafter(nearest, kind(1 if ulps > 0 else 0))
    return nearest


def float32_of_text(x: float) -> np.float32:
    """The float32 that dmlc::ParseFloat reads from the shortest text of x, which may be an ulp off.

    dmlc-core, include/dmlc/strtonum.h, as in MXNet 1.9.1: 19 digits behind the point are divided in float64,
    and the power of ten is multiplied in float32, by 1e8 as long as that goes.
    """
    digits, _, exponent = repr(float(x)).partition("e")
    whole, _, fraction = digits.partition(".")
    fraction = fraction[:19]
    value = np.float32(int(whole)) + np.float32(int(fraction or 0) / 10 ** len(fraction))
    power = int(exponent or 0)
    eights, ones = divmod(abs(power), 8)
    scale = np.multiply.reduce(np.array([1.0, *eights * (1e8,), *ones * (10.0,)], np.float32))
    return np.float32(value / scale if power < 0 else value * scale)


def float64_product(beta: float, t: int) -> float:
    """β·β·…·β, t factors multiplied one after another in float64."""
    return float(_products(beta, "float64", 1 << t.bit_length())[t])


def float32_product(beta: float, t: int) -> np.float32:
    """β·β·…·β, t factors multiplied one after another in float32."""
    return np.float32(_products(beta, "float32", 1 << t.bit_length())[t])


@lru_cache(maxsize=256)
def _products(beta: float, dtype: str, count: int) -> np.ndarray:
    """The products of 0 to `count` factors."""
    return np.multiply.accumulate(np.array([1.0, *count * (beta,)], dtype))
