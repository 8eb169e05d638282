"""The code samples of the migration page: a training goes on in the other framework, and back."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reference.rounding import PRECISIONS
from reference.scalars import Hyperparameters
from reports.tables import write_text
from suites.alone import REFERENCE, alone
from suites.backends.process import Process
from suites.backends.registry import BACKENDS
from suites.case import Case, Gradient, Group, Parameter, Step
from suites.compared import other
from suites.equivalence.lab import SAMPLES, SCRIPT_SECONDS

TORCH, MINDSPORE = "embedding_torch.py", "embedding_mindspore.py"
BACKEND = {TORCH: BACKENDS["torch.SparseAdam"], MINDSPORE: BACKENDS["mindspore.LazyAdam.target_cpu.graph"]}
ROWS, WIDTH, BATCHES, IDS = 12, 4, 5, 8
State = dict[str, np.ndarray]


def batches(leg: int) -> State:
    """Ids that repeat, and the factors of a linear loss, which are its gradient."""
    rng = np.random.default_rng(leg)
    ids = np.minimum(rng.geometric(0.25, (BATCHES, IDS)) - 1, ROWS - 1)
    return {"ids": ids, "factors": rng.standard_normal((BATCHES, IDS, WIDTH)).astype(np.float32)}


def trained(sample: str, start: State, leg: int, folder: Path) -> State:
    """What a sample ends with."""
    np.savez(folder / "start.npz", **start)
    np.savez(folder / "batches.npz", **batches(leg))
    command = [sys.executable, str(SAMPLES / sample), "start.npz", "batches.npz", "end.npz"]
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SCRIPT_SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return dict(np.load(folder / "end.npz"))


def allowed(sample: str, start: State, leg: int) -> tuple[np.ndarray, np.ndarray]:
    """What LazyAdam ends with, and how far one may be off that computes as the sample's optimizer."""
    drawn, group = batches(leg), Group((0,), Hyperparameters())
    steps = tuple(
        Step((Gradient(g.astype(float), ids),)) for ids, g in zip(drawn["ids"], drawn["factors"], strict=True)
    )
    parameter = Parameter(*(start[x].astype(float) for x in "wmv"))
    case = Case("float32", (parameter,), (group,), steps, (BATCHES,), int(start["t"]))
    exact = alone(case).trajectory.w[0][-1]
    ran = alone(case, REFERENCE, BACKEND[sample].arithmetic, PRECISIONS["float32"])
    return exact, ran.errors[0][-1] + np.abs(ran.trajectory.w[0][-1] - exact)


@pytest.mark.xdist_group("migration")
def test_training_goes_on_in_the_other_framework_and_back(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    for backend in BACKEND.values():
        with Process(backend) as process:
            record_property("lazyadam-result", json.dumps(other(backend.name, process.not_run)))
            if process.not_run:
                pytest.skip(process.not_run)
    rng = np.random.default_rng(0)
    w = rng.standard_normal((ROWS, WIDTH)).astype(np.float32)
    state = {"w": w, "m": 0 * w, "v": 0 * w, "t": np.array(0)}
    for leg, sample in enumerate((TORCH, MINDSPORE, TORCH)):
        end = trained(sample, state, leg, tmp_path)
        exact, bound = allowed(sample, state, leg)
        assert (np.abs(end["w"] - exact) <= bound).all(), sample
        assert int(end["t"]) == BATCHES * (leg + 1)
        state = end
    for sample in (TORCH, MINDSPORE):
        write_text((SAMPLES / sample).read_text(), pytestconfig.getoption("--out") / "samples" / sample)
