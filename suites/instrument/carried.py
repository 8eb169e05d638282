"""A checkpoint of torch, for the tests."""

from pathlib import Path
from typing import Any

import torch

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
