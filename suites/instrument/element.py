"""An element before a step, beside ordinary ones, and the ratios of what is observed of it."""

from dataclasses import dataclass, field, replace
from math import inf, sqrt
from typing import Any

import numpy as np

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import Dialect, Epsilon, WeightDecay
from lazyadam.reference.gradient import Coalesced
from lazyadam.reference.rounding import PRECISIONS, Precision
from lazyadam.reference.scalars import Hyperparameters, Scalars, exact
from lazyadam.suites.judge.comparison import compare
from lazyadam.suites.judge.stack import Stack

HAT = Dialect(epsilon=Epsilon.BESIDE_HAT)
FLOAT16, FLOAT32 = PRECISIONS["float16"], PRECISIONS["float32"]
L = FLOAT32.largest
ROOT, U = sqrt(L), FLOAT32.u


@dataclass
class Element:
    """An element before a step, its gradient, and results of it to accept and to reject.

    It stands in the second of two rows, beside elements that are ordinary and right.
    """

    w: float = 1.0
    m: float = 0.5
    v: float = 0.25
    g: float = 1.0
    accepts: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    rejects: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)  # of the other quantities, where not the reference's
    decay: WeightDecay = WeightDecay.COALESCED
    dialect: Dialect = Dialect()
    p: Precision = FLOAT32
    nesterov: bool = False

    def ratio(self, quantity: str, observed: float | None, **others: float) -> float:
        """The ratio of a quantity that was observed; None stands for what the reference has."""
        before = State(*(np.array([[0.5, 0.5], [0.5, 0.5], [x, 0.5]]) for x in (self.w, self.m, self.v)))
        gradient = Coalesced(np.array([0, 2]), np.array([[0.5, 0.5], [self.g, 0.5]]))
        # A column for each scalar, as where cases of several hyperparameters are stacked.
        other, own = exact(Hyperparameters(), 2), exact(Hyperparameters(**self.settings), 3)
        s = Scalars(*np.array([other, own]).T[:, :, None])
        rules = Rules(self.p, replace(self.dialect, weight_decay=self.decay), nesterov=self.nesterov)
        bounded = step(before, gradient, s, rules)
        seen = {n: _stored(x, self.p) for n, x in zip("wmv", bounded.state, strict=True)}
        for name, x in {**self.seen, **others, quantity: observed}.items():
            if x is not None:
                seen[name][1, 0] = x
        stack = Stack([], gradient, s, None, np.zeros(2, np.int64))
        ratios = compare(before, stack, bounded, State(**seen), rules)
        for ratio in ratios:
            assert np.delete(ratio, 2).tolist() == [0.0, 0.0, 0.0]
        return float(getattr(ratios, quantity)[1, 0])


def _stored(x: np.ndarray, p: Precision) -> np.ndarray:
    return np.where(np.abs(x) > p.largest, np.copysign(inf, x), x)
