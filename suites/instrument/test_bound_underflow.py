"""The bound against interval arithmetic where results underflow."""

import pytest

from lazyadam.reference.dialect import Dialect, WeightDecay
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.instrument.test_bound_intervals import APART, HAT, Input, ratios

# Underflow where it counts most: of what is divided, multiplied or extracted the root of afterwards.
UNDERFLOWS = {
    "m/d, multiplied by α = 10": Input(
        0.0, -88 * 2.0**-149, 1.0, ((0.0,), (0.0,)), h=Hyperparameters(lr=1.0), dialect=HAT
    ),
    "m/(1 − β1^t), multiplied by α = 30": Input(
        *(0.0, 2.0**-141, 1e-6, ((2.0**-141,),), 50_000), h=Hyperparameters(lr=30.0), dialect=HAT
    ),
    "λ·w, divided by a loss scale of 0.01": Input(
        500 * 2.0**-149, 0.0, 1.0, ((0.0,),), h=Hyperparameters(weight_decay=0.1, loss_scale=0.01)
    ),
    "λ·w of each of 5 occurrences, divided by a loss scale of 0.01": Input(
        *(500 * 2.0**-149, 0.0, 1.0, (5 * (0.0,),)),
        h=Hyperparameters(weight_decay=0.1, loss_scale=0.01),
        dialect=APART,
    ),
    "each of 5 squares": Input(
        *(0.0, 0.0, 0.0, (5 * (2.0**-75,),)), h=Hyperparameters(beta2=0.0), dialect=APART
    ),
    "each of 5 squares, of what may be decayed": Input(
        *(0.0, 0.0, 0.0, (5 * (2.0**-75,),)),
        h=Hyperparameters(beta2=0.0, weight_decay=0.1),
        dialect=APART,
    ),
    "v/(1 − β2^t), under the root in float16": Input(
        *(0.0, -0.03, 4 * 2.0**-24, ((9600 * 2.0**-24,),)),
        h=Hyperparameters(lr=1.0, beta1=0.5, beta2=0.1, epsilon=1e-5),
        dialect=HAT,
        dtype="float16",
    ),
    "(1 − lr·λ)·w, beside that of the quotient": Input(
        *(2.0**-140, 2.0**-136, 1.0, ((0.0,),)),
        h=Hyperparameters(weight_decay=0.1),
        dialect=Dialect(weight_decay=WeightDecay.DECOUPLED),
    ),
}


@pytest.mark.parametrize("what", UNDERFLOWS)
def test_the_bound_counts_the_underflow_of(what: str) -> None:
    """Once: of m where it is λ·w that underflows, of v where squares do, of w elsewhere."""
    found = ratios(UNDERFLOWS[what])
    assert all(max(of_step) <= 1 for of_step in found), found
    quantity = "m" if "λ·w" in what and "divided" in what else "v" if "squares" in what else "w"
    assert getattr(found[-1], quantity) >= (0.5 if "occurrences" in what else 0.8), found
