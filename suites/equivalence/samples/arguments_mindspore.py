"""The arguments of LazyAdam with their defaults, and what its parameter groups and its lr take, as JSON."""

import json

import mindspore
import numpy as np
from mindspore import nn


def optimizer_of(group, **arguments):  # type: ignore[no-untyped-def]
    first, second = (
        mindspore.Parameter(mindspore.Tensor(np.ones((2, 2), np.float32)), name=name) for name in "ab"
    )
    groups = [{"params": [first]}, {"params": [second], **group}]
    return nn.LazyAdam(params=groups, **arguments), second


def run(group, **arguments):  # type: ignore[no-untyped-def]
    """A weight of the second group after two steps."""
    optimizer, second = optimizer_of(group, **arguments)
    for value in (0.5, -1.5):
        optimizer((mindspore.Tensor(np.full((2, 2), value, np.float32)),) * 2)
    return second.asnumpy()[0, 0]


def outcome(group, **arguments):  # type: ignore[no-untyped-def]
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
