"""Checkpoints of torch: {"model": its state_dict, "optimizers": {name: state_dict}}, or one "optimizer"."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.errors import in_a_line
from lazyadam.suites.cases.checkpoint import Checkpoint, CheckpointError, Held, Optimizer

REFUSED = {
    "amsgrad": "amsgrad: a maximum of the second moment has no place there",
    "decoupled_weight_decay": "decoupled_weight_decay: the decay there joins the gradient",
    "maximize": "maximize has no counterpart there",
}
STATE = ("step", "exp_avg", "exp_avg_sq")


def read(path: Path) -> Checkpoint:
    """What a checkpoint has.

    Raises:
        CheckpointError: it can't be read, or has what can't be carried.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of a zip file, a pickle, or whatever else it is
        why = in_a_line(error).partition(". ")[0][:160]  # then come pages of advice
        raise CheckpointError(f"{path}: torch can't load it ({type(error).__name__}: {why})") from None
    if not isinstance(saved, dict) or not isinstance(saved.get("model"), dict):
        raise CheckpointError(f'{path}: no {{"model": …, "optimizers": …}} of state_dicts')
    states = saved.get("optimizers", {"optimizer": saved.get("optimizer")})
    if not isinstance(states, dict) or not all(isinstance(x, dict) and "state" in x for x in states.values()):
        raise CheckpointError(f"{path}: optimizers is no dictionary of state_dicts by name")
    try:
        optimizers = tuple(_optimizer(str(name), state, saved["model"]) for name, state in states.items())
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    theirs = {x.name for o in optimizers for x in o.held}
    return Checkpoint(optimizers, {k: _numbers(x) for k, x in saved["model"].items() if k not in theirs})


def _optimizer(name: str, state: Mapping[str, Any], model: Mapping[str, torch.Tensor]) -> Optimizer:
    held = []
    groups = state["param_groups"]
    for group in groups:
        for key, why in REFUSED.items():
            if group.get(key):
                raise CheckpointError(f"{name}: {why}")
    names = _names(name, groups, state["state"], model)
    for at, group in enumerate(groups):
        for number in group["params"]:
            w = _numbers(model[names[number]])
            of = state["state"].get(number)
            if of is None:  # it had no gradient yet
                held.append(Held(names[number], w, 0 * w, 0 * w, 0, _hyperparameters(group), at))
                continue
            if lacking := [key for key in STATE if key not in of]:
                raise CheckpointError(f"{name}: {names[number]} has no {', '.join(lacking)}")
            m, v = (_numbers(of[key]) for key in STATE[1:])
            held.append(Held(names[number], w, m, v, int(of["step"]), _hyperparameters(group), at))
    rest = tuple(
        {key: x for key, x in group.items() if key not in ("params", "param_names")} for group in groups
    )
    return Optimizer(name, "amsgrad" not in groups[0], tuple(held), rest)


def _names(
    name: str,
    groups: Sequence[Mapping[str, Any]],
    states: Mapping[int, Any],
    model: Mapping[str, torch.Tensor],
) -> dict[int, str]:
    """The name of each parameter: the optimizer's own, or the only one of its shape in the model."""
    found = {}
    for group in groups:
        for i, number in enumerate(group["params"]):
            if "param_names" in group:
                found[number] = group["param_names"][i]
                if found[number] not in model:
                    ends = [x for x in model if x.endswith(f".{found[number]}")]
                    hint = f", but {ends[0]}: name them as the whole model does" if ends else ""
                    raise CheckpointError(f"{name}: the model has no {found[number]}{hint}")
            else:
                shape = getattr(states.get(number, {}).get("exp_avg"), "shape", None)
                alike = [key for key, tensor in model.items() if tensor.shape == shape]
                if len(alike) != 1:
                    what = (
                        f"{len(alike)} of its shape in the model"
                        if alike
                        else "none of its shape in the model"
                    )
                    raise CheckpointError(
                        f"{name}: parameter {number} has no name, and there are {what}; give the optimizer "
                        "model.named_parameters()"
                    )
                found[number] = alike[0]
    return found


def _numbers(x: torch.Tensor) -> np.ndarray:
    return np.array(x.detach().cpu().numpy())


def _hyperparameters(group: Mapping[str, Any]) -> Hyperparameters:
    beta1, beta2 = group["betas"]
    return Hyperparameters(
        lr=float(group["lr"]),
        beta1=float(beta1),
        beta2=float(beta2),
        epsilon=float(group["eps"]),
        weight_decay=float(group.get("weight_decay", 0.0)),
    )


def write(checkpoint: Checkpoint, path: Path) -> None:
    """A file of it: torch loads its parts into model and optimizers of the same parameters."""
    theirs = {x.name: x.w for o in checkpoint.optimizers for x in o.held}
    model = {name: torch.from_numpy(np.array(x)) for name, x in (theirs | {**checkpoint.rest}).items()}
    saved = {"model": model, "optimizers": {o.name: _state(o) for o in checkpoint.optimizers}}
    part = path.with_name(path.name + ".part")
    torch.save(saved, part)
    part.replace(path)


def _state(optimizer: Optimizer) -> dict[str, Any]:
    groups, state = [], {}
    for at, settings in enumerate(optimizer.groups):
        of_it = [(i, x) for i, x in enumerate(optimizer.held) if x.group == at]
        changed: dict[str, Any] = {"betas": tuple(settings["betas"])}
        if of_it:  # the rate may have gone on there
            changed["lr"] = of_it[0][1].hyperparameters.lr
        names = {"param_names": [x.name for _, x in of_it], "params": [i for i, _ in of_it]}
        groups.append({**settings, **changed, **names})
    for i, x in enumerate(optimizer.held):
        step: Any = x.t if optimizer.lazy else torch.tensor(float(x.t))
        moments = {"exp_avg": torch.from_numpy(x.m), "exp_avg_sq": torch.from_numpy(x.v)}
        state[i] = {"step": step, **moments}
    return {"state": state, "param_groups": groups}
