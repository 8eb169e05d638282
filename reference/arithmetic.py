"""How a step is taken, and in whose arithmetic its rounding is bounded."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect, Duplicates, Epsilon, Hat, Subnormals
from lazyadam.reference.rounding import CONSTANTS, Constants, Precision, round_to
from lazyadam.reference.scalars import Scalars


@dataclass(frozen=True)
class Rules:
    """How a step is taken, and in whose arithmetic its rounding is bounded.

    strict_epsilon: ε is held to survive the tensor's type; otherwise what rounding takes from it is allowed.
    """

    type: Precision
    dialect: Dialect = Dialect()
    arithmetic: Arithmetic = Arithmetic()
    nesterov: bool = False
    strict_epsilon: bool = False
    constants: Constants = CONSTANTS

    @cached_property
    def epsilon(self) -> Epsilon:
        """Where ε stands in the arithmetic: beside √v where √(1 − β2^t) is folded into it."""
        folded = folds(self.dialect, self.arithmetic)
        return Epsilon.BESIDE_ROOT if folded else self.dialect.epsilon

    @cached_property
    def precision(self) -> Precision:
        """The type, with the underflow that the dialect allows."""
        if self.dialect.subnormals is Subnormals.KEPT:
            return self.type
        return replace(self.type, eta=max(self.type.eta, self.type.flushing))


def folds(dialect: Dialect, arithmetic: Arithmetic) -> bool:
    """Whether the scalars of a step have `folded_epsilon` for ε."""
    return dialect.epsilon is Epsilon.BESIDE_HAT and arithmetic.hat is Hat.FOLDED


def is_scattered(rules: Rules) -> bool:
    return rules.dialect.duplicates is Duplicates.SCATTERED


def epsilon_lost(epsilon: float | np.ndarray, rules: Rules) -> float | np.ndarray:
    """What ε loses where it is rounded to the tensor's type before it is added."""
    p = rules.type
    exact = rules.strict_epsilon or p.name == p.scalar
    return 0.0 if exact else np.abs(epsilon - round_to(epsilon, p.name))


def folded_error(s: Scalars, rules: Rules) -> float | np.ndarray:
    """The relative error of an ε that √(1 − β2^t) is folded into."""
    return s.epsilon_error if folds(rules.dialect, rules.arithmetic) else 0.0
