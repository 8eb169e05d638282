"""The judge: what is right passes, and every kind of wrong is seen and said in words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import (
    Arithmetic,
    Dialect,
    Duplicates,
    Epsilon,
    Hat,
    Power,
    StepCount,
    Untouched,
)
from lazyadam.reference.gradient import coalesce
from lazyadam.reference.rounding import PRECISIONS, round_to
from lazyadam.reference.scalars import replayed
from lazyadam.suites.cases.case import Case, Gradient, Step, Trajectory
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.judge.free_running import free_running
from lazyadam.suites.judge.judgement import SIGN, Judgement
from lazyadam.suites.judge.step_by_step import step_by_step

ARITHMETIC = Arithmetic(power=Power.FLOAT64)
REFERENCE = Dialect()


def faithful(case: Case, dialect: Dialect = REFERENCE) -> Trajectory:
    """The trajectory of an implementation that rounds the reference's result once."""
    p = PRECISIONS[case.dtype]
    parameter = case.parameters[0]
    shape, count = parameter.w.shape, len(parameter.w)
    w, m, v = (x.reshape(count, -1).copy() for x in (parameter.w, parameter.m, parameter.v))
    states: list[list[np.ndarray]] = [[], [], []]
    schedule = case.schedule()
    for k, taken in enumerate(case.steps, 1):
        g = taken.gradients[0]
        assert g is not None
        rows = np.arange(count) if g.rows is None else g.rows
        gradient = coalesce(rows, g.values.reshape(len(rows), -1), dialect.duplicates, p)
        scalars = replayed(schedule[k - 1][0], case.t + k, ARITHMETIC, p)
        rules = Rules(p, dialect, ARITHMETIC, schedule[0][0].nesterov)
        new = step(State(w, m, v), gradient, scalars, rules).state
        for x, y, seen in zip((w, m, v), new, states, strict=False):
            x[gradient.rows] = round_to(y, case.dtype)
            seen.append(x.reshape(shape).copy())
    t = case.t + np.arange(1, len(case.steps) + 1)[:, None]
    return Trajectory([np.stack(states[0])], [np.stack(states[1])], [np.stack(states[2])], t)


@pytest.mark.parametrize("dtype", list(PRECISIONS))
@pytest.mark.parametrize("shape", [(6, 4), (7,), (5, 2, 3)])
def test_a_faithful_trajectory_conforms(dtype: str, shape: tuple[int, ...]) -> None:
    case = sample(dtype, shape=shape)
    trajectory = faithful(case)
    most = 0.0 if dtype == "float64" else 1.0  # which is what the reference computes in
    assert step_by_step([case], [trajectory], Dialect(), ARITHMETIC).worst[0] <= most
    assert free_running([case], [trajectory], Dialect(), ARITHMETIC).worst[0] <= most


def touched(case: Case, k: int) -> int:
    g = case.steps[k].gradients[0]
    assert g is not None
    assert g.rows is not None
    return int(g.rows[0])


def untouched(case: Case, k: int) -> int:
    g = case.steps[k].gradients[0]
    assert g is not None
    assert g.rows is not None
    return next(i for i in range(6) if i not in g.rows)


def nudge(quantity: str, ulps: float) -> Callable[[Case, Trajectory], None]:
    def change(case: Case, t: Trajectory) -> None:
        x = getattr(t, quantity)[0]
        at = (3, touched(case, 3), 1)
        x[at] += ulps * np.spacing(np.float32(x[at]))

    return change


def flip_untouched(case: Case, t: Trajectory) -> None:
    at = (3, untouched(case, 3), 2)
    t.v[0][at] = -t.v[0][at] if t.v[0][at] else -0.0


def miscount(case: Case, t: Trajectory) -> None:
    t.t[5:] += 1


def make_nan(case: Case, t: Trajectory) -> None:
    t.w[0][2, touched(case, 2), 0] = np.nan


def make_infinite(case: Case, t: Trajectory) -> None:
    t.m[0][2, touched(case, 2), 0] = np.inf


WRONG: dict[str, tuple[Callable[[Case, Trajectory], None], str]] = {
    "w off by 64 ulps": (nudge("w", 64), "w["),
    "m off by 64 ulps": (nudge("m", 64), "m["),
    "v off by 64 ulps": (nudge("v", 64), "v["),
    "an untouched row's sign": (flip_untouched, "untouched v["),
    "a step counted twice": (miscount, "t["),
    "NaN where a number should be": (make_nan, "w["),
    "infinity where a number should be": (make_infinite, "m["),
}


@pytest.mark.parametrize("what", WRONG)
def test_sees(what: str) -> None:
    case = sample(number=4)
    trajectory = faithful(case)
    change, expected = WRONG[what]
    change(case, trajectory)
    judgement = step_by_step(
        [sample(number=1), case], [faithful(sample(number=1)), trajectory], Dialect(), ARITHMETIC
    )
    assert judgement.worst[0] <= 1
    assert judgement.worst[1] > 1
    assert any(f.case == 1 and f.message().startswith(expected) for f in judgement.divergences)


def test_message_names_everything() -> None:
    case = sample(number=4)
    trajectory = faithful(case)
    nudge("w", 64)(case, trajectory)
    finding = step_by_step([case], [trajectory], Dialect(), ARITHMETIC).divergences[0]
    for part in (
        "parameter 0",
        "after step",
        "should be",
        "error",
        "bound",
        "ratio",
        "√v",
        "denominator",
        "quotient",
        "step size",
    ):
        assert part in finding.message()


OTHER_DIALECTS: dict[str, tuple[Dialect, dict[str, Any]]] = {
    "duplicates scattered": (Dialect(duplicates=Duplicates.SCATTERED), {}),
    "ε beside √v̂": (Dialect(epsilon=Epsilon.BESIDE_HAT), {"epsilon": 1e-2}),
}


@pytest.mark.parametrize("name", OTHER_DIALECTS)
def test_another_dialect_diverges_and_explains_itself(name: str) -> None:
    dialect, settings = OTHER_DIALECTS[name]
    case = sample(**settings)
    repeated = Gradient(np.array([[1.0] * 4, [2.0] * 4, [4.0] * 4]), np.array([2, 2, 5]))
    case = Case(
        case.dtype, case.parameters, case.groups, (Step((repeated,)), *case.steps), tuple(range(1, 10))
    )
    trajectory = faithful(case, dialect)
    assert step_by_step([case], [trajectory], Dialect(), ARITHMETIC).worst[0] > 1
    assert step_by_step([case], [trajectory], dialect, ARITHMETIC).worst[0] <= 1
    assert free_running([case], [trajectory], dialect, ARITHMETIC).worst[0] <= 1


def test_rows_that_a_dense_update_moves_are_judged() -> None:
    case = sample()
    dialect = Dialect(untouched=Untouched.DENSE, step_count=StepCount.OPTIMIZER)
    assert step_by_step([case], [faithful(case)], dialect, ARITHMETIC).worst[0] > 1


def test_stacking_changes_nothing() -> None:
    many = [sample(number=n, shape=(6, 4) if n % 2 else (5, 3)) for n in range(6)]
    trajectories = [faithful(case) for case in many]
    together = step_by_step(many, trajectories, Dialect(), ARITHMETIC).worst
    alone = [
        step_by_step([c], [t], Dialect(), ARITHMETIC).worst[0]
        for c, t in zip(many, trajectories, strict=True)
    ]
    np.testing.assert_array_equal(together, alone)


def barely_wrong(
    case: Case, judged: Callable[[Trajectory], float], quantity: str, at: tuple[int, int]
) -> Trajectory:
    """An element of the last state, moved an ulp at a time until it is beyond the bound."""
    for ulps in range(1, 100):
        trajectory = faithful(case)
        x = getattr(trajectory, quantity)[0][-1]
        x[at] += ulps * np.spacing(np.float32(x[at]))
        if judged(trajectory) > 1:
            return trajectory
    raise AssertionError("it is never wrong")


@pytest.mark.parametrize("judge", [step_by_step, free_running])
def test_elements_beyond_the_bound_are_counted(judge: Callable[..., Judgement]) -> None:
    """In every quantity and case, however little they are beyond it."""
    cases = [sample(number=n, shape=shape) for n, shape in enumerate([(6, 4), (7, 3)])]

    def count(*trajectories: Trajectory) -> int:
        return judge(cases[: len(trajectories)], trajectories, Dialect(), ARITHMETIC).beyond

    def worst(trajectory: Trajectory) -> float:
        return float(judge(cases[:1], [trajectory], Dialect(), ARITHMETIC).worst[0])

    row = touched(cases[0], len(cases[0].steps) - 1)
    one = barely_wrong(cases[0], worst, "w", (row, 1))
    assert worst(one) < 2
    others = [faithful(case) for case in cases]
    assert (count(one), count(others[0])) == (1, 0)
    one.m[0][-1, row, 2] += 1.0
    others[1].m[0][-1, touched(cases[1], 7), :2] += 1.0
    assert (count(one), count(others[0], others[1]), count(one, others[1])) == (2, 2, 4)


def test_what_overflows_in_some_order_is_not_counted() -> None:
    """Its ratio is 1."""
    case = sample(steps=1)
    (given,) = case.steps[0].gradients
    assert given is not None
    given.values[0, 0] = 3e19  # its square overflows, and the part of that which enters v does not
    trajectory = faithful(case)
    trajectory.v[0][0, touched(case, 0), 0] = np.inf
    trajectory.w[0][0, touched(case, 0), 0] = case.parameters[0].w[touched(case, 0), 0]
    judgement = step_by_step([case], [trajectory], Dialect(), ARITHMETIC)
    assert (judgement.worst[0], judgement.beyond) == (1.0, 0)


def test_an_epsilon_into_which_the_correction_is_folded_is_judged_as_that() -> None:
    dialect, folded = Dialect(epsilon=Epsilon.BESIDE_HAT), replace(ARITHMETIC, hat=Hat.FOLDED)
    case = sample(steps=4, epsilon=0.1)
    for judge in (step_by_step, free_running):
        assert judge([case], [faithful(case, dialect)], dialect, folded).worst[0] <= 1
        assert judge([case], [faithful(case)], dialect, folded).worst[0] > 1


@pytest.mark.parametrize(("moved", "column"), [(False, 0), (True, 2)])
def test_an_untouched_row_is_told_by_a_number_that_moved_before_a_sign(moved: bool, column: int) -> None:
    case = sample(steps=1)
    trajectory, row = faithful(case), untouched(case, 0)
    trajectory.m[0][0, row, 0] = -0.0
    if moved:
        trajectory.m[0][0, row, 2] = 1.0
    (finding,) = step_by_step([case], [trajectory], Dialect(), ARITHMETIC).divergences
    assert finding.element == (row, column)
    assert finding.quantity == f"untouched m{'' if moved else SIGN}"


@pytest.mark.parametrize("judge", [step_by_step, free_running])
def test_where_no_gradient_is_given_nothing_has_to_move(judge: Callable[..., Judgement]) -> None:
    case = sample(steps=2)
    case = replace(case, steps=tuple(Step((None,)) for _ in case.steps))
    (parameter,) = case.parameters
    w, m, v = (np.stack([x, x]) for x in (parameter.w, parameter.m, parameter.v))
    trajectory = Trajectory([w], [m], [v], np.zeros((2, 1), int))
    assert judge([case], [trajectory], Dialect(), ARITHMETIC).worst.tolist() == [0.0]
    w[1, 0, 0] += 1.0
    assert judge([case], [trajectory], Dialect(), ARITHMETIC).worst[0] > 1
