"""The arguments of SparseAdam with their defaults, and what its parameter groups and its lr take, as JSON."""

import inspect
import json
from typing import Any

import numpy as np
import torch


def run(group: dict[str, Any], **arguments: Any) -> Any:
    """A weight of the second group after two steps."""
    first, second = (torch.nn.Parameter(torch.ones(2, 2)) for _ in range(2))
    groups = [{"params": [first]}, {"params": [second], **group}]
    optimizer = torch.optim.SparseAdam(params=groups, **arguments)
    for value in (0.5, -1.5):
        for parameter in (first, second):
            parameter.grad = torch.sparse_coo_tensor(
                [[0, 1]], torch.full((2, 2), value), (2, 2), check_invariants=True
            )
        optimizer.step()
    return np.float32(second[0, 0].item())


def outcome(group: dict[str, Any], **arguments: Any) -> str:
    try:
        return "acts" if run(group, **arguments) != run({}, lr=0.1) else "is ignored"
    except Exception as error:
        return f"is refused ({type(error).__name__}: {error})"


signature = inspect.signature(torch.optim.SparseAdam).parameters
print(
    json.dumps(
        {
            "arguments": {name: p.default for name, p in signature.items() if p.default is not p.empty},
            "groups": {
                name: outcome({name: value}, lr=0.1)
                for name, value in (
                    ("lr", 0.2),
                    ("betas", (0.5, 0.9)),
                    ("eps", 0.1),
                    ("maximize", True),
                    ("weight_decay", 0.1),
                )
            },
            "a list of learning rates": outcome({}, lr=[0.1, 0.2]),
        }
    )
)
