"""A training in both frameworks on the same batches, in closed loop, beside what a recording predicts."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lazyadam.suites.backends.recorded import of_recording
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.torch import recommend
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.cases.recording import header, steps
from lazyadam.suites.recordings.moving import ALL, by_reference, moved, trainings

torch.set_num_threads(1)
pytestmark = pytest.mark.slow
Tables = dict[str, np.ndarray]
TARGETS = {"default": "mindspore.LazyAdam.default.graph", "CPU": "mindspore.LazyAdam.target_cpu.graph"}


class EpsilonBesideRoot(torch.optim.Optimizer):  # type: ignore[misc]
    """torch's Adam but for the place of ε, which is MindSpore's."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, {"lr": lr, "betas": (0.9, 0.999), "eps": 1e-8})

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
                state["step"] += 1
                m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
                m.lerp_(p.grad, 1 - beta1)
                v.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                size = group["lr"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
                p.sub_(size * m / (v.sqrt() + group["eps"]))


@cache
def start() -> Tables:
    tables, tower = recommend.model()
    return {name: x.weight.detach().numpy().copy() for name, x in tables.items()} | {
        f"tower.{name}": x.numpy().copy() for name, x in tower.state_dict().items()
    }


def ended(folder: Path) -> Tables:
    """The tables at the end of a recorded training."""
    of, tables = header(folder), {name: start()[name].copy() for name in recommend.TABLES}
    for step in steps(folder, of):
        for x in step.taken:
            tables[of.parameters[x.parameter].name.partition(".")[0]][x.rows] = x.after[0]
    return tables


def in_mindspore(target: str, folder: Path) -> Tables:
    """The tables after the same training there."""
    batches = recommend.batches(recommend.STEPS)
    np.savez(folder / "start.npz", **start())
    np.savez(folder / "batches.npz", **{name: np.stack([x[name] for x in batches]) for name in batches[0]})
    script = ROOT / "suites" / "backends" / "mindspore" / "recommend.py"
    files = (folder / "start.npz", folder / "batches.npz", target, folder / "end.npz")
    subprocess.run([sys.executable, script, *map(str, files)], check=True, capture_output=True)
    return dict(np.load(folder / "end.npz"))


def apart(x: Tables, y: Tables) -> float:
    """The largest difference of any table, as a share of how far the weight of it that moved most moved."""
    return max(
        float(np.abs(x[name] - y[name]).max())
        / max(float(np.abs(end[name] - start()[name]).max()) for end in (x, y))
        for name in recommend.TABLES
    )


def test_a_training_moved_to_mindspore_ends_where_the_recording_says_and_why(tmp_path: Path) -> None:
    """With the target CPU only the place of the tower's ε is another; by default repeated rows are, too."""
    recommend.train(tmp_path / "torch")
    recommend.train(tmp_path / "root", of_tower=EpsilonBesideRoot)
    here, as_there = ended(tmp_path / "torch" / "tables"), ended(tmp_path / "root" / "tables")
    there = {target: in_mindspore(target, tmp_path) for target in TARGETS}
    assert apart(as_there, there["CPU"]) < 1e-3
    assert 0.01 < apart(here, there["CPU"]) == pytest.approx(apart(here, as_there), rel=0.01)
    assert apart(here, there["default"]) > 0.5

    of = header(tmp_path / "torch" / "tables")
    ours = of_recording(of)
    for training in trainings(of, list(steps(tmp_path / "torch" / "tables", of))):
        by_itself = by_reference(training, ours)
        predicted = {}
        for target, name in TARGETS.items():
            rows = moved(training, ours.spoken, name, BACKENDS[name].spoken, *by_itself)
            predicted[target] = [row for row in rows if row["part"] == ALL][-1]["share"]
        assert predicted["CPU"] == 0.0
        assert predicted["default"] > 0.5
