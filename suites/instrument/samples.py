"""Small cases for the tests of our own parts."""

from typing import Any

import numpy as np

from lazyadam.reference.rounding import round_to
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step


def sample(
    dtype: str = "float32",
    steps: int = 8,
    shape: tuple[int, ...] = (6, 4),
    number: int = 0,
    **settings: Any,
) -> Case:
    """A case of one parameter with distinct sparse rows, every step observed."""
    rng = np.random.default_rng(number)

    def numbers(*shape: int) -> np.ndarray:
        return round_to(rng.standard_normal(shape), dtype)

    zeros = np.zeros(shape)
    taken = []
    for _ in range(steps):
        rows = rng.permutation(shape[0])[:3]
        taken.append(Step((Gradient(numbers(len(rows), *shape[1:]), rows),)))
    group = Group((0,), Hyperparameters(**settings))
    return Case(
        dtype, (Parameter(numbers(*shape), zeros, zeros),), (group,), tuple(taken), tuple(range(1, steps + 1))
    )
