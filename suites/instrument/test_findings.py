"""What the judge says of a fault: where it is, how large, and in words; nothing of what is sound."""

from collections.abc import Callable
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step, Trajectory
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_judge import ARITHMETIC, REFERENCE, faithful
from lazyadam.suites.instrument.toy import Toy
from lazyadam.suites.judge.free_running import free_running
from lazyadam.suites.judge.judgement import Divergence, Judgement
from lazyadam.suites.judge.step_by_step import step_by_step

pytestmark = pytest.mark.filterwarnings("error")

Judge = Callable[..., Judgement]
WAYS: dict[str, Judge] = {"step by step": step_by_step, "free running": free_running}
EACH_WAY = pytest.mark.parametrize("judge", WAYS.values(), ids=list(WAYS))
SHAPES = ((6, 4), (5,), (5, 2, 2), (7, 4))
HYPERPARAMETERS = (Hyperparameters(), Hyperparameters(lr=0.1, beta1=0.5, beta2=0.9, epsilon=1e-3))


def several(number: int, observed: tuple[int, ...] = (1, 2, 3, 4, 5)) -> Case:
    """Parameters of two widths in two groups; one of them has no gradient at some steps."""
    rng = np.random.default_rng(number)

    def numbers(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32).astype(np.float64)

    def gradient(shape: tuple[int, ...], k: int) -> Gradient | None:
        rows = rng.permutation(shape[0])[:4]
        return None if shape == (5,) and k == 2 else Gradient(numbers(4, *shape[1:]), rows)

    parameters = tuple(Parameter(numbers(*s), 0.1 * numbers(*s), numbers(*s) ** 2) for s in SHAPES)
    parameters = tuple(
        Parameter(p.w, *(x.astype(np.float32).astype(np.float64) for x in (p.m, p.v))) for p in parameters
    )
    groups = tuple(Group((i, i + 2), h) for i, h in enumerate(HYPERPARAMETERS))
    steps = tuple(Step(tuple(gradient(s, k) for s in SHAPES)) for k in range(1, 6))
    return Case("float32", parameters, groups, steps, observed, t=3)


def first(t: Trajectory, count: int) -> Trajectory:
    """What was seen of the first steps."""
    w, m, v = ([x[:count] for x in xs] for xs in (t.w, t.m, t.v))
    return Trajectory(w, m, v, t.t[:count])


def spoken(cases: list[Case]) -> list[Trajectory]:
    return Toy().run_all(cases)


@EACH_WAY
def test_sound_trajectories_of_several_parameters_conform(judge: Judge) -> None:
    cases = [several(0), several(1), several(2, (2, 3, 5))]
    judgement = judge(cases, spoken(cases), REFERENCE, ARITHMETIC)
    assert (judgement.worst <= 1).all()
    assert (judgement.worst > 0.01).all()
    assert judgement.divergences == []


@EACH_WAY
def test_every_case_has_findings_of_its_own(judge: Judge) -> None:
    cases = [several(n) for n in range(3)]
    trajectories = spoken(cases)
    for n, parameter in ((0, 0), (0, 3), (2, 3)):
        trajectories[n].w[parameter][-1] += 1.0
    judgement = judge(cases, trajectories, REFERENCE, ARITHMETIC)
    assert [f.case for f in judgement.divergences] == sorted(f.case for f in judgement.divergences)
    assert {f.case for f in judgement.divergences} == {0, 2}
    assert judgement.worst[1] <= 1


def test_findings_of_a_case_stand_worst_first_and_not_too_many() -> None:
    case = several(0)
    trajectory = spoken([case])[0]
    for n, x in enumerate((*trajectory.w, *trajectory.m, *trajectory.v)):
        x[-1] += 10.0 ** -(n % 5)
    findings = step_by_step([case], [trajectory], REFERENCE, ARITHMETIC).divergences
    ratios = [f.ratio for f in findings]
    assert ratios == sorted(ratios, reverse=True)
    kinds = [(f.quantity, f.parameter if "untouched" not in f.quantity else 0) for f in findings]
    assert kinds.count(("untouched w", 0)) == 1


def test_untouched_rows_are_named() -> None:
    case = several(0)
    cases, trajectories = [several(1), case], spoken([several(1), case])
    g = case.steps[4].gradients[3]
    assert g is not None
    row = next(i for i in range(7) if i not in g.rows)  # type: ignore[operator]
    old = trajectories[1].m[3][-1][row, 2]
    trajectories[1].m[3][-1][row, 2:] += 0.5
    judgement = step_by_step(cases, trajectories, REFERENCE, ARITHMETIC)
    (finding,) = judgement.divergences
    assert judgement.worst.tolist() == [judgement.worst[0], inf]
    assert judgement.worst[0] <= 1
    assert finding == Divergence("untouched m", 1, 5, 3, (row, 2), old + 0.5, old, 0.0, inf)


def test_untouched_rows_are_named_once_for_each_case_and_quantity() -> None:
    case = replace(several(0), steps=(Step((None,) * 4),), observed=(1,))
    x = case.parameters
    t = np.full((1, 4), 3)
    trajectories = [
        Trajectory([p.w[None] + 1 for p in x], [p.m[None] for p in x], [p.v[None] + 1 for p in x], t)
        for _ in range(2)
    ]
    findings = step_by_step([case, case], trajectories, REFERENCE, ARITHMETIC).divergences
    assert sorted((f.case, f.quantity) for f in findings) == [
        (i, f"untouched {quantity}") for i in range(2) for quantity in "vw"
    ]


def test_miscounted_steps_are_named_once_for_each_case_at_the_first() -> None:
    cases = [several(0), several(1), several(2)]
    trajectories = spoken(cases)
    for i in (0, 2):
        trajectories[i].t[3:, 2:] += 1
    findings = step_by_step(cases, trajectories, REFERENCE, ARITHMETIC).divergences
    counts = [f for f in findings if f.quantity == "t"]
    assert counts == [Divergence("t", i, 4, 2, (), 8.0, 7.0, 0.0, inf) for i in (0, 2)]


@EACH_WAY
def test_steps_are_counted_and_a_run_that_broke_off_is_judged_as_far_as_it_came(judge: Judge) -> None:
    cases = [several(0), several(1, (2, 3, 5))]
    trajectories = spoken(cases)
    # Step by step, a step counts whose start was observed too.
    assert judge(cases, trajectories, REFERENCE, ARITHMETIC).steps == (6 if judge is step_by_step else 8)
    for x in (*trajectories[0].w, *trajectories[0].m, *trajectories[0].v):
        x[3:] = nan
    cut, nothing = first(trajectories[0], 3), first(trajectories[0], 0)
    for trajectory, steps in ((cut, 3), (nothing, 0)):
        three = [trajectory, trajectories[1], trajectory]
        judgement = judge([*cases, cases[0]], three, REFERENCE, ARITHMETIC)
        assert (judgement.worst <= 1).all()
        assert judgement.worst[1] > 0
        assert judgement.steps == 2 * steps + (1 if judge is step_by_step else 3)
    assert judge([cases[0]], [nothing], REFERENCE, ARITHMETIC).worst.tolist() == [0.0]


@EACH_WAY
def test_steps_without_a_gradient_are_judged(judge: Judge) -> None:
    case = replace(sample(steps=2), steps=(Step((None,)), Step((None,))))
    start = case.parameters[0]
    w, m, v = ([np.stack([x, x])] for x in (start.w, start.m, start.v))
    kept = Trajectory(w, m, v, np.zeros((2, 1), np.int64))
    assert judge([case], [kept], REFERENCE, ARITHMETIC).worst[0] == 0
    w[0][1, 0, 0] += 1e-3
    assert judge([case], [kept], REFERENCE, ARITHMETIC).worst[0] == inf


@EACH_WAY
def test_learning_rates_act_from_the_step_they_change_at(judge: Judge) -> None:
    case = sample()
    steps = tuple(replace(s, changes={"lr": (0.5**k,)}) if k % 2 else s for k, s in enumerate(case.steps))
    case = replace(case, steps=steps)
    assert judge([case], [faithful(case)], REFERENCE, ARITHMETIC).worst[0] <= 1


@EACH_WAY
def test_nesterov_is_judged_as_nesterov(judge: Judge) -> None:
    plain, nesterov = sample(), sample(nesterov=True)
    assert judge([nesterov], [faithful(nesterov)], REFERENCE, ARITHMETIC).worst[0] <= 1
    assert judge([nesterov], [faithful(plain)], REFERENCE, ARITHMETIC).worst[0] > 1


@EACH_WAY
def test_dense_gradients_are_judged(judge: Judge) -> None:
    case = sample()
    dense = tuple(Step((Gradient(np.full((6, 4), 0.5 + k)),)) for k in range(8))
    case = replace(case, steps=dense)
    trajectory = faithful(case)
    assert judge([case], [trajectory], REFERENCE, ARITHMETIC).worst[0] <= 1
    trajectory.v[0][-1, 5, 3] *= 1.01
    assert judge([case], [trajectory], REFERENCE, ARITHMETIC).worst[0] > 1


def test_in_float64_twice_the_bound_is_allowed_for_the_reference_rounds_too() -> None:
    case = sample("float64", steps=1)
    zeros = np.zeros((6, 4))
    case = replace(case, parameters=(Parameter(zeros, zeros, zeros),))
    row = case.steps[0].gradients[0].rows[0]  # type: ignore[union-attr, index]
    found = {}
    for name, judge in WAYS.items():
        trajectory = faithful(case)
        trajectory.w[0][0, row, 1] += 1.0
        found[name] = judge([case], [trajectory], REFERENCE, ARITHMETIC).divergences[0]
    once, twice = found.values()
    assert twice.expected == once.expected
    assert twice.bound == 2 * once.bound
    for judge in WAYS.values():
        for times, conforms in ((1.9, True), (2.1, False)):
            trajectory = faithful(case)
            trajectory.w[0][0, row, 1] = once.expected + times * once.bound
            judgement = judge([case], [trajectory], REFERENCE, ARITHMETIC)
            assert (judgement.worst[0] <= 1) == conforms == (not judgement.divergences)


@EACH_WAY
def test_the_bound_itself_conforms(judge: Judge) -> None:
    zeros = np.zeros((6, 4))
    nothing = Step((Gradient(zeros, np.arange(6)),))
    case = replace(sample(), parameters=(Parameter(zeros, zeros, zeros),), steps=(nothing,), observed=(1,))
    trajectory = faithful(case)
    trajectory.v[0][0, 3, 1] = 1.0
    bound = judge([case], [trajectory], REFERENCE, ARITHMETIC).divergences[0].bound
    trajectory.v[0][0, 3, 1] = bound * (1 + 2.0**-53 / P.u) if judge is step_by_step else bound
    judgement = judge([case], [trajectory], REFERENCE, ARITHMETIC)
    assert judgement.worst[0] == 1
    assert judgement.divergences == []


def test_what_rounding_takes_from_epsilon_is_allowed_unless_it_is_strict() -> None:
    """1e-8 is 0 in float16: a weight without moments becomes NaN."""
    zeros = np.zeros((6, 4))
    case = sample("float16", steps=1)
    case = replace(case, parameters=(Parameter(zeros, zeros, zeros),), steps=(Step((Gradient(zeros),)),))
    trajectory = faithful(case)
    trajectory.w[0][0, 2, 1] = nan
    assert step_by_step([case], [trajectory], REFERENCE, ARITHMETIC).worst[0] <= 1
    assert step_by_step([case], [trajectory], REFERENCE, ARITHMETIC, strict_epsilon=True).worst[0] > 1
    assert free_running([case], [trajectory], REFERENCE, ARITHMETIC).worst[0] <= 1


P = PRECISIONS["float32"]
