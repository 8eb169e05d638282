"""What every pair of backends is compared on: each backend in the same trainings, and what an axis does."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.dialect import Duplicates
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases.case import Failure
from lazyadam.suites.equivalence.growth import growth
from lazyadam.suites.equivalence.sequences import OBSERVED, SEQUENCES, effects, flat, idle, tolerance
from lazyadam.suites.judge.alone import EXACT, REFERENCE
from lazyadam.suites.run.about import AXES

Record = Callable[[str, object], None]


def test_sequences(
    processes: Any,
    sequence_item: tuple[type[Backend], str],
    pytestconfig: pytest.Config,
    record_property: Record,
) -> None:
    """A refusal is a row."""
    backend, device = sequence_item
    process = processes.get(backend, device)
    left_out = "tried in the profiles nightly and deep: it runs the operators of another form"
    postponed = left_out if backend.repeats and pytestconfig.getoption("--profile") == "ci" else ""
    rows = []
    for sequence in SEQUENCES.values():
        about = {**process.about, "dtype": "float32", "sequence": sequence.name}
        if why := process.not_run or postponed or sequence.missing(backend):
            rows.append(about | {"steps": OBSERVED[-1], "message": why})
            continue
        case = sequence.case(idle(backend))
        rows.append(about | {"steps": 0, "w": written(sequence.start), "message": ""})
        (ran,) = process.run([case])
        failure: Failure | None = ran.failure
        bounds = tolerance(sequence, backend.arithmetic, idle(backend))
        for steps, w, bound in zip(OBSERVED, flat(ran.w), bounds, strict=False):
            rows.append(about | {"steps": steps, "w": written(w), "bound": written(bound), "message": ""})
        if failure is not None:
            message = f"{failure.kind} at step {failure.step}: {failure.message}"
            rows.append(about | {"steps": OBSERVED[-1], "message": message})
    record_property("lazyadam-result", json.dumps({"sequences": rows}))
    assert rows


def written(w: np.ndarray) -> str:
    """Weights in a cell of a table, exactly."""
    return json.dumps(w.ravel().tolist())


def spoken(axis: str) -> list[Any]:
    """The values that a backend documents or speaks, and the reference's own."""
    kinds = (
        REFERENCE,
        EXACT,
        *(x for b in BACKENDS.values() for x in (b.documented, b.spoken, b.arithmetic)),
    )
    there = {getattr(kind, axis) for kind in kinds if hasattr(kind, axis)}
    return [value for value in AXES[axis] if value in there]


@pytest.mark.parametrize("axis", AXES)
def test_effect_of_an_axis(axis: str, pytestconfig: pytest.Config, record_property: Record) -> None:
    """Of a dialect's axes every value in any profile: an optimizer of somebody's own may speak it."""
    every = hasattr(REFERENCE, axis) or pytestconfig.getoption("--profile") != "ci"
    rows = effects(axis, list(AXES[axis]) if every else spoken(axis))
    record_property("lazyadam-result", json.dumps({"effects": rows}))
    assert all(np.isfinite(row["effect"]) for row in rows)


def test_growth_with_repeats_and_steps(pytestconfig: pytest.Config, record_property: Record) -> None:
    every = pytestconfig.getoption("--profile") != "ci"
    values: list[Duplicates] = list(Duplicates) if every else spoken("duplicates")
    rows = growth([value for value in values if value is not Duplicates.SUM])
    record_property("lazyadam-result", json.dumps({"effects_growth": rows}))
    assert all(np.isfinite(row["largest"]) for row in rows)
