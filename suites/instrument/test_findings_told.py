"""Findings in words: the element, what is not usual in its step, and its intermediates."""

from dataclasses import replace

import numpy as np
import pytest

from lazyadam.reference.dialect import (
    Dialect,
    Duplicates,
    Epsilon,
)
from lazyadam.reports.findings import places
from lazyadam.suites.cases.case import Gradient, Step
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_findings import EACH_WAY, SHAPES, Judge, several, spoken
from lazyadam.suites.instrument.test_judge import ARITHMETIC, REFERENCE, faithful
from lazyadam.suites.judge.judgement import Divergence, circumstances
from lazyadam.suites.judge.step_by_step import step_by_step


@EACH_WAY
@pytest.mark.parametrize("quantity", "wmv")
@pytest.mark.parametrize(("parameter", "at"), [(0, (4, 3)), (1, (2,)), (2, (4, 1, 0)), (3, (6, 2))])
def test_finding_names_the_worst_element(
    judge: Judge, quantity: str, parameter: int, at: tuple[int, ...]
) -> None:
    cases = [several(0), several(1), several(2, (2, 3, 5))]
    for case in cases:  # the last step touches the row
        g = case.steps[4].gradients[parameter]
        assert g is not None
        assert g.rows is not None
        g.rows[0], g.rows[1:] = at[0], [i for i in range(SHAPES[parameter][0]) if i != at[0]][:3]
    trajectories = spoken(cases)
    sound = {n: getattr(trajectories[1], n)[parameter][-1].copy() for n in "wmv"}
    seen = getattr(trajectories[1], quantity)[parameter][-1]
    seen[at] *= 1.01
    other = (at[0], *(0 if i else 1 for i in at[1:]))
    for smaller in {other, (0, *at[1:])} - {at}:
        seen[smaller] *= 1 + 1e-4
    judgement = judge(cases, trajectories, REFERENCE, ARITHMETIC)
    assert judgement.worst[0] <= 1
    assert judgement.worst[2] <= 1
    finding = judgement.divergences[0]
    assert (finding.quantity, finding.case, finding.step) == (quantity, 1, 5)
    assert (finding.parameter, finding.element) == (parameter, at)
    assert finding.value == seen[at]
    assert abs(finding.expected - sound[quantity][at]) <= finding.bound * (1 + 1e-6)
    assert finding.bound < 1e-3 * abs(seen[at])
    assert finding.ratio == pytest.approx(abs(finding.value - finding.expected) / finding.bound)
    assert judgement.worst[1] == finding.ratio


MESSAGE = "m[2, 1] of parameter 3 after step 7 = 0.5, but should be -0.25: error 0.75, bound 0.125, ratio 6"


def test_what_is_not_usual_in_a_step_is_told() -> None:
    """Of the parameter that a finding is about."""
    gradient = Gradient(np.ones((1, 4)), np.array([0]))
    assert circumstances(Step((gradient, None)), 0) == ""
    assert circumstances(Step((gradient, None)), 1) == " (it has no gradient there)"
    said = " (lr is set before it, the state is saved and loaded before it)"
    assert circumstances(Step((gradient,), changes={"lr": (0.1,)}, reload=True), 0) == said


def test_finding_in_words() -> None:
    finding = Divergence("m", 0, 7, 3, (2, 1), 0.5, -0.25, 0.125, 6.0)
    assert finding.message() == MESSAGE
    inner = {"√v": 1 / 3, "step size": 0.001}
    said = replace(finding, intermediates=lambda: inner).message()
    assert said == f"{MESSAGE} (√v = 0.333333333, step size = 0.001)"


@pytest.mark.parametrize("epsilon", [Epsilon.BESIDE_ROOT, Epsilon.BESIDE_HAT])
@pytest.mark.parametrize("duplicates", [Duplicates.SUM, Duplicates.SCATTERED])
def test_finding_has_the_intermediates_of_its_element(duplicates: Duplicates, epsilon: Epsilon) -> None:
    """Of a row that repeats, scattered: those of the occurrence that m and v keep."""
    case = sample(epsilon=1e-2)
    dialect = Dialect(duplicates=duplicates, epsilon=epsilon)
    repeated = Gradient(np.array([[1.0] * 4, [2.0] * 4, [4.0] * 4]), np.array([2, 5, 2]))
    case = replace(case, steps=(Step((repeated,)), *case.steps[1:]))
    trajectory = faithful(case, dialect)
    trajectory.w[0][0, 2, 3] += 1.0
    f = next(
        f
        for f in step_by_step([case], [trajectory], dialect, ARITHMETIC).divergences
        if (f.quantity, f.step) == ("w", 1)
    )
    g = 5.0 if duplicates is Duplicates.SUM else 4.0
    root = (1e-3 * g**2) ** 0.5
    hat = epsilon is Epsilon.BESIDE_HAT
    denominator = (root / 1e-3**0.5 if hat else root) + 1e-2
    expected = (root, denominator, 0.1 * g / denominator, 1e-3 / 0.1 * (1 if hat else 1e-3**0.5))
    assert f.element == (2, 3)
    assert list(f.intermediates()) == ["√v", "denominator", "quotient", "step size"]
    assert tuple(f.intermediates().values()) == pytest.approx(expected, rel=1e-6)


def test_of_many_circumstances_few_are_named() -> None:
    assert places("abcd", {}, 100) == "where a, b, c or d"
    assert places("abcdefg", {}, 100) == "where a, b, c, and in 4 other circumstances"
