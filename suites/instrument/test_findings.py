"""What the judge says of a fault: where it is, how large, and in words; nothing of what is sound."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from mpmath import mpf, sqrt

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import (
    Arithmetic,
    Average,
    BiasCorrection,
    Dialect,
    Duplicates,
    Epsilon,
    Power,
    Storage,
)
from lazyadam.reference.gradient import coalesce
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, exact, replayed
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step, Trajectory
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_judge import ARITHMETIC, REFERENCE, faithful
from lazyadam.suites.instrument.toy import Toy
from lazyadam.suites.judge.free_running import free_running
from lazyadam.suites.judge.judgement import Finding, Judgement, Size, circumstances, element, measure
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
    assert judgement.findings == []


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
    finding = judgement.findings[0]
    assert (finding.quantity, finding.case, finding.step) == (quantity, 1, 5)
    assert (finding.parameter, finding.element) == (parameter, at)
    assert finding.value == seen[at]
    assert abs(finding.expected - sound[quantity][at]) <= finding.bound * (1 + 1e-6)
    assert finding.bound < 1e-3 * abs(seen[at])
    assert finding.ratio == pytest.approx(abs(finding.value - finding.expected) / finding.bound)
    assert judgement.worst[1] == finding.ratio


@EACH_WAY
def test_every_case_has_findings_of_its_own(judge: Judge) -> None:
    cases = [several(n) for n in range(3)]
    trajectories = spoken(cases)
    for n, parameter in ((0, 0), (0, 3), (2, 3)):
        trajectories[n].w[parameter][-1] += 1.0
    judgement = judge(cases, trajectories, REFERENCE, ARITHMETIC)
    assert [f.case for f in judgement.findings] == sorted(f.case for f in judgement.findings)
    assert {f.case for f in judgement.findings} == {0, 2}
    assert judgement.worst[1] <= 1


def test_findings_of_a_case_stand_worst_first_and_not_too_many() -> None:
    case = several(0)
    trajectory = spoken([case])[0]
    for n, x in enumerate((*trajectory.w, *trajectory.m, *trajectory.v)):
        x[-1] += 10.0 ** -(n % 5)
    findings = step_by_step([case], [trajectory], REFERENCE, ARITHMETIC).findings
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
    (finding,) = judgement.findings
    assert judgement.worst.tolist() == [judgement.worst[0], inf]
    assert judgement.worst[0] <= 1
    assert finding == Finding("untouched m", 1, 5, 3, (row, 2), old + 0.5, old, 0.0, inf)


def test_untouched_rows_are_named_once_for_each_case_and_quantity() -> None:
    case = replace(several(0), steps=(Step((None,) * 4),), observed=(1,))
    x = case.parameters
    t = np.full((1, 4), 3)
    trajectories = [
        Trajectory([p.w[None] + 1 for p in x], [p.m[None] for p in x], [p.v[None] + 1 for p in x], t)
        for _ in range(2)
    ]
    findings = step_by_step([case, case], trajectories, REFERENCE, ARITHMETIC).findings
    assert sorted((f.case, f.quantity) for f in findings) == [
        (i, f"untouched {quantity}") for i in range(2) for quantity in "vw"
    ]


def test_miscounted_steps_are_named_once_for_each_case_at_the_first() -> None:
    cases = [several(0), several(1), several(2)]
    trajectories = spoken(cases)
    for i in (0, 2):
        trajectories[i].t[3:, 2:] += 1
    findings = step_by_step(cases, trajectories, REFERENCE, ARITHMETIC).findings
    counts = [f for f in findings if f.quantity == "t"]
    assert counts == [Finding("t", i, 4, 2, (), 8.0, 7.0, 0.0, inf) for i in (0, 2)]


MESSAGE = "m[2, 1] of parameter 3 after step 7 = 0.5, but should be -0.25: error 0.75, bound 0.125, ratio 6"


def test_what_is_not_usual_in_a_step_is_told() -> None:
    """Of the parameter that a finding is about."""
    gradient = Gradient(np.ones((1, 4)), np.array([0]))
    assert circumstances(Step((gradient, None)), 0) == ""
    assert circumstances(Step((gradient, None)), 1) == " (it has no gradient there)"
    said = " (lr is set before it, the state is saved and loaded before it)"
    assert circumstances(Step((gradient,), lr=(0.1,), reload=True), 0) == said


def test_finding_in_words() -> None:
    finding = Finding("m", 0, 7, 3, (2, 1), 0.5, -0.25, 0.125, 6.0)
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
        for f in step_by_step([case], [trajectory], dialect, ARITHMETIC).findings
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


def test_free_running_stops_where_it_is_told() -> None:
    cases = [several(0), several(1, (2, 3, 5))]
    trajectories = spoken(cases)
    for x in trajectories:
        x.w[0][-2:] = nan
    judgement = free_running(cases, trajectories, REFERENCE, ARITHMETIC, until=2)
    assert (judgement.worst <= 1).all()
    assert judgement.steps == 3
    assert {k for _, k in judgement.sizes} == {1, 2}
    assert (free_running(cases, trajectories, REFERENCE, ARITHMETIC).worst == inf).all()


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
    steps = tuple(replace(s, lr=(0.5**k,)) if k % 2 else s for k, s in enumerate(case.steps))
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
        found[name] = judge([case], [trajectory], REFERENCE, ARITHMETIC).findings[0]
    once, twice = found.values()
    assert twice.expected == once.expected
    assert twice.bound == 2 * once.bound
    for judge in WAYS.values():
        for times, conforms in ((1.9, True), (2.1, False)):
            trajectory = faithful(case)
            trajectory.w[0][0, row, 1] = once.expected + times * once.bound
            judgement = judge([case], [trajectory], REFERENCE, ARITHMETIC)
            assert (judgement.worst[0] <= 1) == conforms == (not judgement.findings)


@EACH_WAY
def test_the_bound_itself_conforms(judge: Judge) -> None:
    zeros = np.zeros((6, 4))
    nothing = Step((Gradient(zeros, np.arange(6)),))
    case = replace(sample(), parameters=(Parameter(zeros, zeros, zeros),), steps=(nothing,), observed=(1,))
    trajectory = faithful(case)
    trajectory.v[0][0, 3, 1] = 1.0
    bound = judge([case], [trajectory], REFERENCE, ARITHMETIC).findings[0].bound
    trajectory.v[0][0, 3, 1] = bound * (1 + 2.0**-53 / P.u) if judge is step_by_step else bound
    judgement = judge([case], [trajectory], REFERENCE, ARITHMETIC)
    assert judgement.worst[0] == 1
    assert judgement.findings == []


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


L = PRECISIONS["float32"].largest
UNJUDGED: dict[str, tuple[float, bool]] = {
    "NaN": (nan, True),
    "infinite": (-inf, True),
    "the largest number": (-L, True),
    "just below the largest number": (-L * (1 - 2.0**-23), False),
    "an eighth of the largest number": (-L / 8, False),
}


@pytest.mark.parametrize("what", UNJUDGED)
@pytest.mark.parametrize("quantity", "wmv")
def test_free_running_leaves_alone_what_has_no_bound(what: str, quantity: str) -> None:
    case = sample(steps=1)
    value, alone = UNJUDGED[what]
    x = getattr(case.parameters[0], quantity)
    x = np.where(np.arange(24).reshape(6, 4) == 23, abs(value) if quantity == "v" else value, x)
    case = replace(
        case,
        parameters=(replace(case.parameters[0], **{quantity: x}),),
        steps=(Step((Gradient(np.ones((1, 4)), np.array([0])),)),),
    )
    trajectory = faithful(case)
    for wrong in (1.0, nan):
        getattr(trajectory, quantity)[0][0, 5, 3] = wrong
        assert (free_running([case], [trajectory], REFERENCE, ARITHMETIC).worst[0] < 1) == alone


def test_free_running_has_no_bound_where_the_denominator_may_vanish() -> None:
    zeros = np.zeros((1, 1))
    case = Case(
        "float32",
        (Parameter(zeros, zeros, zeros),),
        (Group((0,), Hyperparameters(epsilon=0.0)),),
        (Step((Gradient(np.array([[1e-25]]), np.array([0])),)),),
        (1,),
    )
    trajectory = faithful(case)
    assert np.isfinite(trajectory.w[0]).all()
    trajectory.w[0][:] = nan
    assert free_running([case], [trajectory], REFERENCE, ARITHMETIC).worst[0] <= 1


P = PRECISIONS["float32"]
ULP = 2.0**-23
MEASURED: dict[str, tuple[list[float], list[float], Size]] = {
    "nothing": ([1.0, -2.0, 0.0], [1.0, -2.0, 0.0], Size(ratio=0.5, gap=0.25)),
    "an ulp of 1": ([1 + ULP], [1.0], Size(1.0, ULP, ULP, 0.5, 0.25)),
    "two ulps below 2": ([2 - 2 * ULP], [2.0], Size(1.0, 2 * ULP, ULP, 0.5, 0.25)),
    "of 3 the ulp is that of 2": ([-3 - 6 * ULP], [-3.0], Size(3.0, 6 * ULP, 2 * ULP, 0.5, 0.25)),
    "a subnormal's ulp is the least": ([2.0**-148], [2.0**-149], Size(1.0, 2.0**-149, 1.0, 0.5, 0.25)),
    "of 0 there is no relative": ([2.0**-149], [0.0], Size(1.0, 2.0**-149, 0.0, 0.5, 0.25)),
    "what is not finite is left out": (
        [nan, 1.0, 5.0, inf],
        [1.0, inf, 4.0, inf],
        Size(2.0**21, 1.0, 0.25, 0.5, 0.25),
    ),
    "nothing finite": ([nan], [1.0], Size(gap=0.25)),
}


@pytest.mark.parametrize("what", MEASURED)
def test_measure(what: str) -> None:
    seen, value, size = MEASURED[what]
    ratio = np.linspace(0.5, 0.1, len(seen))
    assert measure(np.array(seen), np.array(value), ratio, 0.25, P) == size


def test_sizes_keep_the_largest_of_each_kind() -> None:
    size = Size(1.0, 2.0, 3.0, 4.0, 5.0)
    size.include(Size(5.0, 4.0, 3.0, 2.0, 1.0))
    assert size == Size(5.0, 4.0, 3.0, 4.0, 5.0)


def test_element_of_a_flat_column() -> None:
    assert element(3, 7, np.zeros((5, 2, 4))) == (3, 1, 3)
    assert element(3, 0, np.zeros(5)) == (3,)


@EACH_WAY
def test_sizes_are_those_of_the_fault(judge: Judge) -> None:
    case = several(0)
    trajectory = spoken([case])[0]
    trajectory.w[0][-1, case.steps[4].gradients[0].rows[0], 2] += 100.0  # type: ignore[union-attr, index]
    if judge is step_by_step:
        judge = partial(judge, sizes=True)
        assert step_by_step([case], [trajectory], REFERENCE, ARITHMETIC).sizes == {}
    judgement = judge([case], [trajectory], REFERENCE, ARITHMETIC)
    at = max(k for _, k in judgement.sizes)
    ks = {0} if at == 0 else set(case.observed)
    assert set(judgement.sizes) == {(q, k) for q in "wmv" for k in ks}
    assert judgement.sizes["w", at].absolute == pytest.approx(100, rel=1e-6)
    assert judgement.sizes["w", at].ratio == judgement.worst[0]
    for quantity in "mv":
        size = judgement.sizes[quantity, at]
        assert 0 < size.relative < 1e-5
        assert 0 < size.ratio <= 1
    if at:
        assert all(size.gap == 0 for size in judgement.sizes.values())


@pytest.mark.parametrize("settings", [{}, {"weight_decay": 0.1, "loss_scale": 3.0, "maximize": True}])
@pytest.mark.parametrize("correction", [BiasCorrection.STEP, BiasCorrection.NONE])
@pytest.mark.parametrize("nesterov", [False, True])
def test_specification_gap_is_what_storing_in_float32_costs(
    settings: dict[str, Any], correction: BiasCorrection, nesterov: bool
) -> None:
    """Against 50 digits, from hyperparameters as written and as stored; of w the change."""
    h = Hyperparameters(lr=0.013, beta1=0.83, beta2=0.9937, epsilon=3e-3, nesterov=nesterov, **settings)
    w, m, v, g = 0.75, 0.125, 0.0625, 0.5
    one = np.ones((1, 1))
    case = Case(
        "float32",
        (Parameter(w * one, m * one, v * one),),
        (Group((0,), h),),
        (Step((Gradient(g * one, np.array([0])),)),),
        (1,),
        t=2,
    )
    arithmetic = Arithmetic(Storage.FLOAT32, Power.FLOAT32_PRODUCT, Average.BOTH, Average.BOTH)

    def true(s: Any) -> tuple[mpf, mpf, mpf]:
        total = s.sign * mpf(g) / mpf(s.scale) + mpf(s.decay) * w
        new_m, new_v = s.beta1 * mpf(m) + s.omega1 * total, s.beta2 * mpf(v) + s.omega2 * total**2
        numerator = s.beta1 * new_m + s.omega1 * total if nesterov else new_m
        return s.alpha * numerator / (sqrt(new_v) + s.epsilon), new_m, new_v

    written, chained = exact(h, 3), replayed(h, 3, arithmetic, P)
    if correction is BiasCorrection.NONE:
        written, chained = written.uncorrected(), chained.uncorrected()
    dialect = Dialect(bias_correction=correction)
    zeros = Trajectory([one[None]], [one[None]], [one[None]], np.array([[3]]))
    sizes = step_by_step([case], [zeros], dialect, arithmetic, sizes=True).sizes
    for q, a, c in zip("wmv", true(written), true(chained), strict=True):
        assert sizes[q, 0].gap == pytest.approx(float(abs(a - c) / abs(c)), rel=1e-6)
        assert sizes[q, 0].gap > 1e-9


@pytest.mark.parametrize("g", [0.0, nan])
def test_no_gap_where_nothing_tells_it(g: float) -> None:
    case = sample(steps=1)
    zeros = np.zeros((6, 4))
    steps = (Step((Gradient(np.full((6, 4), g), np.arange(6)),)),)
    case = replace(case, parameters=(Parameter(zeros, zeros, zeros),), steps=steps)
    sizes = step_by_step([case], [faithful(case)], REFERENCE, Arithmetic(Storage.FLOAT32), sizes=True).sizes
    assert [size.gap for size in sizes.values()] == [0.0, 0.0, 0.0]


def test_squares_apart_are_never_negative() -> None:
    """Decay that joins once is shared by the occurrences: Σ (g_j + λ·w/n)²."""
    rows, values = np.array([0, 0]), np.array([[1.0], [-3.0]])
    dialect = Dialect(duplicates=Duplicates.SQUARES_APART)
    p = PRECISIONS["float64"]
    gradient = coalesce(rows, values, dialect.duplicates, p)
    h = Hyperparameters(weight_decay=1.0, beta2=0.5)
    start = State(np.array([[100.0]]), np.zeros((1, 1)), np.zeros((1, 1)))
    v = step(start, gradient, exact(h, 1), Rules(p, dialect)).state.v
    assert v[0, 0] == 0.5 * ((1.0 + 50.0) ** 2 + (-3.0 + 50.0) ** 2)
