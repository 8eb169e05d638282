"""Hyperparameters, and the scalars of one step that follow from them, at three levels.

(a) `exact`: the decimals as written. (b) `stored`: rounded as the backend stores them.
(c) `replayed`: the scalar chain of the backend, operation by operation. Verdicts are given at (c);
the difference between (a) and (c) is the specification gap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Average, Power, StepSize, Storage
from lazyadam.reference.powers import (
    float32_of_text,
    float32_product,
    float64_product,
    nearest_power,
    one_minus_power,
)
from lazyadam.reference.rounding import Precision, round_to


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


def columns(scalars: Sequence[Scalars], of: np.ndarray | None = None) -> Scalars:
    """One column a scalar, one entry for each row; a plain float where all are equal.

    of: which of the scalars each row has; None: its own.
    """
    if len(scalars) == 1:
        return scalars[0]
    table = np.array(scalars).reshape(len(scalars), len(Scalars._fields))
    if len(table) and (table == table[0]).all():
        return Scalars(*table[0].tolist())
    chosen = table if of is None else table[of]
    return Scalars(*(chosen[:, [i]] for i in range(chosen.shape[1])))


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
    if arithmetic.power is Power.WORKING_PRODUCT:
        arithmetic = replace(arithmetic, power=Power.FLOAT64_PRODUCT if wide else Power.FLOAT32_PRODUCT)
    return arithmetic


def inexact(arithmetic: Arithmetic) -> bool:
    """Whether its powers may be some ulps off."""
    return arithmetic.power in (
        *(Power.FLOAT32_POWER, Power.FLOAT64_POWER, Power.WORKING_POWER),
        Power.OWN_POWER,
    )


def stored(h: Hyperparameters, arithmetic: Arithmetic) -> Hyperparameters:
    """Level (b): the hyperparameters after storage."""
    if arithmetic.storage is Storage.FLOAT64:
        return h
    if arithmetic.storage is Storage.TEXT:  # of 1/loss_scale
        return replace(h, loss_scale=1.0 / float(float32_of_text(1.0 / h.loss_scale)))
    h = replace(h, lr=float(np.float32(h.lr)))
    if arithmetic.storage is Storage.LEARNING_RATE:
        return h
    h = replace(h, beta1=float(np.float32(h.beta1)), beta2=float(np.float32(h.beta2)))
    if arithmetic.storage is Storage.VARIABLES:
        return h
    return replace(
        h,
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
    own = arithmetic.power is Power.OWN_POWER
    if arithmetic.power is Power.EXACT:
        return exact(h, t)
    omega1, omega2 = 1 - h.beta1, 1 - h.beta2
    errors = {}
    if arithmetic.power in (Power.FLOAT64, Power.FLOAT64_PRODUCT):
        power = float64_product if arithmetic.power is Power.FLOAT64_PRODUCT else float.__pow__
        correction1, correction2 = 1 - power(h.beta1, t), 1 - power(h.beta2, t)
        root = math.sqrt(correction2)
        alpha, rate = _step_size(h.lr, root, correction1, arithmetic), h.lr / correction1
        folded = h.epsilon * root
    else:
        alpha, rate, root, folded = _chain(h, t, arithmetic, precision, ulps or (0, 0))
        errors = _chain_errors(h, t, arithmetic, precision, ulps)
        if arithmetic.storage is Storage.FLOAT32:
            omega1, omega2 = (float(np.float32(1) - np.float32(x)) for x in (h.beta1, h.beta2))

    def meet(x: float, name: str = precision.name if own else precision.scalar) -> float:
        if arithmetic.storage is Storage.TEXT:
            return float(float32_of_text(x))
        return float(round_to(x, name))

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
        epsilon=meet(h.epsilon, precision.scalar),  # what its type takes from it: epsilon_lost
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


@np.errstate(all="ignore")  # t may overflow its type, and β round to 1
def _chain(
    h: Hyperparameters, t: int, arithmetic: Arithmetic, precision: Precision, ulps: tuple[int, int]
) -> _Chain:
    """From powers of a type, each operation rounded to it; or in float64, where the order is not known."""
    kind = _kind(arithmetic, precision)
    if arithmetic.power is Power.FLOAT32_PRODUCT:
        power1, power2 = float32_product(h.beta1, t), float32_product(h.beta2, t)
    elif arithmetic.power is Power.OWN_POWER:
        # of types below float32 it is taken in float32, and rounded
        wide = np.dtype(precision.scalar).type
        of, at = [float(kind(np.float32(beta))) for beta in (h.beta1, h.beta2)], float(kind(t))
        power1, power2 = (
            kind(nearest_power(beta, at, off, wide)) for beta, off in zip(of, ulps, strict=True)
        )
    else:
        betas = zip((h.beta1, h.beta2), ulps, strict=True)
        power1, power2 = (nearest_power(beta, t, off, kind) for beta, off in betas)
    below, above = kind(1) - power1, kind(1) - power2
    real = np.float64 if arithmetic.step_size_error else kind
    lr, epsilon, root = real(kind(h.lr)), real(kind(h.epsilon)), np.sqrt(real(above))
    alpha = _step_size(lr, root, real(below), arithmetic)
    return _Chain(*map(float, (alpha, lr / real(below), root, epsilon * root)))


def _step_size(lr: Any, root: Any, below: Any, arithmetic: Arithmetic) -> Any:
    quotient_first = arithmetic.step_size is StepSize.QUOTIENT_FIRST
    return lr * (root / below) if quotient_first else lr * root / below


def _kind(arithmetic: Arithmetic, precision: Precision) -> Any:
    """The type in which powers, and what follows from them, are computed."""
    if arithmetic.power is Power.OWN_POWER:
        return np.dtype(precision.name).type
    return np.float64 if arithmetic.power is Power.FLOAT64_POWER else np.float32


def _chain_errors(
    h: Hyperparameters,
    t: int,
    arithmetic: Arithmetic,
    precision: Precision,
    ulps: tuple[int, int] | None,
) -> dict[str, float]:
    """Relative bounds on the errors of a chain.

    1 − β^t cancels, so that an ulp of the power is many of the correction. What follows is monotonic in both
    powers: its extremes are at the corners of what they may be.
    """
    centre = _chain(h, t, arithmetic, precision, (0, 0))
    u, most = 2.0**-24, arithmetic.step_size_error
    # The rounding of √(1 − β2^t) itself is one of Constants.hat.
    own = _Chain(most * u, min(most, 1) * u, 0.0, min(most, 2) * u)
    if arithmetic.power is Power.OWN_POWER and most:
        own = _own_errors(h, centre, most, precision)
    if inexact(arithmetic) and ulps is None:
        n = arithmetic.power_ulps
        corners = [_chain(h, t, arithmetic, precision, corner) for corner in product((-n, n), (-n, n))]

        def furthest(name: str, power: int = 1) -> float:
            at, ends = getattr(centre, name), [getattr(x, name) for x in corners]
            if power < 0 and 0 in ends:  # the power may round to 1
                return math.inf if at else 0.0
            return max(abs((x / at) ** power - 1) for x in ends) if at else 0.0

        own = _Chain(
            own.alpha + furthest("alpha") * (1 + own.alpha),
            own.rate + furthest("rate") * (1 + own.rate),
            furthest("root", -1),
            own.folded + furthest("folded") * (1 + own.folded),
        )
    names = ("alpha_error", "rate_error", "root_error", "epsilon_error")
    return dict(zip(names, own, strict=True))


def _own_errors(h: Hyperparameters, s: _Chain, most: float, precision: Precision) -> _Chain:
    """The errors of a chain in the tensor's own type, where a product or a quotient may be subnormal.

    One of them is what the next operation takes, so that its η counts as a share of it. In float64 the
    replay rounds too.
    """
    u = precision.u * (2 if precision.name == "float64" else 1)

    def underflow(*results: float) -> float:
        least_normal = precision.eta / precision.u
        return sum(precision.eta / x for x in results if 0 < x < 2 * least_normal)

    return _Chain(
        most * u + underflow(h.lr * s.root, s.rate, s.alpha),
        min(most, 1) * u + underflow(s.rate),
        0.0,
        min(most, 2) * u + underflow(s.folded),
    )
