"""The numbers of a script are those of its case, bit for bit; its bounds are rounded up."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.dialect import Dialect
from lazyadam.reference.rounding import PRECISIONS, round_to
from lazyadam.suites.cases.case import Case, Gradient, Parameter, Step
from lazyadam.suites.divergences.source.listing import Listing
from lazyadam.suites.divergences.source.literals import rounded_up
from lazyadam.suites.instrument.samples import sample


def evaluated(source: str, arrays: dict[str, np.ndarray]) -> Any:
    return eval(source, {"np": np, "data": arrays})


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("steps", [1, 3, 50], ids=["one step", "several", "so many that they go to a file"])
def test_what_is_written_are_the_numbers_of_the_case(dtype: str, steps: int) -> None:
    case = sample(dtype, steps)
    p = case.parameters[0]
    odd = round_to(np.array([[1e-7, -3e4, np.nan, np.inf], [0.0, 0.1, -np.inf, 1.0]]), dtype)
    case = replace(
        case,
        parameters=(Parameter(p.w, np.ones_like(p.w), 0 * p.w),),
        steps=(Step((Gradient(odd, np.array([4, 0])),)), *case.steps[1:]),
    )
    listing = Listing(case, Dialect(), None)
    start = case.parameters[0]
    for x, y in zip(evaluated(listing.tables, listing.arrays), (start.w, start.m, start.v), strict=True):
        assert x.dtype == np.float64
        np.testing.assert_array_equal(x, y)
    given = evaluated(listing.steps, listing.arrays)
    for (rows, values), step in zip([given] if steps == 1 else given, case.steps, strict=True):
        (gradient,) = step.gradients
        assert gradient is not None
        assert gradient.rows is not None
        np.testing.assert_array_equal(rows, gradient.rows)
        np.testing.assert_array_equal(values, gradient.values)
    assert bool(listing.arrays) is (steps == 50)


def test_what_has_no_gradient_is_written_as_none() -> None:
    case: Case = sample(steps=2)
    case = replace(case, steps=(Step((None,)), case.steps[1]))
    listing = Listing(case, Dialect(), None)
    first, (rows, _) = evaluated(listing.steps, listing.arrays)
    assert first == (None, None)
    assert len(rows) == 3


@pytest.mark.parametrize("x", [0.0, 1.0, 1.0000001, 2.749e-7, 9.99e-300, np.inf])
def test_a_bound_is_rounded_up_to_two_digits(x: float) -> None:
    up = rounded_up(x)
    assert x <= up <= 1.1 * x
    assert len(f"{up:g}".split("e")[0].replace(".", "")) <= 3
