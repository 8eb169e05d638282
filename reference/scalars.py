"""Hyperparameters, and the scalars of one step that follow from them, at three levels.

(a) `exact`: the decimals as written. (b) `stored`: rounded as the backend stores them.
(c) `replayed`: the scalar chain of the backend, operation by operation. Verdicts are given at (c);
the difference between (a) and (c) is the specification gap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from lazyadam.reference.chain import chain, chain_errors, met, of_its_type, step_size
from lazyadam.reference.dialect import Arithmetic, Average, Hat, Power, Storage
from lazyadam.reference.powers import float32_of_text, float64_product, one_minus_power, weights_of_corrected
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
    """Of each scalar one column with an entry for each row; a plain float where all are equal.

    of: which of the scalars each row has; None: its own.
    """
    if len(scalars) == 1:
        return scalars[0]
    table = np.array(scalars).reshape(len(scalars), len(Scalars._fields)).T
    varies = (table != table[:, :1]).any(axis=1) | (len(scalars) == 0)
    chosen = iter(table[varies] if of is None else table[varies].take(of, axis=1))
    return Scalars(*(next(chosen)[:, None] if v else float(x[0]) for x, v in zip(table, varies, strict=True)))


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


def stored(h: Hyperparameters, arithmetic: Arithmetic) -> Hyperparameters:
    """Level (b): the hyperparameters after storage."""
    if arithmetic.storage in (Storage.FLOAT64, Storage.TENSOR):
        return h
    if arithmetic.storage is Storage.TEXT:  # of 1/loss_scale
        return replace(h, loss_scale=1.0 / float(float32_of_text(1.0 / h.loss_scale)))
    h = replace(h, lr=float(np.float32(h.lr)))
    if arithmetic.storage in (Storage.FLOAT32_RATE, Storage.RATE):
        return h
    if arithmetic.storage is Storage.RATES:
        return replace(h, weight_decay=float(np.float32(h.weight_decay)))
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

    Scalars meet tensors in `precision.scalar` (float32 for tensors of at most 32 bits), or in their own type;
    but not ε: what it loses there is for the bound to allow (`epsilon_lost`). ulps: how far the
    powers β1^t and β2^t are from the numbers nearest to them, where they may be some off; None: by any
    number up to `arithmetic.power_ulps`, and the errors of the scalars bound what follows from that.
    """
    arithmetic = working(arithmetic, precision)
    h = stored(h, arithmetic)
    if arithmetic.power is Power.EXACT:
        return exact(h, t)
    if arithmetic.power is Power.OF_CORRECTED:
        kind, off = np.dtype(precision.scalar).type, ulps or (0, 0)
        beta1, omega1 = weights_of_corrected(h.beta1, t, off[0], kind)
        beta2, omega2 = weights_of_corrected(h.beta2, t, off[1], kind)
        h = replace(h, lr=float(np.float32(h.lr) * np.float32(t) / np.float32(t)))
        return exact(h, t)._replace(beta1=beta1, omega1=omega1, beta2=beta2, omega2=omega2)
    omega1, omega2 = 1 - h.beta1, 1 - h.beta2
    errors = {}
    if arithmetic.power in (Power.FLOAT64, Power.FLOAT64_PRODUCT):
        power = float64_product if arithmetic.power is Power.FLOAT64_PRODUCT else float.__pow__
        lr, below, above = h.lr, 1 - power(h.beta1, t), 1 - power(h.beta2, t)
        if arithmetic.hat is Hat.MOMENTS:
            lr, below, above = (met(x, arithmetic, precision) for x in (lr, below, above))
        root = math.sqrt(above)
        alpha, rate = step_size(lr, root, below, arithmetic), lr / below
        folded = h.epsilon * root
    else:
        alpha, rate, root, folded = chain(h, t, arithmetic, precision, ulps or (0, 0))
        errors = chain_errors(h, t, arithmetic, precision, ulps)
        if arithmetic.storage is Storage.FLOAT32:
            omega1, omega2 = (float(np.float32(1) - np.float32(x)) for x in (h.beta1, h.beta2))

    def meet(x: float) -> float:
        return met(x, arithmetic, precision)

    if arithmetic.first_average is Average.COMPLEMENT:
        omega1 = 1 - meet(h.beta1)
    if arithmetic.second_average is Average.COMPLEMENT:
        omega2 = 1 - meet(h.beta2)
    rooted = arithmetic.second_average is Average.ROOT
    omega1, omega2 = meet(omega1), meet(math.sqrt(omega2)) ** 2 if rooted else meet(omega2)
    if not arithmetic.step_size_error and arithmetic.hat is not Hat.MOMENTS:
        alpha, rate, root, folded = meet(alpha), meet(rate), meet(root), meet(folded)
    return Scalars(
        lr=meet(h.lr),
        alpha=alpha,
        rate=rate,
        beta1=1 - omega1 if arithmetic.first_average is Average.OMEGA else meet(h.beta1),
        omega1=omega1,
        beta2=1 - omega2 if arithmetic.second_average is Average.OMEGA else meet(h.beta2),
        omega2=omega2,
        # what its type takes from it: epsilon_lost
        epsilon=float(round_to(h.epsilon, precision.scalar)) if of_its_type(arithmetic) else meet(h.epsilon),
        folded_epsilon=folded,
        root_correction=root,
        decay=h.weight_decay if arithmetic.storage is Storage.FLOAT32 else meet(h.weight_decay),
        scale=h.loss_scale,
        sign=-1.0 if h.maximize else 1.0,
        **errors,
    )
