"""Hyperparameters, and the scalars of one step that follow from them, at three levels.

(a) `exact`: the decimals as written. (b) `stored`: rounded as the backend stores them.
(c) `replayed`: the scalar chain of the backend, operation by operation. Verdicts are given at (c);
the difference between (a) and (c) is the specification gap.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from reference.dialect import Arithmetic, Average, Power, Storage
from reference.rounding import Precision


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
    scale the loss scale, sign −1 where the objective is maximized.
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

    def uncorrected(self) -> "Scalars":
        """The scalars without bias correction."""
        return self._replace(alpha=self.lr, rate=self.lr, folded_epsilon=self.epsilon, root_correction=1.0)

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


def stored(h: Hyperparameters, arithmetic: Arithmetic) -> Hyperparameters:
    """Level (b): the hyperparameters after storage."""
    if arithmetic.storage is Storage.FLOAT64:
        return h
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


def replayed(h: Hyperparameters, t: int, arithmetic: Arithmetic, precision: Precision) -> Scalars:
    """Level (c): the scalars of step t as the backend computes them.

    Scalars meet tensors in `precision.scalar` (float32 for tensors of at most 32 bits).
    """
    h = stored(h, arithmetic)
    if arithmetic.power is Power.EXACT:
        return exact(h, t)
    if arithmetic.power is Power.FLOAT64:
        correction1, correction2 = 1 - h.beta1**t, 1 - h.beta2**t
        root = math.sqrt(correction2)
        alpha, rate = h.lr * root / correction1, h.lr / correction1
        omega1, omega2 = 1 - h.beta1, 1 - h.beta2
        folded = h.epsilon * root
    else:
        one, lr = np.float32(1), np.float32(h.lr)
        below = one - float32_power(h.beta1, t)
        root32 = np.sqrt(one - float32_power(h.beta2, t))
        alpha, rate = float(lr * root32 / below), float(lr / below)
        root, folded = float(root32), float(np.float32(h.epsilon) * root32)
        omega1, omega2 = float(one - np.float32(h.beta1)), float(one - np.float32(h.beta2))

    def meet(x: float) -> float:
        return float(np.float32(x)) if precision.scalar == "float32" else x

    omega1, omega2 = meet(omega1), meet(omega2)
    return Scalars(
        lr=meet(h.lr),
        alpha=meet(alpha),
        rate=meet(rate),
        beta1=1 - omega1 if arithmetic.first_average is Average.OMEGA else meet(h.beta1),
        omega1=omega1,
        beta2=1 - omega2 if arithmetic.second_average is Average.OMEGA else meet(h.beta2),
        omega2=omega2,
        epsilon=meet(h.epsilon),
        folded_epsilon=meet(folded),
        root_correction=meet(root),
        decay=h.weight_decay if arithmetic.storage is Storage.FLOAT32 else meet(h.weight_decay),
        scale=h.loss_scale,
        sign=-1.0 if h.maximize else 1.0,
    )


def float32_power(beta: float, t: int) -> np.float32:
    """β·β·…·β, t factors multiplied one after another in float32."""
    return np.float32(1) if t == 0 else _float32_powers(beta, 1 << t.bit_length())[t - 1]


@lru_cache(maxsize=256)
def _float32_powers(beta: float, count: int) -> np.ndarray:
    return np.multiply.accumulate(np.full(count, beta, np.float32))
