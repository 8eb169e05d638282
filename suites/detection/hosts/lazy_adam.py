"""LazyAdam in plain NumPy, after torch.optim: a host for seeded faults, and no part of the suite's judgement.

It shares no code with `reference/`. Everything is computed in the type of the parameter; the scalars of a
step in float64, and rounded where they meet an array.
"""

import math
from typing import Any

import numpy as np


class Parameter:
    """An array, and its gradient: None, an array, or a pair of rows (k,) and values (k, …)."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data
        self.grad: Any = None


class LazyAdam:
    """groups: dictionaries with `params` and any of the hyperparameters below."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        defaults: dict[str, Any] = {
            "lr": 1e-3,
            "betas": (0.9, 0.999),
            "eps": 1e-8,
            "weight_decay": 0.0,
            "loss_scale": 1.0,
            "maximize": False,
            "nesterov": False,
        }
        self.groups = [defaults | group for group in groups]
        self.state: dict[Parameter, dict[str, Any]] = {}

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for group in self.groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p not in self.state:
                    self.state[p] = {"step": 0, "m": np.zeros_like(p.data), "v": np.zeros_like(p.data)}
                state = self.state[p]
                state["step"] += 1
                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)

    def state_dict(self) -> list[dict[str, Any]]:
        """The state of every parameter, in order."""
        return [
            {key: np.copy(x) for key, x in self.state.get(p, {}).items()}
            for group in self.groups
            for p in group["params"]
        ]

    def load_state_dict(self, saved: list[dict[str, Any]]) -> None:
        """Take over a state that `state_dict` gave."""
        params = [p for group in self.groups for p in group["params"]]
        for p, state in zip(params, saved, strict=True):
            if not state:
                self.state.pop(p, None)
            if state:
                self.state[p] = {"step": int(state["step"]), "m": state["m"].copy(), "v": state["v"].copy()}

    def load_learning_rates(self, rates: list[Any]) -> None:
        """Take over the learning rate of every group."""
        for group, lr in zip(self.groups, rates, strict=True):
            group["lr"] = lr


def coalesce(rows: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every row once, in ascending order, with the sum of its values."""
    unique, inverse = np.unique(rows, return_inverse=True)
    total = np.zeros((len(unique), *values.shape[1:]), values.dtype)
    np.add.at(total, inverse, values)
    return unique, total


def lazy_adam(w: np.ndarray, m: np.ndarray, v: np.ndarray, grad: Any, t: int, group: dict[str, Any]) -> None:
    """One step on the rows of the gradient, in place."""
    to = w.dtype.type
    lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]
    if isinstance(grad, tuple):
        rows, g = coalesce(*grad)
    else:
        rows, g = np.arange(len(w)), grad
    if group["maximize"]:
        g = -g
    if group["loss_scale"] != 1:
        g = g / to(group["loss_scale"])
    if group["weight_decay"]:
        g = g + to(group["weight_decay"]) * w[rows]

    m_rows = to(beta1) * m[rows] + to(1 - beta1) * g
    v_rows = to(beta2) * v[rows] + to(1 - beta2) * (g * g)

    correction1 = 1 - beta1**t
    correction2 = 1 - beta2**t
    alpha = lr * math.sqrt(correction2) / correction1
    numerator = m_rows
    if group["nesterov"]:
        numerator = to(beta1) * m_rows + to(1 - beta1) * g
    denominator = np.sqrt(v_rows) + to(eps)
    update = to(alpha) * (numerator / denominator)

    w[rows] -= update
    m[rows] = m_rows
    v[rows] = v_rows
