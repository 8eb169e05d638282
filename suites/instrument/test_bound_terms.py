"""What every term of the bound stands for, in every dialect and on every way of computing it."""

from dataclasses import fields, replace

import numpy as np
import pytest

from reference.dialect import Arithmetic, Dialect, Duplicates, Epsilon, WeightDecay
from reference.gradient import coalesce
from reference.lazy_adam import Rules, Running, State, advance
from reference.rounding import CONSTANTS, PRECISIONS, Constants, Precision
from reference.scalars import Hyperparameters, exact

FLOAT32 = PRECISIONS["float32"]
IEEE = Arithmetic()
# The bound of a small type takes the long way; with the roundoff of float32 second order terms stay small.
# Where η is as large as u underflow counts as much as rounding.
TYPES = {
    "float32": FLOAT32,
    "underflowing": replace(FLOAT32, eta=FLOAT32.u),
    "small": replace(PRECISIONS["bfloat16"], u=FLOAT32.u, eta=FLOAT32.u),
}
DIALECTS = {
    "sum": Dialect(),
    "mean": Dialect(duplicates=Duplicates.MEAN),
    "scattered": Dialect(duplicates=Duplicates.SCATTERED),
    "squares apart": Dialect(duplicates=Duplicates.SQUARES_APART),
    "ε beside √v̂": Dialect(epsilon=Epsilon.BESIDE_HAT),
    "ε inside √": Dialect(epsilon=Epsilon.INSIDE_ROOT),
    "decayed per occurrence": Dialect(weight_decay=WeightDecay.PER_OCCURRENCE),
    "decayed per occurrence, squares apart": Dialect(
        duplicates=Duplicates.SQUARES_APART, weight_decay=WeightDecay.PER_OCCURRENCE
    ),
    "decoupled": Dialect(weight_decay=WeightDecay.DECOUPLED),
    "Nesterov": Dialect(),
}
ROWS = np.array([0, 1, 2, 2, 2, 3, 3])


def bound(
    dialect: str, p: Precision, constants: Constants = CONSTANTS, arithmetic: Arithmetic = IEEE
) -> np.ndarray:
    """Of w, m and v after each of two steps; ε is a number of every type."""
    rng = np.random.default_rng(3)
    w, m, v = rng.standard_normal((3, 4, 5))
    decays = "deca" in dialect or "decou" in dialect
    h = Hyperparameters(0.1, 0.7, 0.9, 2.0**-10, weight_decay=0.3 * decays, loss_scale=3.0 if decays else 1.0)
    rules = Rules(p, DIALECTS[dialect], arithmetic, dialect == "Nesterov", constants=constants)
    running, result = Running(State(w, m, v * v)), []
    for t in (1, 2):
        g = coalesce(ROWS, rng.standard_normal((7, 5)), rules.dialect.duplicates, p, constants)
        advance(running, g, exact(h, t), rules)
        result.append(np.stack(running.now()[1]))
    return np.stack(result)


@pytest.mark.parametrize("p", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("constant", [field.name for field in fields(Constants)])
def test_linear_in_every_constant(constant: str, dialect: str, p: Precision) -> None:
    """As a term of first order is: with twice the roundings twice the share."""
    half, whole, twice = (
        bound(dialect, p, replace(CONSTANTS, **{constant: x * getattr(CONSTANTS, constant)}))
        for x in (0.5, 1.0, 2.0)
    )
    assert (abs((twice - whole) - 2 * (whole - half)) <= 1e-4 * whole).all()
    assert (twice >= whole).all()


@pytest.mark.parametrize("p", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_root_and_a_division_with_3_times_the_error_count_as_3_roundings(
    dialect: str, p: Precision
) -> None:
    inexact = bound(dialect, p, arithmetic=Arithmetic(root_error=3.0, division_error=3.0))
    np.testing.assert_allclose(inexact, bound(dialect, p, replace(CONSTANTS, root=3, division=3)), rtol=1e-12)
