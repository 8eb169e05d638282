"""The code samples of the migration page: a training goes on in the other framework, and back."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.reports.tables import write_text
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.equivalence.lab import SAMPLES, ran
from lazyadam.suites.judge.alone import REFERENCE, alone
from lazyadam.suites.run.compared import other

BACKEND = {
    "torch": BACKENDS["torch.SparseAdam"],
    "mindspore": BACKENDS["mindspore.LazyAdam.target_cpu.graph"],
}
ROWS, WIDTH = 12, 4
# Each sample: its tables, by what their names begin with, and how many ids of each the batches have. None:
# the batch does not look the table up, and torch counts no step of it; 0: it does, without ids.
TABLES: dict[str, dict[str, tuple[int | None, ...]]] = {
    "embedding": {"": (8, 0, 3, 8, 0, 12, 1, 0, 5, 0)},
    "two_tables": {
        "users.": (8, 0, 3, 8, 0, 12, 1, None, 5, 0),
        "items.": (4, None, None, 0, 6, None, 9, None, 0, None),
    },
}
GAMMA = {"embedding": 1.0, "two_tables": 0.9}  # of the learning rate, from batch to batch
State = dict[str, np.ndarray]
pytestmark = pytest.mark.xdist_group("migration")


@pytest.fixture(autouse=True)
def frameworks(record_property: Callable[[str, object], None]) -> None:
    """Both are there, or the test compares nothing."""
    for name, backend in BACKEND.items():
        lacking = None if find_spec(name) else f"{name} is not there"
        record_property("lazyadam-result", json.dumps(other(backend.name, lacking)))
        if lacking:
            pytest.skip(lacking)


def batches(sample: str, leg: int) -> State:
    """Ids that repeat, and the factors of a linear loss, which are its gradient."""
    rng = np.random.default_rng(leg)
    drawn: State = {}
    for table, counts in TABLES[sample].items():
        offsets = np.cumsum([0, *(count or 0 for count in counts)])
        drawn |= {
            f"{table}looked_up": np.array([count is not None for count in counts]),
            f"{table}offsets": offsets,
            f"{table}ids": np.minimum(rng.geometric(0.25, offsets[-1]) - 1, ROWS - 1),
            f"{table}factors": rng.standard_normal((offsets[-1], WIDTH)).astype(np.float32),
        }
    return drawn


def start_of(sample: str) -> State:
    rng = np.random.default_rng(0)
    state: State = {}
    for table in TABLES[sample]:
        w = rng.standard_normal((ROWS, WIDTH)).astype(np.float32)
        state |= {f"{table}w": w, f"{table}m": 0 * w, f"{table}v": 0 * w, f"{table}t": np.array(0)}
    return state


def code_of(sample: str, framework: str) -> str:
    return (SAMPLES / f"{sample}_{framework}.py").read_text()


def trained(code: str, start: State, drawn: State, folder: Path) -> State:
    """What a sample ends with."""
    np.savez(folder / "start.npz", **start)
    np.savez(folder / "batches.npz", **drawn)
    end = ran(code, folder, "start.npz", "batches.npz", "end.npz")
    assert end.returncode == 0, end.stderr
    return dict(np.load(folder / "end.npz"))


def allowed(
    framework: str, table: str, start: State, drawn: State, gamma: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """What LazyAdam ends with, how far one may be off that computes as the framework's, and its count."""
    looked_up, offsets = drawn[f"{table}looked_up"], drawn[f"{table}offsets"]
    ids, factors = drawn[f"{table}ids"], drawn[f"{table}factors"].astype(float)
    parts = {int(k): slice(*offsets[k : k + 2]) for k in np.flatnonzero(looked_up)}
    steps = tuple(
        Step((Gradient(factors[part], ids[part]),), changes={"lr": (1e-3 * gamma**k,)})
        for k, part in parts.items()
    )
    parameter, t = Parameter(*(start[f"{table}{x}"].astype(float) for x in "wmv")), int(start[f"{table}t"])
    case = Case("float32", (parameter,), (Group((0,), Hyperparameters()),), steps, (len(steps),), t)
    exact = alone(case).trajectory.w[0][-1]
    rounded = alone(case, REFERENCE, BACKEND[framework].arithmetic, PRECISIONS["float32"])
    return exact, rounded.errors[0][-1] + np.abs(rounded.trajectory.w[0][-1] - exact), t + len(steps)


def off(framework: str, sample: str, start: State, drawn: State, end: State) -> list[str]:
    """The tables of a sample that end beyond what is allowed, or with another step count."""
    found = []
    for table in TABLES[sample]:
        exact, bound, t = allowed(framework, table, start, drawn, GAMMA[sample])
        distance = np.abs(end[f"{table}w"] - exact)
        if (distance > bound).any() or int(end[f"{table}t"]) != t:
            found.append(f"{table}w: {distance.max():.3g} off, t = {end[f'{table}t']}, but should be {t}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("sample", TABLES)
def test_training_goes_on_in_the_other_framework_and_back(
    sample: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """With batches of different lengths, without ids, and, of two tables, that look up one or none."""
    state = start_of(sample)
    for leg, framework in enumerate(("torch", "mindspore", "torch")):
        drawn = batches(sample, leg)
        end = trained(code_of(sample, framework), state, drawn, tmp_path)
        assert off(framework, sample, state, drawn, end) == [], framework
        state = end
    for framework in BACKEND:
        file = pytestconfig.getoption("--out") / "samples" / f"{sample}_{framework}.py"
        write_text(code_of(sample, framework), file)


@pytest.mark.parametrize("sample", TABLES)
def test_a_step_that_is_not_counted_is_beyond_what_is_allowed(sample: str) -> None:
    start, drawn = start_of(sample), batches(sample, 0)
    for table in TABLES[sample]:
        with_ids = np.diff(drawn[f"{table}offsets"]) > 0
        exact, bound, t = allowed("mindspore", table, start, drawn, GAMMA[sample])
        fewer_drawn = drawn | {f"{table}looked_up": with_ids}
        skipped, _, fewer = allowed("mindspore", table, start, fewer_drawn, GAMMA[sample])
        assert (np.abs(skipped - exact) > bound).any()
        assert fewer < t


@pytest.mark.parametrize("sample", TABLES)
def test_a_sample_whose_target_is_not_assigned_says_so(sample: str, tmp_path: Path) -> None:
    code = code_of(sample, "mindspore").replace('optimizer.target = "CPU"\n', "pass\n")
    np.savez(tmp_path / "start.npz", **start_of(sample))
    np.savez(tmp_path / "batches.npz", **batches(sample, 0))
    end = ran(code, tmp_path, "start.npz", "batches.npz", "end.npz")
    assert end.returncode == 1
    assert 'optimizer.target = "CPU" has to be assigned, whatever it reads' in end.stderr.splitlines()[-1]
