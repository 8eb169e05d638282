"""What the judge says in words: a finding in as few digits as tell, and what is not usual in its step."""

from dataclasses import replace

import numpy as np
import pytest

from lazyadam.suites.cases.case import Gradient, Step
from lazyadam.suites.judge.judgement import Divergence, circumstances, told_apart

FINDING = Divergence("w", 0, 4, 0, (2, 1), 0.5, 0.25, 0.125, 2.0)
GRADIENT = Gradient(np.ones((1, 2)), np.array([1]))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "w[2, 1] after step 4: 0.5, should be 0.25; 2 × the bound"),
        ({"parameter": 3}, "w[2, 1] of parameter 3 after step 4: 0.5, should be 0.25; 2 × the bound"),
        ({"ratio": 99.96}, "w[2, 1] after step 4: 0.5, should be 0.25; 100 × the bound"),
        ({"ratio": 100.0}, "w[2, 1] after step 4: 0.5, should be 0.25; 100 × the bound"),
        ({"ratio": 123_456.7}, "w[2, 1] after step 4: 0.5, should be 0.25; 123,457 × the bound"),
        ({"ratio": 1e9}, "w[2, 1] after step 4: 0.5, should be 0.25; 1e+09 × the bound"),
        ({"ratio": 2e12}, "w[2, 1] after step 4: 0.5, should be 0.25; 2e+12 × the bound"),
        ({"ratio": np.inf}, "w[2, 1] after step 4: 0.5, should be 0.25; no rounding does that"),
        ({"quantity": "t", "value": 3, "expected": 4}, "step count after step 4: 3, should be 4"),
        (
            {"quantity": "t", "value": 3, "expected": 4, "parameter": 1},
            "step count of parameter 1 after step 4: 3, should be 4",
        ),
        (
            {"value": 0.1, "expected": 0.10000001},
            "w[2, 1] after step 4: 0.1, should be 0.10000001; 2 × the bound",
        ),
    ],
)
def test_a_finding_is_told_in_one_line(changed: dict[str, float], told: str) -> None:
    assert replace(FINDING, **changed).short() == told  # type: ignore[arg-type]


def test_a_finding_is_told_whole_with_what_led_to_it() -> None:
    whole = (
        "w[2, 1] of parameter 0 after step 4 = 0.10000000000000001, but should be 0.25: "
        "error 0.15, bound 0.125, ratio 2"
    )
    finding = replace(FINDING, value=0.1)
    assert finding.message() == whole
    finding.intermediates = lambda: {"√v": 0.5, "denominator": 0.75}
    assert finding.message() == f"{whole} (√v = 0.5, denominator = 0.75)"


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        (1.0, 2.0, ("1", "2")),
        (1.0, 1.00001, ("1", "1.00001")),
        (0.123456789, 2.0, ("0.123457", "2")),
        (1.0, 1.0000041234, ("1", "1.00000412")),
        (1.0, 1.00000000041234, ("1", "1.00000000041")),
        (1.0, 1.000004, ("1", "1.000004")),
        (1.0, 1.0000000004, ("1", "1.0000000004")),
        (1.0, 1.00000000004, ("1", "1.00000000004")),
        (0.1, np.nextafter(0.1, 1), ("0.10000000000000001", "0.10000000000000002")),
    ],
)
def test_two_numbers_have_as_few_digits_as_tell_them_apart(x: float, y: float, told: tuple[str, str]) -> None:
    assert told_apart(x, y) == told


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Step((GRADIENT, GRADIENT)), ""),
        (Step((GRADIENT, None)), " (it has no gradient there)"),
        (Step((None, GRADIENT)), ""),
        (Step((GRADIENT, GRADIENT), changes={"weight_decay": (0.1,)}), " (weight decay is set before it)"),
        (
            Step((GRADIENT, None), changes={"lr": (0.1,)}, reload=True),
            " (it has no gradient there, lr is set before it, the state is saved and loaded before it)",
        ),
    ],
)
def test_what_is_not_usual_in_a_step_is_told_beside_its_finding(step: Step, told: str) -> None:
    assert circumstances(step, 1) == told
