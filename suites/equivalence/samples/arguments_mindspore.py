"""The arguments of LazyAdam with their defaults, and what its parameter groups and its lr take, as JSON."""

import json
from typing import Any

import mindspore
import numpy as np
from mindspore import nn


def optimizer_of(group: dict[str, Any], **arguments: Any) -> tuple[Any, Any]:
    first, second = (
        mindspore.Parameter(mindspore.Tensor(np.ones((2, 2), np.float32)), name=name) for name in "ab"
    )
    groups = [{"params": [first]}, {"params": [second], **group}]
    return nn.LazyAdam(params=groups, **arguments), second


def run(group: dict[str, Any], **arguments: Any) -> Any:
    """A weight of the second group after two steps."""
    optimizer, second = optimizer_of(group, **arguments)
    for value in (0.5, -1.5):
        optimizer((mindspore.Tensor(np.full((2, 2), value, np.float32)),) * 2)
    return second.asnumpy()[0, 0]


def outcome(group: dict[str, Any], **arguments: Any) -> str:
    try:
        return "acts" if run(group, **arguments) != plain else "is ignored"
    except Exception as error:
        return f"is refused ({type(error).__name__}: {error})"


plain = run({}, learning_rate=0.1)
default, _ = optimizer_of({})  # it keeps its arguments, whose signature its decorators hide
print(
    json.dumps(
        {
            "arguments": {"learning_rate": default.init_learning_rate, **default.init_args},
            "groups": {
                name: outcome(group, learning_rate=0.1)
                for name, group in (
                    ("lr", {"lr": 0.2}),
                    ("betas", {"beta1": 0.5, "beta2": 0.9}),
                    ("eps", {"eps": 0.1}),
                    ("maximize", {"maximize": True}),
                    ("weight_decay", {"weight_decay": 0.1}),
                )
            },
            "a list of learning rates": outcome({}, learning_rate=[0.1, 0.2]),
        }
    )
)
