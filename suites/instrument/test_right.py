"""Right optimizers in many styles are green in all their types; one made by -ffast-math is red."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from suites.backends.base import Backend, NotRun
from suites.backends.declaration import declared
from suites.backends.process import Process
from suites.clauses import CLAUSES
from suites.detection.kill import BUDGET, Here, applicable
from suites.verdicts import examine

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
        if file.stem not in ("__init__", "fast_math"):
            yield from declared(file)


RIGHT = list(backends())


def test_there_are_twenty_at_least() -> None:
    assert len(RIGHT) >= 20


@pytest.mark.parametrize("backend", RIGHT, ids=lambda b: b.name)
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
            seen = examine(clause, here, dtype, 0, replace(BUDGET, cases=CASES[profile]))
            assert not seen.new, (clause.id, dtype, [j.judgement.findings[:1] for j in seen.judged])


def test_fast_math_is_red_for_subnormals_and_for_what_is_not_finite() -> None:
    """In a process of its own, which it makes flush subnormals."""
    (backend,) = declared(FOLDER / "fast_math.py")
    with Process(backend, "cpu") as process:
        if process.not_run:
            pytest.skip(f"not run: {process.not_run}")
        red = {
            name
            for name in ("update-rule", "subnormal-gradients", "special-values")
            if examine(CLAUSES[name], process, "float32", 0, replace(BUDGET, cases=10)).new
        }
        assert red == {"subnormal-gradients", "special-values"}
