"""Every dialect as the toy speaks it: the judge takes it for what it is, and for no other."""

from dataclasses import replace
from enum import Enum
from functools import cache

import numpy as np
import pytest

from lazyadam.reference import rule
from lazyadam.reference.dialect import (
    Arithmetic,
    BiasCorrection,
    Dialect,
    EmptyGradient,
    Epsilon,
    Hat,
    Power,
    Untouched,
    WeightDecay,
    ZeroRows,
)
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step, Trajectory
from lazyadam.suites.instrument.test_fingerprint import INDISTINCT, SPOKEN, TURNED
from lazyadam.suites.instrument.toy import Toy
from lazyadam.suites.judge.alone import alone
from lazyadam.suites.judge.explanation import OF_W
from lazyadam.suites.judge.free_running import free_running
from lazyadam.suites.judge.judgement import quantities
from lazyadam.suites.judge.stack import number_of, row_counts
from lazyadam.suites.judge.step_by_step import step_by_step

ARITHMETIC = Arithmetic(power=Power.FLOAT64)
SHAPES = ((6, 4), (5, 4))
ROWS: tuple[tuple[list[int] | None, list[int] | None], ...] = (
    ([4, 1, 2], [0, 1]),
    ([3, 1, 3, 3, 0], None),
    ([], [2, 2, 4]),
    ([5, 0, 2], [3]),
)
ZERO = 1  # the row whose gradient is zero, where it is named


def value(axis: str, name: str) -> Enum:
    return type(getattr(Dialect(), axis))[name.upper()]


def dialect(speaks: dict[str, str]) -> Dialect:
    return Dialect(**{axis: value(axis, name) for axis, name in speaks.items()})  # type: ignore[arg-type]


@cache
def cases() -> list[Case]:
    """Repeated, zero, missing and empty rows, with weight decay and without."""
    rng = np.random.default_rng(3)

    def numbers(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32).astype(np.float64)

    def gradient(rows: list[int] | None, width: int) -> Gradient | None:
        if rows is None:
            return None
        values = numbers(len(rows), width)
        values[[row == ZERO for row in rows]] = 0
        return Gradient(values, np.array(rows, np.int64))

    made = []
    for decay in (0.0, 0.1):
        parameters = tuple(Parameter(numbers(*s), numbers(*s), numbers(*s) ** 2) for s in SHAPES)
        parameters = tuple(replace(p, v=p.v.astype(np.float32).astype(np.float64)) for p in parameters)
        steps = tuple(
            Step(tuple(gradient(r, s[1]) for r, s in zip(rows, SHAPES, strict=True))) for rows in ROWS
        )
        h = Hyperparameters(0.05, 0.7, 0.95, 1e-2, decay)
        made.append(Case("float32", parameters, (Group((0, 1), h),), steps, (1, 2, 3, 4), 2))
    return made


def toy(speaks: dict[str, str]) -> list[Trajectory]:
    kept = Toy(speaks)
    kept.keeps_largest = True  # type: ignore[misc]
    return kept.run_all(cases())


COMBINED = [
    {"duplicates": "scattered", "epsilon": "beside_hat"},
    {"duplicates": "scattered", "weight_decay": "none"},
    {"duplicates": "squares_apart", "weight_decay": "per_occurrence"},
    {"untouched": "dense", "weight_decay": "decoupled"},
    {"untouched": "dense", "empty_gradient": "skipped"},
    {"untouched": "moments_decay", "weight_decay": "per_occurrence"},
    {"untouched": "moments_decay", "zero_rows": "ignored", "duplicates": "last"},
    {"untouched": "dense", "zero_rows": "ignored", "weight_decay": "per_occurrence"},
    {"step_count": "row", "duplicates": "mean", "epsilon": "beside_hat"},
    {"step_count": "row", "untouched": "moments_decay", "weight_decay": "per_occurrence"},
    {"maximum": "of_stored", "duplicates": "scattered"},
    {"maximum": "of_stored", "duplicates": "squares_apart", "untouched": "dense"},
    {"maximum": "of_corrected", "untouched": "moments_decay"},
    {"maximum": "of_corrected", "step_count": "row", "epsilon": "inside_root"},
]


# Where gradients are sparse, and where ε is beside √v of all rows.
ALIKE = (
    {BiasCorrection.NEXT, BiasCorrection.NEXT_OF_SPARSE},
    {Untouched.DENSE, Untouched.DENSE_BESIDE_ROOT},
)


def named(speaks: dict[str, str]) -> str:
    return "-".join(f"{k}.{v}" for k, v in speaks.items()) or "lazy"


@pytest.mark.parametrize("speaks", SPOKEN + COMBINED, ids=named)
def test_the_dialect_that_is_spoken_conforms(speaks: dict[str, str]) -> None:
    for judge in (step_by_step, free_running):
        judgement = judge(cases(), toy(speaks), dialect(speaks), ARITHMETIC)
        assert (judgement.worst <= 1).all()
        assert judgement.divergences == []
        assert (judgement.worst >= 0.02).all()


@pytest.mark.parametrize("speaks", SPOKEN + COMBINED, ids=named)
@pytest.mark.parametrize("nesterov", [False, True], ids=["plain", "nesterov"])
@pytest.mark.parametrize("number", [0, 1])
def test_the_rule_on_plain_arrays_is_what_the_judge_takes_in_blocks(
    number: int, nesterov: bool, speaks: dict[str, str]
) -> None:
    """To the bit, in every dialect; shapes of one and of three dimensions are those of two."""
    case, spoken = cases()[number], dialect(speaks)
    (group,) = case.groups
    h = replace(group.hyperparameters, nesterov=nesterov)
    case = replace(case, groups=(replace(group, hyperparameters=h),))
    due = alone(case, spoken).trajectory
    for n, parameter in enumerate(case.parameters):
        for shape in (parameter.w.shape, (len(parameter.w), 2, 2)):
            kept = quantities(spoken)
            w, m, v, *v_max = state = [getattr(parameter, q).reshape(shape).copy() for q in kept]
            for k, step in enumerate(case.steps):
                if (g := step.gradients[n]) is not None:
                    values = g.values.reshape(len(g.values), *shape[1:])
                    t = number_of(case, k + 1, n, spoken)
                    rule.step(w, m, v, g.rows, values, t, case.schedule()[k][n], spoken, *v_max)
                for got, q in zip(state, kept, strict=True):
                    assert np.array_equal(got.reshape(parameter.w.shape), getattr(due, q)[n][k])


def test_rows_count_the_steps_that_name_them() -> None:
    case, by_row = cases()[0], dialect({"step_count": "row"})
    steps = [[rows[n] for rows in ROWS] for n in (0, 1)]
    for n, (counts, named_at) in enumerate(zip(row_counts(case, by_row), steps, strict=True)):
        for row in range(SHAPES[n][0]):
            assert counts[-1, row] == case.t + sum(row in (rows or []) for rows in named_at)
    ignored = row_counts(case, replace(by_row, zero_rows=ZeroRows.IGNORED))
    assert all((counts[:, ZERO] == case.t).all() for counts in ignored)


@pytest.mark.parametrize("change", [1, -1])
def test_the_count_of_a_row_that_is_wrong_is_told(change: int) -> None:
    trajectories = toy({"step_count": "row"})
    rows = trajectories[0].row_t
    assert rows is not None
    rows[0][3, 5] += change
    wrong = step_by_step(cases(), trajectories, dialect({"step_count": "row"}), ARITHMETIC).divergences
    assert [(x.quantity, x.case, x.step, x.parameter, x.element) for x in wrong] == [("t", 0, 4, 0, (5,))]


@pytest.mark.parametrize("speaks", SPOKEN, ids=named)
def test_every_other_dialect_diverges(speaks: dict[str, str]) -> None:
    spoken, trajectories = dialect(speaks), toy(speaks)
    alike = {other for (axis, name), (other, _) in INDISTINCT.items() if speaks.get(axis) == name}
    for axis in set(TURNED) - alike:
        for other in type(getattr(spoken, axis)):
            if other is not getattr(spoken, axis) and {other, getattr(spoken, axis)} not in ALIKE:
                turned = replace(spoken, **{axis: other})
                assert (step_by_step(cases(), trajectories, turned, ARITHMETIC).worst > 1).any(), other


@pytest.mark.parametrize("hat", Hat)
def test_an_epsilon_beside_the_root_of_rows_not_named_alone_is_told_from_that_of_all(hat: Hat) -> None:
    hat_alone = Dialect(epsilon=Epsilon.BESIDE_HAT, untouched=Untouched.DENSE_BESIDE_ROOT)
    arithmetic = replace(ARITHMETIC, hat=hat)
    trajectories = toy({"epsilon": "beside_hat", "untouched": "dense_beside_root"})
    for judge in (step_by_step, free_running):
        assert (judge(cases(), trajectories, hat_alone, arithmetic).worst <= 1).all()
        for other in ({"untouched": Untouched.DENSE}, {"epsilon": Epsilon.BESIDE_ROOT}):
            turned = replace(hat_alone, **other)
            assert (judge(cases(), trajectories, turned, arithmetic).worst > 1).any()


@pytest.mark.parametrize("correction", BiasCorrection)
def test_a_correction_of_sparse_gradients_alone_is_that_of_this_step_where_they_are_dense(
    correction: BiasCorrection,
) -> None:
    """With every row, in order, a gradient is the same number for number in both layouts."""
    of_sparse, values = BiasCorrection.NEXT_OF_SPARSE, np.linspace(0.5, 1, 4)[:, None]

    def moved(rows: np.ndarray | None, by: BiasCorrection) -> list[float]:
        w, m, v = np.zeros((4, 1)), np.zeros((4, 1)), np.zeros((4, 1))
        rule.step(w, m, v, rows, values, 1, Hyperparameters(), Dialect(bias_correction=by))
        return list(w.ravel())

    sparse, dense = (moved(rows, of_sparse) for rows in (np.arange(4), None))
    assert (moved(np.arange(4), correction) == sparse) is (correction in (of_sparse, BiasCorrection.NEXT))
    assert (moved(None, correction) == dense) is (correction in (of_sparse, BiasCorrection.STEP))


@pytest.mark.parametrize("untouched", ["frozen", "dense", "moments_decay"])
def test_a_dense_gradient_is_one_that_names_every_row(untouched: str) -> None:
    """Beside a sparse one, in a dialect that adds rows and counts occurrences."""
    speaks = {"untouched": untouched, "weight_decay": "per_occurrence"}
    every = np.arange(6)
    values = np.linspace(-1, 1, 24).astype(np.float32).astype(np.float64).reshape(6, 4)
    for case in cases():
        sparse, dense = (
            replace(case, steps=tuple(Step((Gradient(values, r), s.gradients[1])) for s in case.steps))
            for r in (every, None)
        )
        trajectory = Toy(speaks if untouched != "frozen" else {"weight_decay": "per_occurrence"}).run(sparse)
        for judge in (step_by_step, free_running):
            for given in (sparse, dense):
                assert judge([given], [trajectory], dialect(speaks), ARITHMETIC).worst[0] <= 1


@pytest.mark.parametrize("untouched", [Untouched.DENSE, Untouched.MOMENTS_DECAY])
def test_the_decay_of_an_occurrence_takes_nothing_of_a_row_that_has_none(untouched: Untouched) -> None:
    """Whatever its weight is."""
    dialect = Dialect(weight_decay=WeightDecay.PER_OCCURRENCE, untouched=untouched)
    w, m, v = np.array([[1.0], [np.nan], [np.inf]]), np.ones((3, 1)), np.ones((3, 1))
    rows, values = np.array([0, 0]), np.ones((2, 1))
    rule.step(w, m, v, rows, values, 1, Hyperparameters(weight_decay=0.1), dialect)
    assert m[1:].tolist() == [[0.9], [0.9]]
    assert v[1:].tolist() == [[0.999], [0.999]]


def test_the_rule_takes_a_dense_gradient_and_leaves_all_where_an_empty_one_does_not_count() -> None:
    h = Hyperparameters(lr=0.5)

    def taken(rows: list[int] | None, dialect: Dialect) -> list[np.ndarray]:
        w, m, v = (np.full((3, 2), x) for x in (1.0, 0.5, 0.25))
        count = 3 if rows is None else len(rows)
        at = None if rows is None else np.array(rows, int)
        rule.step(w, m, v, at, np.ones((count, 2)), 1, h, dialect)
        return [w, m, v]

    assert np.array_equal(taken(None, Dialect()), taken([0, 1, 2], Dialect()))
    moves = Dialect(untouched=Untouched.DENSE)
    skips = replace(moves, empty_gradient=EmptyGradient.SKIPPED)
    assert np.array_equal(taken([1], skips), taken([1], moves))
    assert taken([], skips)[0].tolist() == [[1.0, 1.0]] * 3
    assert (taken([], moves)[0] < 1).all()


@pytest.mark.parametrize("axis", sorted(OF_W))
@pytest.mark.parametrize("rows", [[1, 1, 2], []], ids=str)
@pytest.mark.parametrize("empty", EmptyGradient)
@pytest.mark.parametrize("untouched", Untouched)
def test_no_moment_depends_on_an_axis_of_w(
    untouched: Untouched, empty: EmptyGradient, rows: list[int], axis: str
) -> None:
    """Of a step, whatever its number is."""
    seen = []
    for value in type(getattr(Dialect(), axis)):
        for t in (1, 2):
            w, m, v = np.ones((3, 2)), np.full((3, 2), 0.5), np.full((3, 2), 0.25)
            values = np.arange(2.0 * len(rows)).reshape(-1, 2)
            h = Hyperparameters(weight_decay=0.1, nesterov=True)
            dialect = replace(Dialect(untouched=untouched, empty_gradient=empty), **{axis: value})
            rule.step(w, m, v, np.array(rows, int), values, t, h, dialect)
            seen.append((m.tolist(), v.tolist()))
    assert all(moments == seen[0] for moments in seen)
