"""Checkpoints carried from torch to MindSpore and back: every bit, and a training that goes on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lazyadam.reference.dialect import Arithmetic, Dialect, Power, Storage
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.instrument.carried import IDS, TABLES, WIDTH, trained
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.judge.alone import alone


def differences(x: Any, y: Any, at: str = "") -> list[str]:
    """Where two states differ, in a bit or in a type."""
    if isinstance(x, dict):
        apart = [f"{at}: {sorted(map(str, x.keys() ^ y.keys()))}"] if x.keys() != y.keys() else []
        return apart + [line for k in x.keys() & y.keys() for line in differences(x[k], y[k], f"{at}.{k}")]
    if isinstance(x, list | tuple):
        return [line for i, j in zip(x, y, strict=True) for line in differences(i, j, f"{at}[]")]
    if isinstance(x, torch.Tensor):
        return [] if x.dtype == y.dtype and torch.equal(x, y) else [at]
    return [] if type(x) is type(y) and x == y else [at]


def test_a_checkpoint_there_and_back_is_the_same_in_every_bit(tmp_path: Path) -> None:
    saved = trained(tmp_path / "run.pt")
    ran = lazyadam("carry", tmp_path / "run.pt", f"--out={tmp_path / 'there'}")
    assert ran.returncode == 0, ran.stderr
    assert "nn.LazyAdam(…, beta1=0.9, beta2=0.999, eps=1e-08" in ran.stdout
    assert "user.weight is user.embedding_table" in ran.stdout
    files = {path.name for path in (tmp_path / "there").iterdir()}
    assert files == {"carried.json", "tables.ckpt", "tower.ckpt", "rest.ckpt"}
    ran = lazyadam("carry", tmp_path / "there", f"--out={tmp_path / 'back'}")
    assert ran.returncode == 0, ran.stderr
    assert differences(saved, torch.load(tmp_path / "back" / "checkpoint.pt")) == []


@pytest.mark.parametrize("rates", [(0.01, 0.01), (0.01, 0.02, 0.01)])
def test_groups_and_what_a_scheduler_keeps_in_them_are_there_again(
    rates: tuple[float, ...], tmp_path: Path
) -> None:
    """Groups of one learning rate stay apart: torch refuses a state of fewer."""
    tables = [torch.nn.Parameter(torch.ones(4, 2)) for _ in rates]
    groups = [
        {"params": [(f"{i}.weight", p)], "lr": lr}
        for i, (p, lr) in enumerate(zip(tables, rates, strict=True))
    ]
    optimizer = torch.optim.SparseAdam(groups)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for _ in range(2):
        for p in tables:
            p.grad = torch.sparse_coo_tensor([[1, 2]], torch.ones(2, 2), p.shape)
        optimizer.step()
        scheduler.step()
    saved = {
        "model": {f"{i}.weight": p.detach() for i, p in enumerate(tables)},
        "optimizers": {"tables": optimizer.state_dict()},
    }
    torch.save(saved, tmp_path / "run.pt")
    assert lazyadam("carry", tmp_path / "run.pt", f"--out={tmp_path / 'there'}").returncode == 0
    assert lazyadam("carry", tmp_path / "there", f"--out={tmp_path / 'back'}").returncode == 0
    back = torch.load(tmp_path / "back" / "checkpoint.pt")
    assert differences(saved, back) == []
    optimizer.load_state_dict(back["optimizers"]["tables"])
    torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10, last_epoch=2)


def test_names_of_normalizing_layers_are_mindspores(tmp_path: Path) -> None:
    norm, act = torch.nn.BatchNorm1d(3), torch.nn.PReLU(3)
    parameters = [(f"norm.{name}", p) for name, p in norm.named_parameters()]
    optimizer = torch.optim.Adam([*parameters, ("act.weight", act.weight)])
    act(norm(torch.randn(5, 3))).sum().backward()
    optimizer.step()
    model = {f"norm.{name}": x for name, x in norm.state_dict().items()}
    model["act.weight"] = act.weight.detach()
    torch.save({"model": model, "optimizer": optimizer.state_dict()}, tmp_path / "run.pt")
    ran = lazyadam("carry", tmp_path / "run.pt", f"--out={tmp_path / 'there'}")
    assert ran.returncode == 0, ran.stderr
    for line in (
        "norm.weight is norm.gamma",
        "norm.bias is norm.beta",
        "norm.moving_mean, norm.moving_variance",
    ):
        assert line in ran.stdout
    assert "act.gamma" not in ran.stdout  # what has no bias does not normalize


def test_names_are_proposed_and_taken_from_a_file(tmp_path: Path) -> None:
    trained(tmp_path / "run.pt")
    (tmp_path / "names.json").write_text(json.dumps({"user.weight": "net.people"}))
    named = (
        "carry",
        tmp_path / "run.pt",
        f"--names={tmp_path / 'names.json'}",
        f"--out={tmp_path / 'there'}",
    )
    ran = lazyadam(*named)
    assert ran.returncode == 0, ran.stderr
    assert "user.weight is net.people\n  item.weight is item.embedding_table" in ran.stdout
    for names, words in (
        ('{"usr.weight": "x"}', "the checkpoint has no usr.weight"),
        ('{"user.weight": "item.embedding_table"}', "two parameters would be item.embedding_table there"),
        ('{"user.weight": 7}', "7 is no name"),
        ("[]", "no JSON object"),
    ):
        (tmp_path / "names.json").write_text(names)
        ran = lazyadam(*named)
        assert ran.returncode == 2
        assert words in ran.stderr


GOES_ON = """
import sys
import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

ms.set_context(mode=ms.GRAPH_MODE)
folder, gradients, end = sys.argv[1:]
given, ended = np.load(gradients), {}
for name, rows in (("user", 40), ("item", 30)):
    layer = nn.EmbeddingLookup(rows, 4, target="CPU", sparse=True)
    table = layer.embedding_table
    table.name = f"{name}.embedding_table"
    optimizer = nn.LazyAdam([table], learning_rate=1.0)
    optimizer.target = "CPU"
    saved = ms.load_checkpoint(f"{folder}/tables.ckpt")
    missing, _ = ms.load_param_into_net(optimizer, saved)
    assert not missing, missing

    class Loss(nn.Cell):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def construct(self, ids, factors):
            return (self.layer(ids) * factors).sum()

    step = nn.TrainOneStepCell(Loss(layer), optimizer)
    for k in range(10):
        step(Tensor(given[f"{name}.ids"][k].astype(np.int32)), Tensor(given[f"{name}.values"][k]))
    ended[name] = table.asnumpy()
np.savez(end, **ended)
"""


def test_training_goes_on_there_within_the_bound_of_the_one_that_stays(tmp_path: Path) -> None:
    saved = trained(tmp_path / "run.pt")
    ran = lazyadam("carry", tmp_path / "run.pt", f"--out={tmp_path / 'there'}")
    assert ran.returncode == 0, ran.stderr
    rng, given = np.random.default_rng(3), {}
    for name, rows in TABLES.items():
        given[f"{name}.ids"] = rng.integers(rows, size=(10, IDS))
        given[f"{name}.values"] = rng.standard_normal((10, IDS, WIDTH)).astype(np.float32)
    np.savez(tmp_path / "gradients.npz", **given)
    (tmp_path / "goes_on.py").write_text(GOES_ON)  # MindSpore compiles from the source, and has to find it
    files = (tmp_path / x for x in ("goes_on.py", "there", "gradients.npz", "end.npz"))
    command = [sys.executable, *map(str, files)]
    subprocess.run(command, check=True, capture_output=True)
    ended = np.load(tmp_path / "end.npz")
    tables = {name: saved["model"][f"{name}.weight"].clone().requires_grad_() for name in TABLES}
    stays = torch.optim.SparseAdam([(f"{name}.weight", p) for name, p in tables.items()], lr=0.01)
    stays.load_state_dict(saved["optimizers"]["tables"])
    for k in range(10):
        for name, p in tables.items():
            rows, values = (torch.from_numpy(given[f"{name}.{x}"][k]) for x in ("ids", "values"))
            p.grad = torch.sparse_coo_tensor(rows[None], values, p.shape)
        stays.step()
    for i, (name, p) in enumerate(tables.items()):
        state = saved["optimizers"]["tables"]["state"][i]
        kept = (saved["model"][f"{name}.weight"], state["exp_avg"], state["exp_avg_sq"])
        start = [x.double().numpy() for x in kept]
        steps = tuple(
            Step((Gradient(given[f"{name}.values"][k].astype(np.float64), given[f"{name}.ids"][k]),))
            for k in range(10)
        )
        groups = (Group((0,), Hyperparameters(lr=0.01)),)
        case = Case("float32", (Parameter(*start),), groups, steps, (10,), t=7)
        float32 = Arithmetic(Storage.FLOAT32, Power.FLOAT32_PRODUCT)
        ours, theirs = (alone(case, Dialect(), x, PRECISIONS["float32"]) for x in (Arithmetic(), float32))
        far = np.abs(ended[name] - p.detach().numpy())
        bound = ours.errors[0][0] + theirs.errors[0][0]
        bound += np.abs(ours.trajectory.w[0][0] - theirs.trajectory.w[0][0])
        assert (far <= bound).all()
        moved = np.abs(ended[name] - start[0]).max()
        assert moved > 100 * bound.max()  # else it would say nothing
