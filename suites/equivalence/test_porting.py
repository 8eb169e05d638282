"""What the migration page warns of, seen in MindSpore: targets, tables, layers, rates, empty batches."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.equivalence.lab import ran
from lazyadam.suites.run.compared import other

BACKEND = BACKENDS["mindspore.LazyAdam.target_cpu.graph"]
pytestmark = pytest.mark.xdist_group("migration")
HEAD = """
import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

ms.set_context(mode=ms.GRAPH_MODE)


class Loss(nn.Cell):
    def __init__(self):
        super().__init__()
"""
# Rows that repeat, with the target assigned before the first step, after it, and never.
LATE = (
    HEAD
    + """\
        self.layer = nn.EmbeddingLookup(3, 2, param_init="ones", target="CPU", sparse=True)

    def construct(self, ids):
        return self.layer(ids).sum()


seen = {}
for assigned in (0, 1, 9):
    net = Loss()
    optimizer = nn.LazyAdam(net.trainable_params(), learning_rate=0.1)
    step = nn.TrainOneStepCell(net, optimizer)
    for k in range(3):
        if k == assigned:
            assert optimizer.target == "CPU"
            optimizer.target = "CPU"
        step(Tensor([0, 1, 1], ms.int32))
    seen[f"before_{assigned}"] = net.trainable_params()[0].asnumpy()
np.savez("end.npz", **seen)
"""
)
# What a single LazyAdam does with a table that a batch does not look up: its rows before and after the batch.
ONE_OPTIMIZER = (
    HEAD
    + """\
        self.users = nn.EmbeddingLookup(3, 2, param_init="ones", target="CPU", sparse=True)
        self.items = nn.EmbeddingLookup(3, 2, param_init="ones", target="CPU", sparse=True)

    def construct(self, ids, both):
        loss = self.users(ids).sum()
        if both:
            loss = loss + self.items(ids).sum()
        return loss


net = Loss()
optimizer = nn.LazyAdam(net.trainable_params(), learning_rate=0.1)
optimizer.target = "CPU"
step = nn.TrainOneStepCell(net, optimizer)
seen = []
for both in (True, False):
    step(Tensor([0, 1], ms.int32), both)
    seen.append([x[1].asnumpy().copy() for x in (optimizer.parameters, optimizer.moment1, optimizer.moment2)])
np.savez("end.npz", before=seen[0], after=seen[1], t=optimizer.global_step.asnumpy())
"""
)


# Two layers, on either target: a row that only the first batch looks up, and then a batch without ids.
LAYERS = (
    HEAD.replace("__init__(self)", "__init__(self, layer)")
    + """\
        self.layer = layer

    def construct(self, ids):
        return self.layer(ids).sum()


moved, refused = [], []
for target in ("CPU", ""):
    for layer in (
        nn.EmbeddingLookup(3, 2, param_init="ones", target="CPU", sparse=True),
        nn.Embedding(3, 2, embedding_table="ones"),
    ):
        net = Loss(layer)
        optimizer = nn.LazyAdam(net.trainable_params(), learning_rate=0.1)
        if target:
            optimizer.target = target
        step = nn.TrainOneStepCell(net, optimizer)
        step.set_inputs(Tensor(shape=[None], dtype=ms.int32))
        step(Tensor([0, 1], ms.int32))
        before = net.trainable_params()[0].asnumpy().copy()
        step(Tensor([1], ms.int32))
        moved.append(bool((net.trainable_params()[0].asnumpy() != before)[0].any()))
        for ids in ([], [1]):
            try:
                step(Tensor(np.array(ids, np.int32)))
                refused.append(False)
            except (RuntimeError, ValueError):
                refused.append(True)
np.savez("end.npz", moved=moved, refused=refused)
"""
)
# The third batch of a table that the second leaves out: by a list of rates, a schedule, and a rate assigned.
SCHEDULED = (
    HEAD
    + """\
        self.layer = nn.EmbeddingLookup(3, 2, param_init="ones", target="CPU", sparse=True)

    def construct(self, ids):
        return self.layer(ids).sum()


moved, halved = {}, [0.1, 0.05, 0.025]
schedule = nn.ExponentialDecayLR(0.1, decay_rate=0.5, decay_steps=1)
for name, rate in (("list", halved), ("schedule", schedule), ("assigned", 0.1)):
    net = Loss()
    optimizer = nn.LazyAdam(net.trainable_params(), learning_rate=rate)
    optimizer.target = "CPU"
    step = nn.TrainOneStepCell(net, optimizer)
    for k in (0, 2):
        if name == "assigned":
            ms.ops.assign(optimizer.learning_rate, Tensor(halved[k], ms.float32))
        before = net.trainable_params()[0].asnumpy().copy()
        step(Tensor([0], ms.int32))
    moved[name] = (before - net.trainable_params()[0].asnumpy())[0, 0]
np.savez("end.npz", **moved)
"""
)


@pytest.fixture(autouse=True)
def framework(record_property: Callable[[str, object], None]) -> None:
    """It is there, or the test sees nothing."""
    lacking = None if find_spec("mindspore") else "mindspore is not there"
    record_property("lazyadam-result", json.dumps(other(BACKEND.name, lacking)))
    if lacking:
        pytest.skip(lacking)


def test_one_lazy_adam_moves_a_table_that_a_batch_does_not_look_up(tmp_path: Path) -> None:
    """By its moments, as Adam does with a dense gradient of zeros; torch leaves it as it is."""
    end = ran(ONE_OPTIMIZER, tmp_path)
    assert end.returncode == 0, end.stderr
    seen = np.load(tmp_path / "end.npz")
    (w, m, v), (moved, decayed, _) = seen["before"], seen["after"]
    assert seen["t"] == 2
    assert (decayed == np.float32(0.9) * m).all()
    assert (moved[:2] < w[:2] - 0.05).all()
    assert (moved[2] == w[2]).all(), "a row that no batch has named has no moments"
    assert v[:2].all()


def test_a_target_assigned_after_the_first_step_changes_nothing(tmp_path: Path) -> None:
    end = ran(LATE, tmp_path)
    assert end.returncode == 0, end.stderr
    seen = np.load(tmp_path / "end.npz")
    assert (seen["before_1"] == seen["before_9"]).all()
    assert (np.abs(seen["before_0"] - seen["before_9"])[1] > 0.1).all(), "assigned in time it does"


def test_a_list_of_rates_and_a_schedule_follow_the_count_of_their_own_optimizer(tmp_path: Path) -> None:
    """And not the batches, where a table was left out: torch's third rate needs to be assigned."""
    end = ran(SCHEDULED, tmp_path)
    assert end.returncode == 0, end.stderr
    moved = {name: float(x) for name, x in np.load(tmp_path / "end.npz").items()}
    assert moved == pytest.approx({"list": 0.05, "schedule": 0.05, "assigned": 0.025}, rel=1e-3)


def test_a_dense_layer_moves_rows_that_are_not_looked_up_and_no_layer_takes_a_batch_without_ids(
    tmp_path: Path,
) -> None:
    end = ran(LAYERS, tmp_path)
    assert end.returncode == 0, end.stderr
    seen = np.load(tmp_path / "end.npz")
    assert seen["moved"].tolist() == [False, True] * 2, "EmbeddingLookup leaves them, Embedding does not"
    assert seen["refused"].all(), "the batch without ids, and the one after it"
