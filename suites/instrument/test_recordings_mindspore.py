"""Trainings in MindSpore, recorded: in a compiled step, and where gradient and step are separate calls."""

import subprocess
import sys
from pathlib import Path

import pytest

from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.recorded import recorded

IN_MINDSPORE = """
import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

from lazyadam.suites.backends.mindspore.recorder import RecordingStep

ms.set_context(mode=ms.GRAPH_MODE)


class Loss(nn.Cell):
    def __init__(self, user, item, tower):
        super().__init__()
        self.user, self.item, self.tower = user, item, tower

    def construct(self, i, j, factors):
        return (self.tower(self.user(i) + self.item(j)) * factors).sum()


folder, target = sys.argv[1:]
layers = [nn.EmbeddingLookup(rows, 4, target="CPU", sparse=True) for rows in (20, 6)]
loss = Loss(*layers, nn.Dense(4, 4))
optimizer = nn.LazyAdam(loss.trainable_params(), learning_rate=[0.01 * (k + 1) for k in range(12)])
if target == "CPU":
    optimizer.target = "CPU"
step = RecordingStep(loss, optimizer, folder, first=2)
rng = np.random.default_rng(0)
for k in range(12):
    ids = (Tensor(rng.integers(rows, size=8).astype(np.int32)) for rows in (20, 6))
    step(*ids, Tensor(rng.standard_normal((8, 4)).astype(np.float32)))
"""


@pytest.mark.parametrize(
    ("target", "documented"), [("default", "duplicates: scattered; epsilon: beside_root"), ("CPU", "epsilon")]
)
def test_a_training_in_mindspore_is_recorded_in_its_compiled_step(
    target: str, documented: str, tmp_path: Path
) -> None:
    """Tables by their rows, a dense layer beside them, from the second step on; what it speaks is known."""
    (tmp_path / "train.py").write_text(IN_MINDSPORE)
    command = [sys.executable, str(tmp_path / "train.py"), str(tmp_path / "run"), target]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    found = recorded(tmp_path / "run")
    assert [step.number for step in found] == [*range(2, 13)]
    assert [x.t for x in found[0].taken] == [(1, 2)] * 4
    assert [x.gradient.rows is None for x in found[0].taken if x.gradient] == [False, False, True, True]
    assert [round(step.taken[0].hyperparameters.lr, 6) for step in found[:2]] == [0.02, 0.03]
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stdout
    assert f"against documented: diverges ({documented}" in ran.stdout
    assert "against explained: conforms" in ran.stdout


IN_PYNATIVE = """
import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

from lazyadam.suites.backends.mindspore.recorder import RecordingOptimizer

ms.set_context(mode=ms.PYNATIVE_MODE)
net = nn.SequentialCell(nn.Embedding(20, 4), nn.Dense(4, 4))
parameters = list(net.trainable_params())
if sys.argv[2] == "amsgrad":
    optimizer = nn.Adam(parameters, learning_rate=0.01, use_amsgrad=True)
else:
    optimizer = nn.LazyAdam(parameters, learning_rate=0.01)
if sys.argv[2] == "CPU":
    optimizer.target = "CPU"
optimizer = RecordingOptimizer(optimizer, sys.argv[1], steps=5)
loss_and_gradients = ms.value_and_grad(lambda ids: (net(ids) ** 2).sum(), None, parameters)
rng = np.random.default_rng(0)
for k in range(6):
    ids = rng.integers(20, size=8).astype(np.int32)
    loss, gradients = loss_and_gradients(Tensor(ids))
    optimizer(gradients)
"""


@pytest.mark.parametrize("target", ["default", "CPU", "amsgrad"])
def test_a_training_in_mindspore_is_recorded_where_gradient_and_step_are_separate_calls(
    target: str, tmp_path: Path
) -> None:
    """As in PyNative mode, where gradients are dense (2.10)."""
    (tmp_path / "train.py").write_text(IN_PYNATIVE)
    command = [sys.executable, str(tmp_path / "train.py"), str(tmp_path / "run"), target]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    found = recorded(tmp_path / "run")
    assert [x.t for x in found[-1].taken] == [(4, 5)] * 3
    assert all(x.gradient and x.gradient.rows is None for step in found for x in step.taken)
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stdout
    assert "against documented: diverges (epsilon: beside_root" in ran.stdout
    assert "against explained: conforms" in ran.stdout
    largest = "against reference: diverges (maximum: of_stored" in ran.stdout
    assert largest == all(len(x.before) == 4 for step in found for x in step.taken) == (target == "amsgrad")
