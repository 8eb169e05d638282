"""A small recommendation model, trained and recorded: three tables, a dense tower, ids by Zipf's law.

python -m lazyadam.suites.backends.torch.recommend run
lazyadam judge run/tables
lazyadam judge run/tower
"""

import sys
from pathlib import Path

import numpy as np
import torch

from lazyadam.suites.backends.torch.recorder import Recorder

TABLES = {"user": 2000, "item": 500, "shop": 20}
WIDTH, BATCH, STEPS, WARM_UP = 8, 64, 200, 50


def batches(steps: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Ids of each table, by Zipf's law, and what was liked."""
    rng = np.random.default_rng(seed)
    return [
        {name: (rows ** rng.random(BATCH)).astype(np.int64) - 1 for name, rows in TABLES.items()}
        | {"liked": rng.integers(2, size=BATCH).astype(np.float32)}
        for _ in range(steps)
    ]


def model() -> tuple[torch.nn.ModuleDict, torch.nn.Sequential]:
    """Tables and tower, as they are before the first step."""
    torch.manual_seed(0)
    tables = torch.nn.ModuleDict(
        {name: torch.nn.Embedding(rows, WIDTH, sparse=True) for name, rows in TABLES.items()}
    )
    tower = torch.nn.Sequential(
        torch.nn.Linear(WIDTH * len(TABLES), 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)
    )
    return tables, tower


def train(
    folder: Path,
    optimizer: type[torch.optim.Optimizer] = torch.optim.SparseAdam,
    steps: int = STEPS,
    of_tower: type[torch.optim.Optimizer] = torch.optim.Adam,
) -> None:
    """Train, and record into tables/ and tower/."""
    tables, tower = model()
    of_tables = optimizer(list(tables.parameters()), lr=0.02)
    for_tower = of_tower(tower.parameters(), lr=0.01)
    optimizers = (of_tables, for_tower)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(each, lambda k: min(1.0, (k + 1) / WARM_UP)) for each in optimizers
    ]
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20, growth_interval=20)
    with (
        Recorder(of_tables, folder / "tables", dict(tables.named_parameters())),
        Recorder(for_tower, folder / "tower", dict(tower.named_parameters())),
    ):
        for batch in batches(steps):
            looked_up = [tables[name](torch.from_numpy(batch[name])) for name in TABLES]
            logits = tower(torch.cat(looked_up, dim=1)).squeeze(1)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                logits, torch.from_numpy(batch["liked"])
            )
            for each in optimizers:
                each.zero_grad()
            scaler.scale(loss).backward()
            for each, schedule in zip(optimizers, schedules, strict=True):
                scaler.step(each)
                schedule.step()
            scaler.update()


if __name__ == "__main__":
    train(Path(sys.argv[1]))
