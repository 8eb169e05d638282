"""What is said of times: intervals, corrected p values, and growth."""

import numpy as np
import pytest

from lazyadam.reports.performance import break_even, growth
from lazyadam.suites.instrument.test_performance import made
from lazyadam.suites.performance.arms import ROUNDS
from lazyadam.suites.performance.statistics import corrected, median


def noisy(shift: float, number: int) -> list[float]:
    return list((1 + shift) * np.random.default_rng(number).lognormal(0, 0.03, ROUNDS))


def test_p_is_corrected_for_the_number_of_claims() -> None:
    (alone,) = corrected([0.004])
    assert alone == pytest.approx(0.004)
    many = corrected([0.004] + [0.5] * 19)
    assert many[0] > 0.01
    assert len(corrected([])) == 0


def test_the_interval_of_a_median_holds_it() -> None:
    found = [median(noisy(0, i)) for i in range(100)]
    assert sum(m.low <= 1 <= m.high for m in found) >= 90
    assert all(m.low <= m.value <= m.high for m in found)


def test_exponents_and_break_even_are_those_that_were_put_in() -> None:
    (line,) = growth(made())
    assert (line["against"], line["smallest"], line["largest"]) == ("touched_rows", 1000, 100_000)
    assert line["exponent"] == pytest.approx(1)
    (found,) = break_even(made())
    assert found["dense"] == "dense"
    assert found["touched_rows"] == pytest.approx(20_000)
    assert found["share"] == pytest.approx(0.2)
