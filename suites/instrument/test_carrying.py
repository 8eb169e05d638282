"""Checkpoints carried from torch to MindSpore and back: every bit, or one line and no file."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lazyadam.reference.dialect import Arithmetic, Dialect, Power, Storage
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.judge.alone import alone

TABLES, WIDTH, IDS = {"user": 40, "item": 30}, 4, 12


def trained(path: Path, steps: int = 7) -> dict[str, Any]:
    """A checkpoint of two tables and a tower, after some steps."""
    torch.manual_seed(0)
    model = torch.nn.ModuleDict(
        {name: torch.nn.Embedding(n, WIDTH, sparse=True) for name, n in TABLES.items()}
    )
    model["tower"] = torch.nn.Linear(2 * WIDTH, 1)
    model["norm"] = torch.nn.BatchNorm1d(2 * WIDTH, affine=False)
    named = dict(model.named_parameters())
    tower = [(name, p) for name, p in named.items() if "tower" in name]
    optimizers = {
        "tables": torch.optim.SparseAdam([x for x in named.items() if "tower" not in x[0]], lr=0.01),
        "tower": torch.optim.Adam(
            [{"params": tower[:1], "lr": 0.02}, {"params": tower[1:], "lr": 0.03}], weight_decay=0.1
        ),
    }
    for _ in range(steps):
        ids = [torch.randint(n, (IDS,)) for n in TABLES.values()]
        looked_up = torch.cat([model[name](x) for name, x in zip(TABLES, ids, strict=True)], dim=1)
        loss = (model["tower"](model["norm"](looked_up)) ** 2).mean()
        for each in optimizers.values():
            each.zero_grad()
        loss.backward()
        for each in optimizers.values():
            each.step()
    saved = {"model": model.state_dict(), "optimizers": {k: x.state_dict() for k, x in optimizers.items()}}
    torch.save(saved, path)
    return saved


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
    norm = torch.nn.BatchNorm1d(3)
    optimizer = torch.optim.Adam([(f"norm.{name}", p) for name, p in norm.named_parameters()])
    norm(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    model = {f"norm.{name}": x for name, x in norm.state_dict().items()}
    torch.save({"model": model, "optimizer": optimizer.state_dict()}, tmp_path / "run.pt")
    ran = lazyadam("carry", tmp_path / "run.pt", f"--out={tmp_path / 'there'}")
    assert ran.returncode == 0, ran.stderr
    for line in (
        "norm.weight is norm.gamma",
        "norm.bias is norm.beta",
        "norm.moving_mean, norm.moving_variance",
    ):
        assert line in ran.stdout


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


def first(saved: dict[str, Any]) -> dict[str, Any]:
    """The state of the first table."""
    state: dict[str, Any] = saved["optimizers"]["tables"]["state"][0]
    return state


def group(saved: dict[str, Any], name: str) -> dict[str, Any]:
    """The first group of an optimizer."""
    found: dict[str, Any] = saved["optimizers"][name]["param_groups"][0]
    return found


def _set(state: dict[str, Any], **values: Any) -> None:
    state.update(values)


SPOILT: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a missing moment": (lambda s: first(s).pop("exp_avg_sq"), "tables: user.weight has no exp_avg_sq"),
    "another shape": (
        lambda s: _set(first(s), exp_avg=torch.zeros(40, 3)),
        "m has the shape [40, 3], w [40, 4]",
    ),
    "another type": (
        lambda s: _set(first(s), exp_avg=torch.zeros(40, 4).double()),
        "m is float64, w float32",
    ),
    "a NaN": (lambda s: first(s)["exp_avg_sq"].view(-1)[3:4].fill_(float("nan")), "user.weight: v has NaN"),
    "an infinite weight": (lambda s: s["model"]["user.weight"][0].fill_(float("inf")), "w has infinities"),
    "a negative v": (lambda s: first(s)["exp_avg_sq"][0].fill_(-1), "user.weight: v is negative"),
    "moments without a step": (lambda s: _set(first(s), step=0), "step 0, but its moments are there"),
    "the state of SGD": (
        lambda s: s["optimizers"]["tables"]["state"].update({0: {"momentum_buffer": torch.zeros(40, 4)}}),
        "user.weight has no step, exp_avg, exp_avg_sq",
    ),
    "a name twice": (
        lambda s: group(s, "tables").update(param_names=["user.weight"] * 2),
        "user.weight is there twice",
    ),
    "a name that is not there": (
        lambda s: group(s, "tables").update(param_names=["usr.weight", "item.weight"]),
        "the model has no usr.weight",
    ),
    "amsgrad": (lambda s: group(s, "tower").update(amsgrad=True), "tower: amsgrad"),
    "a group's own β": (
        lambda s: group(s, "tower").update(betas=(0.8, 0.9)),
        "tower: beta1 differs between groups",
    ),
    "step counts": (
        lambda s: _set(first(s), step=3),
        "with 7 user.weight after 3 steps: its next step would be 15% off; --one-step-count takes it",
    ),
    "no optimizer": (lambda s: s.pop("optimizers"), "optimizers is no dictionary of state_dicts"),
    "no model": (lambda s: s.pop("model"), 'no {"model": …'),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_checkpoint_that_does_not_carry_is_a_line_and_no_file(kind: str, tmp_path: Path) -> None:
    saved = trained(tmp_path / "run.pt")
    spoil, words = SPOILT[kind]
    spoil(saved)
    torch.save(saved, tmp_path / "run.pt")
    ran = lazyadam("carry", tmp_path / "run.pt", f"--out={tmp_path / 'there'}")
    assert ran.returncode == 2, ran.stdout
    (line,) = ran.stderr.splitlines()
    assert words in line
    assert not (tmp_path / "there").exists()


def test_files_that_are_cut_are_lines_and_no_file(tmp_path: Path) -> None:
    trained(tmp_path / "run.pt")
    assert lazyadam("carry", tmp_path / "run.pt", f"--out={tmp_path / 'there'}").returncode == 0
    for source, file, words in (
        (tmp_path / "run.pt", tmp_path / "run.pt", "torch can't load it"),
        (tmp_path / "there", tmp_path / "there" / "tower.ckpt", "MindSpore can't load it"),
        (tmp_path / "there", tmp_path / "there" / "carried.json", "carried.json: "),
    ):
        file.write_bytes(file.read_bytes()[:-40])
        ran = lazyadam("carry", source, f"--out={tmp_path / 'other'}")
        assert ran.returncode == 2
        assert words in ran.stderr.splitlines()[-1]
        assert not (tmp_path / "other").exists()


def test_one_step_count_is_taken_where_that_is_asked_with_what_it_makes(tmp_path: Path) -> None:
    saved = trained(tmp_path / "run.pt")
    first(saved)["step"] = 3
    torch.save(saved, tmp_path / "run.pt")
    ran = lazyadam("carry", tmp_path / "run.pt", "--one-step-count", f"--out={tmp_path / 'there'}")
    assert ran.returncode == 0, ran.stderr
    assert "user.weight after 3 steps: its next step would be 15% off" in ran.stdout
