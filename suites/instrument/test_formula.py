"""The formula of a script gives what the reference gives, in every dialect that it may have to state."""

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.dialect import (
    Dialect,
    Duplicates,
    EmptyGradient,
    StepCount,
    Untouched,
    WeightDecay,
    ZeroRows,
)
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.divergences.expected import FORMULA, Expected, expected
from lazyadam.suites.divergences.reproducer import no_script
from lazyadam.suites.divergences.source.formula import Formula

SETTINGS = {
    "plain": Hyperparameters(),
    "decayed, scaled and maximized": Hyperparameters(weight_decay=0.1, loss_scale=4.0, maximize=True),
    "Nesterov": Hyperparameters(weight_decay=0.1, nesterov=True),
}
KINDS: dict[str, Any] = {f.name: f.type for f in fields(Dialect) if f.name != "subnormals"}
AXES = {name: list(kind) for name, kind in KINDS.items()}


def dialects() -> Iterator[Dialect]:
    """Every two values of two axes."""
    for first, second in combinations(AXES, 2):
        for one, other in product(AXES[first], AXES[second]):
            values: dict[str, Any] = {first: one, second: other}
            yield Dialect(**values)


def case_of(layout: str, h: Hyperparameters, rank: int = 2) -> Case:
    """Three steps of repeated rows, rows of zeros, and others untouched; a sparse one has no rows."""
    rng = np.random.default_rng(0)
    width = {1: (), 2: (2,), 3: (2, 2)}[rank]
    steps = []
    for k in range(3):
        rows = rng.integers(0, 4, 6 if layout == "mixed" or k != 1 else 0)
        dense = layout == "dense" or (layout == "mixed" and k == 1)
        values = rng.standard_normal((5 if dense else len(rows), *width))
        values[: len(values) // 3] = 0.0
        steps.append(Step((Gradient(values, None if dense else rows),)))
    x = rng.standard_normal((5, *width))
    start = Parameter(x, 0.1 * x, 0.01 * x * x)
    return Case("float64", (start,), (Group((0,), h),), tuple(steps), (1, 2, 3), t=2)


def run(case: Case, formula: Formula) -> Iterator[dict[str, Any]]:
    """The names that the lines of a formula leave after each step."""
    p, h = case.parameters[0], case.groups[0].hyperparameters
    names: dict[str, Any] = {"np": np, "t": case.t, "lr": h.lr, "beta1": h.beta1, "beta2": h.beta2}
    names |= {"eps": h.epsilon, "w": p.w.copy(), "m": p.m.copy(), "v": p.v.copy(), "v_max": p.v.copy()}
    counted = "1" if formula.dialect.step_count is StepCount.OPTIMIZER else formula.counted()
    source = "\n".join([f"t += {counted}", *formula.lines()])
    for step in case.steps:
        assert step.gradients[0]
        names |= {"rows": step.gradients[0].rows, "values": step.gradients[0].values}
        exec(source, names)
        yield names


def agree(case: Case, formula: Formula, promised: Expected) -> bool:
    for k, names in enumerate(run(case, formula)):
        pairs = zip(("w", "m", "v", "v_max"), promised.values[k][0], promised.bounds[k][0], strict=False)
        if not all((np.abs(names[x] - value) <= bound).all() for x, value, bound in pairs):
            return False
        if names["t"] != promised.counts[k, 0]:
            return False
    return True


def formula_of(case: Case, dialect: Dialect, layout: str) -> Formula:
    h = case.groups[0].hyperparameters
    decay, scale = (repr(x) if x != usual else "" for x, usual in ((h.weight_decay, 0), (h.loss_scale, 1)))
    sign = "-" if h.maximize else ""
    return Formula(dialect, layout, case.parameters[0].w.ndim, "t", decay, sign, scale, h.nesterov)


@pytest.mark.parametrize("layout", ["sparse", "dense", "mixed"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_formula_is_the_reference_in_every_two_axes(layout: str, settings: str) -> None:
    case = case_of(layout, SETTINGS[settings])
    wrong = []
    for dialect in dict.fromkeys(dialects()):
        backend = type("Speaks", (BACKENDS["torch.SparseAdam"],), {"documented": dialect})
        if no_script(case, backend):
            continue
        promised = expected(case, dialect, [FORMULA], False)
        if not agree(case, formula_of(case, dialect, layout), promised):
            wrong.append(dialect)
    assert not wrong


@pytest.mark.parametrize("rank", [1, 3])
def test_the_formula_holds_for_every_rank(rank: int) -> None:
    case = case_of("sparse", SETTINGS["decayed, scaled and maximized"], rank)
    for dialect in (
        Dialect(duplicates=Duplicates.MEAN, weight_decay=WeightDecay.PER_OCCURRENCE),
        Dialect(zero_rows=ZeroRows.IGNORED, untouched=Untouched.DENSE),
        Dialect(duplicates=Duplicates.SCATTERED, untouched=Untouched.DENSE),
    ):
        promised = expected(case, dialect, [FORMULA], False)
        assert agree(case, formula_of(case, dialect, "sparse"), promised)


def test_a_formula_that_is_another_is_seen() -> None:
    """Each axis turned by itself, in a case that tells."""
    case = case_of("sparse", SETTINGS["decayed, scaled and maximized"])
    promised = expected(case, Dialect(), [FORMULA], False)
    for axis, values in AXES.items():
        for value in values:
            if value is getattr(Dialect(), axis) or isinstance(value, StepCount):
                continue
            other: dict[str, Any] = {axis: value}
            assert not agree(case, formula_of(case, replace(Dialect(), **other), "sparse"), promised), value


@pytest.mark.parametrize(
    ("dialect", "layout"),
    [
        (Dialect(duplicates=Duplicates.SCATTERED, weight_decay=WeightDecay.DECOUPLED), "sparse"),
        (Dialect(duplicates=Duplicates.SCATTERED, untouched=Untouched.MOMENTS_DECAY), "sparse"),
        (Dialect(zero_rows=ZeroRows.IGNORED), "dense"),
        (Dialect(empty_gradient=EmptyGradient.SKIPPED, untouched=Untouched.DENSE), "sparse"),
        (Dialect(step_count=StepCount.ROW), "sparse"),
    ],
    ids=[
        "scattered and decoupled",
        "scattered and decaying",
        "zeros in a dense gradient",
        "skipped and dense",
        "rows that count",
    ],
)
def test_what_nobody_says_has_no_script_and_a_reason(dialect: Dialect, layout: str) -> None:
    backend = type("Speaks", (BACKENDS["torch.SparseAdam"],), {"documented": dialect})
    assert no_script(case_of(layout, Hyperparameters()), backend)
