"""One step shown is one step judged: the same ratios, and what is expected is what the judge expects."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.dialect import Arithmetic, Dialect, Epsilon
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, Step
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.toy import Toy
from lazyadam.suites.judge.judgement import QUANTITIES
from lazyadam.suites.judge.one_step import one_step
from lazyadam.suites.judge.step_by_step import step_by_step

F = np.float32


def several() -> Case:
    """Two parameters in groups of their own: missing and empty gradients, rows that repeat."""
    case, other = sample(), sample(shape=(3, 2), number=1, lr=0.5)
    empty = Gradient(np.zeros((0, 4)), np.zeros(0, np.int64))
    every = Gradient(np.full((3, 2), 0.5), np.arange(3))
    twice = Gradient(np.array([[1.0] * 4, [0.5] * 4]), np.array([2, 2]))
    steps = [Step((empty, every)), Step((twice, None)), Step((twice, every))]
    groups = (*case.groups, Group((1,), other.groups[0].hyperparameters))
    return Case(case.dtype, (*case.parameters, *other.parameters), groups, tuple(steps), (1, 2, 3))


@pytest.mark.parametrize("speaks", [{}, {"duplicates": "last"}, {"epsilon": "beside_hat"}])
@pytest.mark.parametrize("case", [sample(epsilon=1e-2), several()], ids=["one", "several"])
def test_the_largest_ratio_shown_is_the_one_judged(case: Case, speaks: dict[str, str]) -> None:
    toy = Toy(speaks)
    trajectory = toy.run(case)
    assert trajectory.failure is None
    judged = step_by_step([case], [trajectory], Dialect(), Arithmetic())
    rules = Rules(PRECISIONS[case.dtype], Dialect(), Arithmetic())
    shown = [
        one_step(case, trajectory, k, n, rules)
        for k in range(1, len(case.steps) + 1)
        for n in range(len(case.parameters))
    ]
    assert max(float(x.max()) for step in shown for x in step.ratio) == judged.worst[0]
    for finding in judged.divergences:
        if finding.quantity not in QUANTITIES:
            continue
        step = one_step(case, trajectory, finding.step, finding.parameter, rules)
        q, at = QUANTITIES.index(finding.quantity), finding.element
        assert (step.expected[q][at], step.got[q][at], step.bound[q][at], step.ratio[q][at]) == (
            finding.expected,
            finding.value,
            finding.bound,
            finding.ratio,
        )


def test_a_row_that_the_gradient_does_not_name_is_expected_as_it_was() -> None:
    case = sample(steps=1)
    trajectory = Toy().run(case)
    (gradient,) = case.steps[0].gradients
    assert gradient is not None
    assert gradient.rows is not None
    idle = int(np.setdiff1d(np.arange(6), gradient.rows)[0])
    trajectory.m[0][0][idle, 1] = F(0.25)
    step = one_step(case, trajectory, 1, 0, Rules(PRECISIONS["float32"]))
    assert (step.before.m[idle, 1], step.expected.m[idle, 1], step.got.m[idle, 1]) == (0, 0, 0.25)
    assert step.ratio.m[idle, 1] == np.inf
    assert step.ratio.m[idle, 0] == 0


def test_a_parameter_of_any_rank_is_shown_as_rows_and_columns() -> None:
    case = sample(shape=(6, 2, 2))
    step = one_step(case, Toy().run(case), 3, 0, Rules(PRECISIONS["float32"]))
    assert {x.shape for x in (*step.before, *step.expected, *step.got, *step.bound, *step.ratio)} == {(6, 4)}
    assert max(float(x.max()) for x in step.ratio) <= 1


def test_a_step_is_held_to_the_learning_rate_that_was_set_before_it() -> None:
    """Each step is judged from the state that was observed, so the second is right and the first is not."""
    case, rules = sample(steps=2, lr=0.5), Rules(PRECISIONS["float32"])
    trajectory = Toy().run(sample(steps=2, lr=0.25))
    case = replace(case, steps=(case.steps[0], replace(case.steps[1], changes={"lr": (0.25,)})))
    first, second = (float(one_step(case, trajectory, k, 0, rules).ratio.w.max()) for k in (1, 2))
    assert first > 1
    assert second <= 1


def test_of_a_case_run_again_the_second_run_stands_beside_the_first() -> None:
    case = replace(sample(), manner=frozenset({Manner.ASSIGNED}))
    first, second = Toy().run(case), Toy().run(case)
    second.w[0][3, 2, 1] += 1
    first.again = second
    rules = Rules(PRECISIONS["float32"], Dialect(epsilon=Epsilon.INSIDE_ROOT))
    ratios = [one_step(case, first, k, 0, rules).ratio for k in range(1, 9)]
    assert [float(r.w.max()) for r in ratios] == [0, 0, 0, np.inf, 0, 0, 0, 0]
    step = one_step(case, first, 4, 0, rules)
    assert np.array_equal(step.before.w, second.w[0][2])
    assert (step.expected.w[2, 1], step.got.w[2, 1]) == (first.w[0][3, 2, 1], second.w[0][3, 2, 1])
    assert not any(x.any() for x in step.bound)  # nothing but the same bits
    assert step.intermediates == {}
    assert len(step.rows)
    step = one_step(case, first, 4, 0, rules)
    assert step.got.w[2, 1] == step.expected.w[2, 1] + 1


@pytest.mark.parametrize("epsilon", Epsilon)
def test_the_intermediates_shown_are_those_that_move_w(epsilon: Epsilon) -> None:
    case = sample(steps=1, epsilon=1e-2)
    trajectory = Toy({"epsilon": epsilon.name.lower()}).run(case)
    rules = Rules(PRECISIONS["float32"], Dialect(epsilon=epsilon))
    step = one_step(case, trajectory, 1, 0, rules)
    (gradient,) = case.steps[0].gradients
    assert gradient is not None
    assert gradient.rows is not None
    assert step.rows.tolist() == np.unique(gradient.rows).tolist()
    assert max(float(x.max()) for x in step.ratio) <= 1
    root, denominator, quotient, size = (
        step.intermediates[name] for name in ("√v", "denominator", "quotient", "step size")
    )
    touched = [x[step.rows] for x in step.expected]
    alike = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-15)
    inside = 1e-2 if epsilon is Epsilon.INSIDE_ROOT else 0.0
    alike(root**2, touched[2] + inside)
    alike(quotient * denominator, touched[1])
    alike(step.before.w[step.rows] - size * quotient, touched[0])
