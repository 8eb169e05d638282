"""Checkpoints of MindSpore: for each optimizer a file, which load_param_into_net(optimizer, …) takes.

nn.LazyAdam and nn.Adam (nn/optim/lazyadam.py, adam.py, optimizer.py, 2.10) hold their parameters by name,
moment1.NAME and moment2.NAME of each, one global_step and one power of each β for all, and a learning rate,
of several groups one each. β and ε are no part of it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mindspore
import numpy as np

from lazyadam.reference.powers import float32_product
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.errors import in_a_line
from lazyadam.suites.cases.checkpoint import REST, Checkpoint, CheckpointError, Held, Optimizer

SUFFIX = ".ckpt"


def write(checkpoint: Checkpoint, folder: Path) -> None:
    """A file for each optimizer, of which each has one step count and one β and ε, and one for the rest."""
    files = {optimizer.name: _arrays(optimizer) for optimizer in checkpoint.optimizers}
    for name, arrays in (files | ({REST: {**checkpoint.rest}} if checkpoint.rest else {})).items():
        path = folder / f"{name}{SUFFIX}"
        named = [{"name": key, "data": mindspore.Tensor(x)} for key, x in arrays.items()]
        mindspore.save_checkpoint(named, str(path))
        path.chmod(0o644)


def _arrays(optimizer: Optimizer) -> dict[str, np.ndarray]:
    h, t = optimizer.held[0].hyperparameters, optimizer.held[0].t
    rates = optimizer.rates().values()
    names = ["learning_rate"] if len(rates) == 1 else [f"learning_rate_group_{i}" for i in range(len(rates))]
    arrays = {"global_step": np.array([t], np.int32)}
    arrays |= {name: np.array(lr, np.float32) for name, lr in zip(names, rates, strict=True)}
    arrays |= {x.name: x.w for x in optimizer.held}
    for name, beta in (("beta1_power", h.beta1), ("beta2_power", h.beta2)):
        arrays[name] = np.array([float32_product(float(np.float32(beta)), t)], np.float32)
    arrays |= {f"moment1.{x.name}": x.m for x in optimizer.held}
    return arrays | {f"moment2.{x.name}": x.v for x in optimizer.held}


def read(folder: Path, settings: Sequence[Mapping[str, Any]]) -> Checkpoint:
    """The optimizers of settings: of each its name, whether it is lazy, and of its parameters name and group.

    Raises:
        CheckpointError: a file can't be read, or lacks something.
    """
    optimizers = tuple(_optimizer(folder / f"{x['name']}{SUFFIX}", x) for x in settings)
    rest = folder / f"{REST}{SUFFIX}"
    return Checkpoint(optimizers, _loaded(rest) if rest.exists() else {})


def _loaded(path: Path) -> dict[str, np.ndarray]:
    try:
        return {name: x.asnumpy() for name, x in mindspore.load_checkpoint(str(path)).items()}
    except Exception as error:
        raise CheckpointError(f"{path}: MindSpore can't load it ({in_a_line(error)})") from None


def _optimizer(path: Path, settings: Mapping[str, Any]) -> Optimizer:
    there, held = _loaded(path), []
    groups = sorted({parameter["group"] for parameter in settings["parameters"]})
    for parameter in settings["parameters"]:
        name = parameter["name"]
        parts = (name, f"moment1.{name}", f"moment2.{name}", "global_step")
        if lacking := [part for part in parts if part not in there]:
            raise CheckpointError(f"{path}: it has no {', '.join(lacking)}")
        w, m, v, step = (there[part] for part in parts)
        rates = [
            there[x]
            for x in ("learning_rate", f"learning_rate_group_{groups.index(parameter['group'])}")
            if x in there
        ]
        h = Hyperparameters(**parameter["hyperparameters"])
        if rates and np.float32(h.lr) != np.float32(rates[0]):  # it went on there, by a schedule
            h = Hyperparameters(**{**parameter["hyperparameters"], "lr": float(rates[0])})
        held.append(Held(name, w, m, v, int(step.reshape(-1)[0]), h, parameter["group"]))
    return Optimizer(settings["name"], settings["lazy"], tuple(held), tuple(settings["groups"]))
