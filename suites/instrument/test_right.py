"""Right optimizers in many styles are green in all their types; one made by -ffast-math is red."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from lazyadam.reference.dialect import Arithmetic, Dialect, Power, Storage
from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.own.declaration import declared
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.conformance.fingerprint import fingerprint
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.kill import BUDGET, Here, applicable
from lazyadam.suites.judge.fitting import other_scalars
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.judge.verdict import NONE_FITS

FOLDER = Path(__file__).parent / "right"
CASES = {"ci": 2, "nightly": 30, "deep": 150}
ESSENTIAL = (
    "update-rule",
    "late-steps",
    "tiny-gradients",
    "duplicates",
    "subnormal-gradients",
    "special-values",
)


def backends() -> Iterator[type[Backend]]:
    for file in sorted(FOLDER.glob("*.py")):
        if file.stem == "with_torch" and find_spec("torch") is None:
            continue
        if file.stem not in ("__init__", "fast_math"):
            yield from declared(file)


RIGHT = list(backends())


def test_there_are_twenty_at_least() -> None:
    assert len(RIGHT) >= 20


LATER = [
    pytest.param(b, id=b.name, marks=pytest.mark.slow if b.name == "right.torch_compile" else ())
    for b in RIGHT
]


@pytest.mark.parametrize("backend", LATER)
def test_a_right_optimizer_is_green(backend: type[Backend], pytestconfig: pytest.Config) -> None:
    profile = pytestconfig.getoption("--profile")
    try:
        here = Here(backend("cpu"))
    except NotRun as reason:
        pytest.skip(f"not run: {reason}")
    for dtype in backend.dtypes:
        for clause in applicable(here, dtype):
            if profile == "ci" and clause.id not in ESSENTIAL:
                continue
            seen = examine(
                Sample(clause, here.backend, dtype, 0, replace(BUDGET, cases=CASES[profile])), here
            )
            assert not seen.new, (clause.id, dtype, [j.judgement.divergences[:1] for j in seen.judged])


@pytest.mark.parametrize("name", ["right.float32_power", "right.float64_product", "right.squared_share"])
def test_the_fingerprint_asks_for_the_arithmetic_before_it_blames_an_axis(name: str) -> None:
    (backend,) = (b for b in RIGHT if b.name == name)
    seen = fingerprint(backend, Here(backend("cpu")).run, dtype=backend.dtypes[-1])
    assert NONE_FITS not in seen.axes.values()
    assert seen.witness is None


def test_float32_scalars_of_float64_tensors_are_red_unless_they_are_declared_as_the_run_says() -> None:
    (found,) = (b for b in RIGHT if b.name == "right.float32_product")
    undeclared = type("Undeclared", (found,), {"dtypes": ("float64",)})
    seen = examine(Sample(CLAUSES["late-steps"], undeclared, "float64", 0, BUDGET), Here(undeclared("cpu")))
    assert seen.new
    by = partial(step_by_step, seen.trial.cases, seen.trial.trajectories, Dialect())
    told = other_scalars(undeclared, Dialect(), "float64", by, by)
    says = re.fullmatch(r"its scalars are of float32; declare arithmetic=(.*) if that is meant", told)
    assert says is not None
    declared = eval(says[1], {"Arithmetic": Arithmetic, "Power": Power, "Storage": Storage})
    assert declared.power is Power.FLOAT32_PRODUCT
    backend = type("Declared", (undeclared,), {"arithmetic": declared})
    assert not examine(Sample(CLAUSES["late-steps"], backend, "float64", 0, BUDGET), Here(backend("cpu"))).new


def test_fast_math_is_red_for_subnormals_and_for_what_is_not_finite() -> None:
    """In a process of its own, which it makes flush subnormals."""
    (backend,) = declared(FOLDER / "fast_math.py")
    with Process(backend, "cpu") as process:
        if process.not_run:
            pytest.skip(f"not run: {process.not_run}")
        budget = replace(BUDGET, cases=10)
        red = {
            name
            for name in ("update-rule", "subnormal-gradients", "special-values")
            if examine(Sample(CLAUSES[name], process.backend, "float32", 0, budget), process).new
        }
        assert red == {"subnormal-gradients", "special-values"}
