"""The bounds that a script has: no right optimizer is beyond them, and one that is a little wrong is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lazyadam.reference.dialect import Arithmetic, Dialect, Power
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own.declaration import declared
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.cases.case import Case, Step, Trajectory
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import menu_of
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.divergences.expected import Expected, expected, shown, shows
from lazyadam.suites.instrument.samples import sample

FILES = (Path(__file__).parent / "right" / f"{name}.py" for name in ("orders", "scalars", "sums"))
RIGHT = [backend for file in FILES for backend in declared(file)]
TRIED = ("update-rule", "duplicates", "late-steps", "special-values", "several-parameters")
ARITHMETICS = [Arithmetic(power=Power.FLOAT64)]


@pytest.mark.parametrize("backend", RIGHT, ids=lambda b: b.name)
def test_no_right_optimizer_is_wrong(backend: type[Backend]) -> None:
    """Several steps, in which errors add up, and numbers that overflow or are not finite."""
    here = Here(backend("cpu"))
    for dtype in backend.dtypes:
        for id in TRIED:
            for case in collect(menu_of(CLAUSES[id], backend, dtype), dtype, 2, 0):
                (seen,) = here.run([case])
                assert shown(case, backend, False, seen) is None, id


def ran(case: Case, folder: Path, old: str = "", new: str = "") -> Trajectory:
    """What LazyAdam in NumPy does with a case, or with an edit."""
    file = folder / ("wrong.py" if old else "right.py")
    name = 'name = "mine.LazyAdam"'
    text = TEMPLATES["numpy"].replace(name, f'{name}\n    dtypes = ("float16", "float32", "float64")')
    file.write_text(text.replace(old, new))
    (backend,) = declared(file)
    (seen,) = Here(backend("cpu")).run([case])
    assert seen.failure is None
    return seen


def promised(case: Case) -> Expected:
    return expected(case, Dialect(), ARITHMETICS, False)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_an_error_of_some_units_in_the_last_place_is_beyond_them(dtype: str, tmp_path: Path) -> None:
    case, u = (
        sample(dtype, steps=1, epsilon=1e-3),
        {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}[dtype],
    )
    right = ran(case, tmp_path)
    assert not shows(promised(case), right, coarse=False)
    wrong = replace(right, m=[m * (1 + 16 * u) for m in right.m])
    assert shows(promised(case), wrong, coarse=False)


def test_a_small_number_is_not_hidden_by_a_large_one() -> None:
    """An error of a small element is within what a large one may be off by: it has its own bound."""
    case = sample(steps=1)
    (gradient,) = case.steps[0].gradients
    assert gradient
    values = gradient.values.copy()
    values[1:] *= 2.0**-20
    case = replace(case, steps=(Step((replace(gradient, values=values),)),))
    right = promised(case)
    w, m, v = (x[None].astype(np.float32).astype(float) for x in right.values[0][0])
    m[0, gradient.rows[-1]] *= 1.001  # type: ignore[index]
    seen = Trajectory([w], [m], [v], np.array([[1]]))
    assert not shows(right, seen, coarse=True)
    assert shows(right, seen, coarse=False)


SPECIAL = {
    "NaN": (np.nan, "np.add.at(g, index, values)", "np.add.at(g, index, np.nan_to_num(values))"),
    "infinity": (np.inf, "np.add.at(g, index, values)", "np.add.at(g, index, np.clip(values, -9, 9))"),
}


@pytest.mark.parametrize("what", SPECIAL)
def test_a_number_that_is_not_finite_is_not_to_be_lost(what: str, tmp_path: Path) -> None:
    number, *edit = SPECIAL[what]
    case = sample(steps=2)
    (gradient,) = case.steps[0].gradients
    assert gradient
    values = gradient.values.copy()
    values[0, 0] = number
    case = replace(case, steps=(Step((replace(gradient, values=values),)), case.steps[1]))
    assert not shows(promised(case), ran(case, tmp_path), coarse=False)
    assert shows(promised(case), ran(case, tmp_path, *edit), coarse=False)


def test_where_a_step_may_overflow_any_result_is_right(tmp_path: Path) -> None:
    """g² overflows in float32: v is infinite or not, and w moves or not."""
    case = sample(steps=2)
    (gradient,) = case.steps[0].gradients
    assert gradient
    case = replace(case, steps=(Step((replace(gradient, values=1e25 * gradient.values),)), case.steps[1]))
    bounds = promised(case).bounds[1][0]
    assert all(np.isinf(x[gradient.rows]).all() for x in bounds)
    assert not shows(promised(case), ran(case, tmp_path), coarse=False)


def test_a_step_count_that_differs_is_seen() -> None:
    case = sample(steps=1)
    values = promised(case).values[0][0]
    w, m, v = ([x[None]] for x in values)
    assert not shows(promised(case), Trajectory(w, m, v, np.array([[1]])), coarse=True)
    assert shows(promised(case), Trajectory(w, m, v, np.array([[2]])), coarse=True)
