"""The types: their roundoff, their range, and what becomes of numbers below the least normal one."""

import ml_dtypes
import numpy as np
import pytest
from mpmath import mp, mpf, sqrt

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.dialect import Dialect, Subnormals
from lazyadam.reference.rounding import PRECISIONS, inherited_root_error, round_to
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.instrument.test_judge import ARITHMETIC, faithful
from lazyadam.suites.judge.step_by_step import step_by_step

pytestmark = pytest.mark.filterwarnings("error")

VARIES = Dialect(subnormals=Subnormals.VARIES)
LEAST_NORMAL = {"float16": 2.0**-126, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}


@pytest.mark.parametrize("name", PRECISIONS)
def test_type_is_what_its_numbers_are(name: str) -> None:
    p, info = PRECISIONS[name], ml_dtypes.finfo(name)
    assert p.name == name
    assert p.u == float(info.eps) / 2
    assert p.largest == float(info.max)
    least = float(info.smallest_subnormal)
    assert p.eta == (least if name == "float64" else least / 2)
    assert p.scalar == ("float64" if name == "float64" else "float32")


@pytest.mark.parametrize("name", PRECISIONS)
def test_rounding_is_to_nearest(name: str) -> None:
    p = PRECISIONS[name]
    assert round_to(1 + 0.9 * p.u, name) == 1
    assert name == "float64" or round_to(1 + 1.1 * p.u, name) == 1 + 2 * p.u
    assert round_to(np.array([p.largest, -np.inf]), name).tolist() == [p.largest, -np.inf]
    assert round_to(0.1, name).dtype == np.float64
    if name != "float64":
        assert round_to(2 * p.largest, name) == np.inf


@pytest.mark.parametrize("name", PRECISIONS)
def test_where_subnormals_may_become_zero_operands_and_results_may_lose_the_least_normal(name: str) -> None:
    p = PRECISIONS[name]
    assert Rules(p).precision == p
    flushed = Rules(p, VARIES).precision
    assert flushed.eta == max(p.eta, 3 * LEAST_NORMAL[name])
    assert (flushed.name, flushed.u, flushed.largest, flushed.scalar) == (name, p.u, p.largest, p.scalar)


def test_a_subnormal_that_became_zero_is_right_only_where_it_may() -> None:
    zeros = np.zeros((1, 2))
    start = Parameter(zeros, np.full((1, 2), 2.0**-127), zeros)
    step = Step((Gradient(zeros, np.array([0])),))
    case = Case("float32", (start,), (Group((0,), Hyperparameters()),), (step,), (1,))
    trajectory = faithful(case)
    trajectory.m[0][:], trajectory.w[0][:] = 0.0, 0.0
    assert step_by_step([case], [trajectory], VARIES, ARITHMETIC).worst[0] <= 1
    assert step_by_step([case], [trajectory], Dialect(), ARITHMETIC).worst[0] > 1


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("count", [0, 5])
def test_error_of_a_root_is_the_larger_of_both_sides(count: int, safe: bool) -> None:
    """Or a bound of both, where the error exceeds the number."""
    v = np.array([4.0, 1e-300, 0.25, 2.0, 0.0])[:count]
    ev = np.array([1e-9, 1e-300, 0.1, 0.0, 0.0])[:count]
    if not safe:
        v, ev = np.append(v, [1.0, 0.0]), np.append(ev, [3.0, 4.0])
    with np.errstate(all="ignore"):
        seen = inherited_root_error(v, ev, np.sqrt(v))
    for x, e, error in zip(v, ev, seen, strict=True):
        if x == e == 0:  # 0/0, and the caller divides by more than a root of nothing
            assert np.isnan(error)
            continue
        with mp.workdps(50):
            root = sqrt(mpf(x) + mpf(e))
            true = root if e > x else max(sqrt(mpf(x)) - sqrt(mpf(x) - mpf(e)), root - sqrt(mpf(x)))
            assert abs(mpf(error) - true) <= 1e-14 * true
