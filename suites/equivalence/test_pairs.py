"""What every pair of backends is compared on: each backend in the same trainings, and what an axis does."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suites.about import AXES
from suites.alone import EXACT, REFERENCE
from suites.backends.base import Backend
from suites.backends.registry import BACKENDS
from suites.case import Failure
from suites.equivalence.sequences import OBSERVED, SEQUENCES, effects, tolerance

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
        case = sequence.case()
        rows.append(about | {"steps": 0, "w": written(case.parameters[0].w), "message": ""})
        (ran,) = process.run([case])
        failure: Failure | None = ran.failure
        for n, steps in enumerate(OBSERVED[: len(ran.t)]):
            bound = tolerance(sequence, backend.arithmetic)[n]
            found = {"w": written(ran.w[0][n]), "bound": written(bound), "message": ""}
            rows.append(about | {"steps": steps} | found)
        if failure is not None:
            message = f"{failure.kind} at step {failure.step}: {failure.message}"
            rows.append(about | {"steps": OBSERVED[-1], "message": message})
    record_property("lazyadam-result", json.dumps({"sequences": rows}))
    assert rows


def written(w: np.ndarray) -> str:
    """Weights in a cell of a table, exactly."""
    return json.dumps(w.ravel().tolist())


@pytest.mark.parametrize("axis", AXES)
def test_effect_of_an_axis(axis: str, pytestconfig: pytest.Config, record_property: Record) -> None:
    """In the profile ci of the values that a backend documents or speaks, else of all."""
    usual = getattr(REFERENCE, axis, None) or getattr(EXACT, axis)
    spoken = {usual} | {
        getattr(x, axis)
        for b in BACKENDS.values()
        for x in (b.documented, b.spoken, b.arithmetic)
        if hasattr(x, axis)
    }
    wanted = [v for v in AXES[axis] if v in spoken or pytestconfig.getoption("--profile") != "ci"]
    rows = effects(axis, wanted)
    record_property("lazyadam-result", json.dumps({"effects": rows}))
    assert all(np.isfinite(row["effect"]) for row in rows)
